"""MCP over standard input and output, in real processes."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.protocol.processes import BOUND_S, STDIO, ask, environment, stdio

INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def call(tool: str, arguments: dict[str, Any], request_id: int = 2) -> dict[str, Any]:
    parameters = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": parameters}


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_tools_work(tmp_path: Path, mode: str) -> None:
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-c", f"{STDIO}serve_stdio(read_settings())"],
        env=environment(tmp_path),
    )
    async with Client(stdio_client(parameters), mode=mode) as agent:
        await agent.call_tool("store", {"content": "over a pipe"})
        found = await agent.call_tool("recall", {"query": "pipe"})
    assert [hit["content"] for hit in found.structured_content["hits"]] == ["over a pipe"]


def test_it_ends_when_its_input_ends_and_answers_all_before(tmp_path: Path) -> None:
    with stdio(tmp_path) as process:
        messages = [INITIALIZE, INITIALIZED]
        messages += [call("store", {"content": f"entry {n}"}, n) for n in range(2, 22)]
        text = "".join(json.dumps(message) + "\n" for message in messages)
        out, err = process.communicate(text, timeout=BOUND_S)
    replies = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 0, err
    assert {reply["id"] for reply in replies} == set(range(1, 22))
    assert all("result" in reply for reply in replies)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_with_everything_stored(tmp_path: Path, number: int) -> None:
    with stdio(tmp_path) as process:
        ask(process, INITIALIZE)
        assert "result" in ask(process, call("store", {"content": "kept"}))
        begun = time.monotonic()
        process.send_signal(number)
        assert process.wait(BOUND_S) == 0
        assert time.monotonic() - begun < 2
    with stdio(tmp_path) as again:
        ask(again, INITIALIZE)
        reply = ask(again, call("recall", {"query": "kept"}))
    assert reply["result"]["structuredContent"]["hits"][0]["content"] == "kept"


def test_lines_that_are_no_messages_do_not_end_it(tmp_path: Path) -> None:
    with stdio(tmp_path) as process:
        ask(process, INITIALIZE)
        assert process.stdin is not None
        process.stdin.write('{"broken\n\n[]\n' + "[" * 100_000 + "\n")
        process.stdin.flush()
        while "result" not in (reply := ask(process, call("recall", {"query": ""}, 9))):
            assert "error" in reply
    assert reply["id"] == 9


def test_what_cannot_begin_is_told_in_one_line(tmp_path: Path) -> None:
    with stdio(tmp_path, embedder="oracle") as process:
        out, err = process.communicate(timeout=BOUND_S)
    assert (process.returncode, out, err.count("\n")) == (1, "", 1)


def test_a_request_with_a_lone_surrogate_is_refused_by_its_id(tmp_path: Path) -> None:
    with stdio(tmp_path) as process:
        ask(process, INITIALIZE)
        refused = ask(process, call("store", {"content": "half an emoji \ud83d"}, 7))
        assert (refused["id"], refused["error"]["code"]) == (7, -32700)
        assert "result" in ask(process, call("store", {"content": "still there"}, 8))
