"""WebSocket: JSON-RPC 2.0 on ``/ws``, one request or batch a text frame, and events as they happen.

Requests of one connection run side by side up to a small bound, so replies may come in another
order; the ``id`` tells. After ``memory.subscribe`` the server sends ``memory.event`` notifications:
ids and the operation, never content. A client that reads too slowly misses the oldest of them;
``sequence`` shows the gap and ``dropped`` counts it, and what was missed is in the change log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from memory.events import MEMORY_UPDATED, Event, EventBus, Subscription
from memory.validation import check_namespace
from server.jsonrpc import JsonRpc, Method
from server.openrpc import METHOD_PREFIX
from tools.definition import Caller
from tools.reasons import invalid_input

__all__ = ["websocket_route"]

SUBPROTOCOL = "jsonrpc"
REQUESTS_AT_ONCE = 8
OUTBOX_MAX = 64
EVENTS_MAX = 1024
UNSUPPORTED_DATA = 1003
BINARY_REFUSED = "send JSON-RPC as text frames"


def websocket_route(rpc: JsonRpc, bus: EventBus, caller: Caller) -> WebSocketRoute:
    """The route ``/ws``."""

    async def serve(websocket: WebSocket) -> None:
        offered = SUBPROTOCOL in websocket.scope.get("subprotocols", ())
        await websocket.accept(SUBPROTOCOL if offered else None)
        await _Connection(websocket, rpc, bus, caller).run()

    return WebSocketRoute("/ws", serve)


class _Connection:
    """One open socket: a reader, a few requests at work, one writer."""

    def __init__(self, websocket: WebSocket, rpc: JsonRpc, bus: EventBus, caller: Caller) -> None:
        self._websocket = websocket
        self._rpc = rpc
        self._caller = caller
        self._outbox, self._waiting = anyio.create_memory_object_stream[bytes](OUTBOX_MAX)
        self._events = _Events(bus, self._outbox)
        self._turns = anyio.Semaphore(REQUESTS_AT_ONCE)
        self._methods: Mapping[str, Method] = {
            METHOD_PREFIX + "subscribe": _Subscribe(self._events),
            METHOD_PREFIX + "unsubscribe": _Unsubscribe(self._events),
        }

    async def run(self) -> None:
        """Serves the socket until either side ends it."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._write, self._waiting, tasks)
                await self._read(tasks)
                tasks.cancel_scope.cancel()
        finally:
            self._events.end()
            self._outbox.close()
            self._waiting.close()

    async def _read(self, tasks: TaskGroup) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                await self._websocket.close(UNSUPPORTED_DATA, BINARY_REFUSED)
                return
            await self._turns.acquire()
            tasks.start_soon(self._answer, text)

    async def _answer(self, text: str) -> None:
        try:
            reply = await self._rpc.answer(text, self._caller, self._methods)
            if reply is not None:
                await self._outbox.send(reply)
        finally:
            self._turns.release()

    async def _write(self, waiting: MemoryObjectReceiveStream[bytes], tasks: TaskGroup) -> None:
        """Sends everything, alone: a second sender could send after the end."""
        try:
            async for reply in waiting:
                await self._websocket.send_text(reply.decode())
        except (WebSocketDisconnect, RuntimeError):
            tasks.cancel_scope.cancel()


class _Events:
    """What one socket hears of: at most one namespace at a time."""

    def __init__(self, bus: EventBus, outbox: MemoryObjectSendStream[bytes]) -> None:
        self._bus = bus
        self._outbox = outbox
        self._subscription: Subscription | None = None

    def begin(self, namespace: str) -> None:
        """Hears of this namespace from now on, instead of another."""
        self.end()
        self._subscription = self._bus.subscribe(
            MEMORY_UPDATED, self._tell, namespace=namespace, queue_max=EVENTS_MAX
        )

    def end(self) -> bool:
        """Hears of nothing any more; whether there was something to end."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self._bus.unsubscribe(subscription)
        return subscription is not None

    async def _tell(self, event: Event) -> None:
        # Waits while the client reads slowly; meanwhile the bus drops and counts the oldest.
        dropped = self._subscription.dropped if self._subscription is not None else 0
        await self._outbox.send(_notification(event, dropped))


class _SubscribeParameters(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class _Subscribe:
    """``memory.subscribe``."""

    events: _Events
    parameters: tuple[str, ...] = ("namespace",)

    async def run(self, arguments: Mapping[str, object], caller: Caller) -> bytes:
        try:
            given = _SubscribeParameters.model_validate(arguments)
        except ValidationError as error:
            raise invalid_input(error) from None
        namespace = check_namespace(given.namespace or caller.namespace)
        self.events.begin(namespace)
        return json.dumps({"subscribed": True, "namespace": namespace}).encode()


@dataclass(frozen=True, slots=True)
class _Unsubscribe:
    """``memory.unsubscribe``."""

    events: _Events
    parameters: tuple[str, ...] = ()

    async def run(self, arguments: Mapping[str, object], caller: Caller) -> bytes:
        was_subscribed = self.events.end()
        return json.dumps({"subscribed": False, "was_subscribed": was_subscribed}).encode()


def _notification(event: Event, dropped: int) -> bytes:
    parameters = {
        "event": event.name,
        "sequence": event.sequence,
        "namespace": event.namespace,
        "id": event.record_id,
        "version": event.version,
        "operation": event.operation,
        "at": event.at.isoformat(),
        "dropped": dropped,
    }
    told = {"jsonrpc": "2.0", "method": "memory.event", "params": parameters}
    return json.dumps(told, separators=(",", ":")).encode()
