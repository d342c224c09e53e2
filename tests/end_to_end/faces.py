"""Every way to call a tool of a running server, behind one shape: tool, arguments → result."""

from __future__ import annotations

import json
from typing import Any, Protocol

import httpx2
from mcp import Client
from websockets.asyncio.client import connect

Json = dict[str, Any]

REST = {
    "store": ("POST", "/memory/store"),
    "recall": ("POST", "/memory/recall"),
    "update": ("PATCH", "/memory/update"),
    "forget": ("DELETE", "/memory/forget"),
    "summarize": ("POST", "/memory/summarize"),
}


class Face(Protocol):
    """Calls one tool at a server's address."""

    async def __call__(self, url: str, tool: str, arguments: Json) -> Json: ...


async def over_mcp(url: str, tool: str, arguments: Json) -> Json:
    """By a client of the Model Context Protocol over HTTP."""
    async with Client(f"{url}/mcp") as client:
        return await call_mcp(client, tool, arguments)


async def call_mcp(client: Client, tool: str, arguments: Json) -> Json:
    """By a client that is connected already."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def over_rpc(url: str, tool: str, arguments: Json) -> Json:
    """By JSON-RPC over HTTP."""
    async with httpx2.AsyncClient(timeout=60) as http:
        reply = await http.post(f"{url}/rpc", json=_request(tool, arguments))
    return _result(reply.json())


async def over_websocket(url: str, tool: str, arguments: Json) -> Json:
    """By JSON-RPC over a WebSocket."""
    async with connect(url.replace("http", "ws", 1) + "/ws") as socket:
        await socket.send(json.dumps(_request(tool, arguments)))
        return _result(json.loads(await socket.recv()))


async def over_rest(url: str, tool: str, arguments: Json) -> Json:
    """By REST, parameters as a JSON body."""
    method, path = REST[tool]
    async with httpx2.AsyncClient(timeout=60) as http:
        reply = await http.request(method, url + path, json=arguments)
    assert reply.status_code == 200, reply.text
    answer = reply.json()
    assert isinstance(answer, dict)
    return answer


def _request(tool: str, arguments: Json) -> Json:
    return {"jsonrpc": "2.0", "id": 1, "method": f"memory.{tool}", "params": arguments}


def _result(reply: Json) -> Json:
    assert "error" not in reply, reply
    result = reply["result"]
    assert isinstance(result, dict)
    return result
