"""What is MCP's own: what is listed, how it is told to models, both eras, the wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx2
import pytest
from jsonschema import Draft202012Validator
from mcp import Client, MCPError

from memory.system import IntegratedMemorySystem
from server.app import Application
from server.composition import Composition
from server.mcp_events import STATISTICS_URI
from server.mcp_face import INSTRUCTIONS

pytestmark = pytest.mark.anyio

ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
TOOLS = ["store", "recall", "update", "forget", "summarize"]


@pytest.fixture(params=["auto", "legacy"])
async def agent(request: pytest.FixtureRequest, app: Application) -> AsyncIterator[Client]:
    async with Client(app.mcp.server, mode=request.param) as opened:
        yield opened


async def test_the_tools_are_listed_with_their_hints(agent: Client) -> None:
    tools = {tool.name: tool for tool in (await agent.list_tools()).tools}
    assert list(tools) == TOOLS
    read_only = {name for name, tool in tools.items() if tool.annotations.read_only_hint}
    destructive = {name for name, tool in tools.items() if tool.annotations.destructive_hint}
    assert (read_only, destructive) == ({"recall", "summarize"}, {"update", "forget"})
    assert not any(tool.annotations.open_world_hint for tool in tools.values())


async def test_schemas_are_valid_and_slim(agent: Client) -> None:
    for tool in (await agent.list_tools()).tools:
        for schema in (tool.input_schema, tool.output_schema):
            Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
            assert '"title": ' not in str(schema).replace("'", '"')
        assert tool.input_schema["additionalProperties"] is False


async def test_the_list_of_tools_fits_a_small_context(agent: Client) -> None:
    listed = (await agent.list_tools()).tools
    shown = sum(len(json.dumps(tool.input_schema)) + len(tool.description) for tool in listed)
    assert shown < 16_000


async def test_null_is_shown_only_where_it_means_something(agent: Client) -> None:
    schemas = {tool.name: str(tool.input_schema) for tool in (await agent.list_tools()).tools}
    assert {name for name, schema in schemas.items() if "'null'" in schema} == {"update"}


async def test_models_are_told_how_to_use_the_memory(agent: Client) -> None:
    assert agent.instructions == INSTRUCTIONS
    assert len(INSTRUCTIONS) <= 1_500


async def test_an_unknown_tool_is_an_error_of_the_protocol(agent: Client) -> None:
    with pytest.raises(MCPError) as caught:
        await agent.call_tool("dance", {})
    assert caught.value.code == -32602


async def test_recall_is_bounded_unless_the_agent_says_otherwise(
    agent: Client, namespace: str
) -> None:
    for number in range(12):
        long = f"{number} " + "tea and biscuits " * 150
        await agent.call_tool("store", {"content": long, "namespace": namespace})
    arguments = {"query": "tea", "limit": 12, "namespace": namespace}
    bounded = (await agent.call_tool("recall", arguments)).structured_content
    free = (await agent.call_tool("recall", {**arguments, "max_tokens": 10**6})).structured_content
    sizes = [sum(len(hit["content"]) for hit in result["hits"]) for result in (bounded, free)]
    assert sizes[0] < 20_000 < sizes[1]


async def test_the_default_budget_is_told(agent: Client) -> None:
    tools = {tool.name: tool for tool in (await agent.list_tools()).tools}
    assert tools["recall"].input_schema["properties"]["max_tokens"]["default"] == 4000


async def test_a_conflict_shows_the_model_the_current_state(agent: Client, namespace: str) -> None:
    stored = await agent.call_tool("store", {"content": "is one", "namespace": namespace})
    identifier = stored.structured_content["results"][0]["id"]
    arguments = {"id": identifier, "changes": {"content": "two"}, "namespace": namespace}
    await agent.call_tool("update", arguments)
    result = await agent.call_tool("update", {**arguments, "expected_version": 1})
    assert result.is_error
    assert '"content": "two"' in result.content[0].text


async def test_statistics_are_a_resource(agent: Client, namespace: str) -> None:
    await agent.call_tool("store", {"content": "counted", "namespace": namespace})
    assert [one.uri for one in (await agent.list_resources()).resources] == [STATISTICS_URI]
    text = (await agent.read_resource(STATISTICS_URI)).contents[0].text
    assert namespace in text
    assert "counted" not in text


async def test_an_unknown_resource_is_an_error(agent: Client) -> None:
    with pytest.raises(MCPError):
        await agent.read_resource("memory://nothing")


async def test_changes_of_the_statistics_are_noticed_by_those_who_listen(
    app: Application, composition: Composition, namespace: str
) -> None:
    bus = composition.system.event_bus
    async with Client(app.mcp.server) as agent:
        async with agent.listen(resource_subscriptions=[STATISTICS_URI]) as notices:
            await agent.call_tool("store", {"content": "news", "namespace": namespace})
            with anyio.fail_after(10):
                notice = await anext(aiter(notices))
            assert notice.uri == STATISTICS_URI
        with anyio.fail_after(10):
            while bus.subscribed:
                await anyio.lowlevel.checkpoint()


def initialize(version: str) -> dict[str, Any]:
    parameters = {
        "protocolVersion": version,
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": parameters}


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
async def test_sessions_of_every_earlier_version_begin(
    client: httpx2.AsyncClient, version: str
) -> None:
    response = await client.post("/mcp", json=initialize(version), headers=ACCEPT)
    assert response.status_code == 200
    assert f'"protocolVersion":"{version}"' in response.text
    session = {"mcp-session-id": response.headers["mcp-session-id"]}
    assert (await client.delete("/mcp", headers={**ACCEPT, **session})).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"\xff", 400), (b"[" * 100_000, 400), (b"[]", 400), (b"1", 400)],
)
@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
async def test_a_body_that_is_no_message_is_refused(
    client: httpx2.AsyncClient, body: bytes, status: int, version: str
) -> None:
    headers = {**ACCEPT, "mcp-protocol-version": version}
    assert (await client.post("/mcp", content=body, headers=headers)).status_code == status


async def test_the_statistics_are_those_of_the_memory(
    agent: Client, composition: Composition
) -> None:
    memories: IntegratedMemorySystem = composition.system
    text = (await agent.read_resource(STATISTICS_URI)).contents[0].text
    for one in memories.namespaces():
        assert f'"namespace": "{one.namespace}", "records": {one.records}' in text
