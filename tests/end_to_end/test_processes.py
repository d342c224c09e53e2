"""Processes that end, crash, or share one file: what was acknowledged is there."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

import httpx2

from tests.end_to_end.conftest import CONVERSATION
from tests.end_to_end.processes import Home, Server, wait_until

WRITERS = 4
ACKNOWLEDGED_BEFORE_CRASH = 60
IMPORTED_BEFORE_KILL = 128

Json = dict[str, Any]


def exported(home: Home) -> list[Json]:
    """Everything in the home's memory, by a process of its own."""
    done = home.run("export", "-", "--all-namespaces")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def store(url: str, content: str) -> str:
    reply = httpx2.post(f"{url}/memory/store", json={"content": content}, timeout=30)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["results"][0]["id"])


def recalled(url: str, query: str) -> list[str]:
    reply = httpx2.get(f"{url}/memory/recall", params={"query": query}, timeout=30)
    return [hit["content"] for hit in reply.json()["hits"]]


def cli_recalled(home: Home, query: str) -> list[str]:
    done = home.run("recall", query, "--json")
    assert done.returncode == 0, done.stderr
    return [hit["content"] for hit in json.loads(done.stdout)["hits"]]


def test_a_restarted_server_remembers(home: Home) -> None:
    with home.serve() as server:
        store(server.url, "Ines takes the ferry on Friday")
    with home.serve() as server:
        assert recalled(server.url, "ferry") == ["Ines takes the ferry on Friday"]


def test_a_server_and_the_command_line_see_each_others_writes(home: Home) -> None:
    with home.serve() as server:
        record_id = store(server.url, "Told to the server: the kiln is hot")
        assert cli_recalled(home, "kiln") == ["Told to the server: the kiln is hot"]
        assert home.run("store", "Told on the command line: the boat is late").returncode == 0
        assert recalled(server.url, "boat")[0] == "Told on the command line: the boat is late"
        assert home.run("forget", record_id).returncode == 0
        assert not any("kiln" in content for content in recalled(server.url, "kiln"))


def test_two_servers_on_one_file_share_their_memory(home: Home) -> None:
    with home.serve() as first, home.serve() as second:
        store(first.url, "Morag keeps bees")
        assert recalled(second.url, "bees") == ["Morag keeps bees"]
        store(second.url, "Archie keeps bees")
        assert sorted(recalled(first.url, "bees")) == ["Archie keeps bees", "Morag keeps bees"]


def test_on_a_terminal_forgetting_a_tier_asks_first(home: Home) -> None:
    home.run("store", "scratch", "--tier", "working")
    keyboard, terminal = os.openpty()
    with os.fdopen(keyboard, "w") as typing, os.fdopen(terminal) as shown:
        typing.write("n\n")
        typing.flush()
        done = home.run("forget", "--tier", "working", stdin=shown)
    assert done.returncode == 1
    assert "Forget 1 memory?" in done.stderr
    assert cli_recalled(home, "scratch") == ["scratch"]


def keep_storing(server: Server, writer: int, acknowledged: Queue[str]) -> None:
    """Stores one entry after the other until the server is gone; notes what it acknowledged."""
    for number in range(10_000):
        content = f"writer {writer} entry {number}"
        try:
            store(server.url, content)
        except (httpx2.TransportError, OSError):
            return
        acknowledged.put(content)


def test_what_was_acknowledged_survives_a_crash(home: Home) -> None:
    acknowledged: Queue[str] = Queue()
    with home.serve() as server, ThreadPoolExecutor(WRITERS) as pool:
        for writer in range(WRITERS):
            pool.submit(keep_storing, server, writer, acknowledged)
        known = {acknowledged.get(timeout=60) for _ in range(ACKNOWLEDGED_BEFORE_CRASH)}
        server.kill()
    while not acknowledged.empty():
        known.add(acknowledged.get_nowait())
    with home.serve():
        contents = [record["content"] for record in exported(home)]
    assert known <= set(contents)
    assert len(contents) == len(set(contents)) <= len(known) + WRITERS
    assert home.run("doctor").returncode == 0


def count_of_records(home: Home) -> int:
    return len(exported(home))


def test_an_import_that_was_killed_is_finished_by_running_it_again(
    home: Home, turns: list[Json]
) -> None:
    lines = CONVERSATION.read_text(encoding="utf-8").splitlines(keepends=True)
    process = home.start("import", "-", "--format", "jsonl")
    assert process.stdin is not None
    process.stdin.writelines(lines[:200])
    process.stdin.flush()
    wait_until(lambda: home.path.exists() and count_of_records(home) == IMPORTED_BEFORE_KILL)
    process.kill()
    process.communicate(timeout=15)

    done = home.run("import", str(CONVERSATION), "--json")
    summary = json.loads(done.stdout)
    assert summary["duplicates"] == IMPORTED_BEFORE_KILL
    assert summary["stored"] == len(turns) - IMPORTED_BEFORE_KILL
    assert len(exported(home)) == len(turns)


def test_a_conversation_moves_by_export_and_import(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "backup.jsonl"
    assert home.run("import", str(CONVERSATION)).returncode == 0
    assert home.run("export", str(file)).returncode == 0
    assert file.stat().st_mode & 0o777 == 0o600

    other = Home(tmp_path / "other")
    assert other.run("import", str(file)).returncode == 0
    assert exported(other) == exported(home)
    assert "Stored 0" in other.run("import", str(file)).stdout
