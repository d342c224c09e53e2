"""A WebSocket client that talks to an ASGI application in the same event loop, without a socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
from starlette.types import ASGIApp, Message

BOUND_S = 10.0


class AsgiWebSocket:
    def __init__(self) -> None:
        self._to_app, self.app_receives = anyio.create_memory_object_stream[Message](100)
        self.app_sends, self._from_app = anyio.create_memory_object_stream[Message](0)

    async def send(self, **message: Any) -> None:
        await self._to_app.send({"type": "websocket.receive", **message})

    async def receive(self) -> Message:
        with anyio.fail_after(BOUND_S):
            return await self._from_app.receive()

    async def disconnect(self) -> None:
        await self._to_app.send({"type": "websocket.disconnect", "code": 1000})

    async def say(self, value: object) -> None:
        await self.send(text=value if isinstance(value, str) else json.dumps(value))

    async def hear(self) -> Any:
        message = await self.receive()
        assert message["type"] == "websocket.send"
        return json.loads(message["text"])

    async def ask(self, value: object) -> Any:
        await self.say(value)
        return await self.hear()


def websocket_scope(path: str, headers: Mapping[str, str], subprotocols: list[str]) -> Message:
    told = {"host": "127.0.0.1:8765", **headers}
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "ws",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in told.items()],
        "subprotocols": subprotocols,
        "state": {},
    }


@asynccontextmanager
async def asgi_websocket(
    app: ASGIApp, headers: Mapping[str, str] | None = None, subprotocols: list[str] | None = None
) -> AsyncIterator[tuple[AsgiWebSocket, Message]]:
    """The socket and what the application answered to the handshake."""
    socket = AsgiWebSocket()
    scope = websocket_scope("/ws", headers or {}, subprotocols or [])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(app, scope, socket.app_receives.receive, socket.app_sends.send)
        await socket._to_app.send({"type": "websocket.connect"})
        yield socket, await socket.receive()
        await socket.disconnect()
        tasks.cancel_scope.cancel()
    for stream in (socket._to_app, socket.app_receives, socket.app_sends, socket._from_app):
        stream.close()
