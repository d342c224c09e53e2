"""The life of a memory, from storing to forgetting, over every face and over stdio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from tests.end_to_end.faces import Face, call_mcp, over_mcp, over_rest, over_rpc, over_websocket
from tests.end_to_end.processes import ROOT, Home, Server, console_script

pytestmark = pytest.mark.anyio

FACES = [over_mcp, over_rpc, over_websocket, over_rest]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Home(tmp_path_factory.mktemp("faces")).serve() as running:
        yield running


@asynccontextmanager
async def stdio_client(home: Home) -> AsyncIterator[Client]:
    """A client that starts memoryd as its child, as desktop hosts do."""
    command, *arguments = [*console_script(), "stdio"]
    parameters = StdioServerParameters(
        command=command, args=arguments, env=home.environment, cwd=ROOT
    )
    async with Client(parameters) as client:
        yield client


async def contents(face: Face, url: str, query: str, namespace: str) -> list[str]:
    answer = await face(url, "recall", {"query": query, "namespace": namespace})
    return [hit["content"] for hit in answer["hits"]]


@pytest.mark.parametrize("face", FACES)
async def test_a_memory_lives_and_is_forgotten(server: Server, face: Face) -> None:
    url, namespace = server.url, face.__name__
    entry = {"content": "The kiln costs 2,140 euros", "namespace": namespace}
    (stored,) = (await face(url, "store", entry))["results"]
    assert await contents(face, url, "kiln", namespace) == ["The kiln costs 2,140 euros"]

    changes = {"id": stored["id"], "changes": {"content": "The kiln cost 1,890 euros"}}
    changed = await face(url, "update", {**changes, "namespace": namespace})
    assert changed == {"id": stored["id"], "version": 2}
    assert await contents(face, url, "kiln", namespace) == ["The kiln cost 1,890 euros"]

    gone = await face(url, "forget", {"id": stored["id"], "namespace": namespace})
    assert gone["forgotten"] == 1
    assert await contents(face, url, "kiln", namespace) == []


async def test_what_one_face_stores_every_face_recalls(server: Server) -> None:
    await over_websocket(
        server.url, "store", {"content": "Biscuit is a greyhound", "namespace": "shared"}
    )
    for face in FACES:
        found = await contents(face, server.url, "greyhound", "shared")
        assert found == ["Biscuit is a greyhound"]


async def test_a_stale_update_is_refused_with_a_reason(server: Server) -> None:
    (stored,) = (await over_rest(server.url, "store", {"content": "Draft"}))["results"]
    stale = {"id": stored["id"], "changes": {"content": "Final"}, "expected_version": 7}
    async with Client(f"{server.url}/mcp") as client:
        result = await client.call_tool("update", stale)
    assert result.is_error
    assert "version 1" in str(result.content)


async def test_stdio_remembers_the_conversation_across_restarts(
    home: Home, turns: list[Json]
) -> None:
    async with stdio_client(home) as client:
        answer = await call_mcp(client, "store", {"entries": turns})
        assert {one["status"] for one in answer["results"]} == {"stored"}
        before = await call_mcp(client, "recall", {"query": "the bow thruster and the potatoes"})
    async with stdio_client(home) as client:
        after = await call_mcp(client, "recall", {"query": "the bow thruster and the potatoes"})
        summary = await call_mcp(client, "summarize", {"tier": "episodic"})
    assert after["hits"] == before["hits"]
    assert "potato" in after["hits"][0]["content"]
    assert summary["summary"]


async def test_stdio_updates_and_forgets(home: Home) -> None:
    async with stdio_client(home) as client:
        (stored,) = (await call_mcp(client, "store", {"content": "Ferry at nine"}))["results"]
        changes = {"id": stored["id"], "changes": {"content": "Ferry at ten"}}
        assert (await call_mcp(client, "update", changes))["version"] == 2
        assert (await call_mcp(client, "forget", {"id": stored["id"]}))["forgotten"] == 1
        assert (await call_mcp(client, "recall", {"query": "ferry"}))["hits"] == []
