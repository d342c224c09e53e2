"""One client for each protocol, all called alike, so that one set of tests holds for all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from server.app import Application
from tests.protocol.asgi_websocket import AsgiWebSocket, asgi_websocket

BASE = "http://127.0.0.1:8765"
JSON = {"content-type": "application/json"}


class FaceError(Exception):
    """An error as a protocol told it."""

    def __init__(self, facts: Mapping[str, Any], message: str) -> None:
        super().__init__(message)
        self.code = facts["code"]
        self.message = message
        self.retryable = facts["retryable"]
        self.details = facts["details"]


class Face(Protocol):
    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]: ...


OpenFace: TypeAlias = Callable[[Application], AbstractAsyncContextManager[Face]]


def http_client(app: Application, **options: Any) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE, **options)


def rpc_request(tool: str, arguments: Any, request_id: Any = 1) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": request_id,
        "method": f"memory.{tool}",
        "params": arguments,
    }


def rpc_result(reply: Mapping[str, Any]) -> dict[str, Any]:
    if "error" in reply:
        raise FaceError(reply["error"]["data"], reply["error"]["message"])
    result: dict[str, Any] = reply["result"]
    return result


METHODS = MappingProxyType({"update": "PATCH", "forget": "DELETE"})


class RestFace:
    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        method = METHODS.get(tool, "POST")
        response = await self._client.request(
            method, f"/memory/{tool}", content=json.dumps(arguments), headers=JSON
        )
        return self._result(response)

    @staticmethod
    def _result(response: httpx2.Response) -> dict[str, Any]:
        body: dict[str, Any] = response.json()
        if response.status_code != 200:
            raise FaceError(body["error"], body["error"]["message"])
        return body


class RestQueryFace(RestFace):
    """Calls with query parameters what can be called so."""

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if tool not in ("recall", "forget"):
            return await super().call(tool, arguments)
        query = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in arguments.items()
        }
        method = "GET" if tool == "recall" else "DELETE"
        return self._result(await self._client.request(method, f"/memory/{tool}", params=query))


class RpcFace:
    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        body = json.dumps(rpc_request(tool, arguments))
        response = await self._client.post("/rpc", content=body, headers=JSON)
        assert response.status_code == 200
        return rpc_result(response.json())


class WebSocketFace:
    def __init__(self, socket: AsgiWebSocket) -> None:
        self._socket = socket

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return rpc_result(await self._socket.ask(rpc_request(tool, arguments)))


class McpFaceClient:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        result = await self._client.call_tool(tool, dict(arguments))
        told: dict[str, Any] = result.structured_content
        text = result.content[0].text
        if result.is_error:
            assert text.startswith(told["error"]["message"])
            raise FaceError(told["error"], told["error"]["message"])
        assert text
        return told


@asynccontextmanager
async def rest(app: Application) -> AsyncIterator[Face]:
    async with http_client(app) as client:
        yield RestFace(client)


@asynccontextmanager
async def rest_query(app: Application) -> AsyncIterator[Face]:
    async with http_client(app) as client:
        yield RestQueryFace(client)


@asynccontextmanager
async def json_rpc(app: Application) -> AsyncIterator[Face]:
    async with http_client(app) as client:
        yield RpcFace(client)


@asynccontextmanager
async def websocket(app: Application) -> AsyncIterator[Face]:
    async with asgi_websocket(app) as (socket, handshake):
        assert handshake["type"] == "websocket.accept"
        yield WebSocketFace(socket)


def mcp_in_memory(mode: str) -> OpenFace:
    @asynccontextmanager
    async def opened(app: Application) -> AsyncIterator[Face]:
        async with Client(app.mcp.server, mode=mode) as client:
            yield McpFaceClient(client)

    return opened


def mcp_http(mode: str) -> OpenFace:
    @asynccontextmanager
    async def opened(app: Application) -> AsyncIterator[Face]:
        async with (
            http_client(app) as http,
            Client(streamable_http_client(f"{BASE}/mcp", http_client=http), mode=mode) as client,
        ):
            yield McpFaceClient(client)

    return opened


FACES: Mapping[str, OpenFace] = {
    "rest": rest,
    "rest_query": rest_query,
    "json_rpc": json_rpc,
    "websocket": websocket,
    "mcp_2026": mcp_in_memory("auto"),
    "mcp_2025": mcp_in_memory("legacy"),
    "mcp_http_2026": mcp_http("auto"),
    "mcp_http_2025": mcp_http("legacy"),
}
