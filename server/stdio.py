"""MCP over standard input and output, for hosts that start memoryd as their child."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterable, Callable
from types import FrameType
from typing import Protocol

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import (
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
)
from pydantic import ValidationError

from memory.errors import MemorydError
from server.config import Settings
from server.dispatch import Dispatcher
from server.json_text import NotJson, parse_json
from server.logs import configure_logging
from server.mcp_face import McpFace
from server.services import EmbeddingService
from server.starting import Starting
from tools.definition import Caller

__all__ = ["serve_stdio"]

LAST_ANSWERS_S = 10.0
"""How long requests may still be worked on after the input has ended."""


def serve_stdio(settings: Settings) -> None:
    """Serves until standard input ends or the process is told to end.

    Standard output carries the protocol alone; logs go to standard error.

    Raises:
        SystemExit: With status 1 when it cannot begin; one line on standard error says why.
    """
    configure_logging(settings.log_level)
    starting = Starting(settings)
    embedding = EmbeddingService(starting)
    ending = _Ending(starting, embedding)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ending.on_signal)
    try:
        anyio.run(_serve, settings, starting, embedding)
    finally:
        ended = ending.close()
    if not ended:
        _leave()


async def _serve(settings: Settings, starting: Starting, embedding: EmbeddingService) -> None:
    dispatcher = Dispatcher(starting, settings.threads)
    face = McpFace(dispatcher, Caller(namespace=settings.namespace))
    options = face.server.create_initialization_options()
    to_server, requests = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    replies, from_server = anyio.create_memory_object_stream[SessionMessage](0)
    unanswered = _Unanswered()
    async with stdio_server() as (incoming, outgoing), anyio.create_task_group() as tasks:
        tasks.start_soon(_forward, incoming, to_server, outgoing, unanswered, face.drain)
        tasks.start_soon(_return, from_server, outgoing, unanswered)
        starting.begin(_end_unless_composed)
        embedding.start()
        await face.server.run(requests, replies, options)


class _Outgoing(Protocol):
    """Where answers go."""

    async def send(self, item: SessionMessage, /) -> None: ...

    async def aclose(self) -> None: ...


class _Unanswered:
    """The requests that wait for their answers."""

    def __init__(self) -> None:
        self._ids: set[RequestId] = set()
        self._none = anyio.Event()
        self._ended = False

    def add(self, message: SessionMessage | Exception) -> None:
        """Takes note of what came in."""
        told = message.message if isinstance(message, SessionMessage) else None
        if isinstance(told, JSONRPCRequest):
            self._ids.add(told.id)
        elif isinstance(told, JSONRPCNotification) and told.method == "notifications/cancelled":
            self._ids.discard((told.params or {}).get("requestId", ""))

    def answered(self, message: SessionMessage) -> None:
        """Takes note of what went out."""
        told = message.message
        if isinstance(told, JSONRPCResponse | JSONRPCError) and told.id is not None:
            self._ids.discard(told.id)
        self._tell()

    async def wait(self) -> None:
        """Waits until every request is answered; none may come any more."""
        self._ended = True
        self._tell()
        await self._none.wait()

    def _tell(self) -> None:
        if self._ended and not self._ids:
            self._none.set()


async def _forward(
    incoming: AsyncIterable[SessionMessage | Exception],
    to_server: MemoryObjectSendStream[SessionMessage | Exception],
    outgoing: _Outgoing,
    unanswered: _Unanswered,
    drain: Callable[[], None],
) -> None:
    """Hands requests on; tells their end, upon which the server stops, when all is answered."""
    async with to_server:
        async for message in incoming:
            refused = _unreadable_request(message)
            if refused is not None:
                await outgoing.send(_refusal(refused))
                continue
            unanswered.add(message)
            await to_server.send(message)
        drain()
        with anyio.move_on_after(LAST_ANSWERS_S):
            await unanswered.wait()


def _unreadable_request(message: SessionMessage | Exception) -> RequestId | None:
    """The id of a request that the transport could not read, so that nobody waits for its answer.

    JSON may escape lone surrogates, as of an emoji cut in half, which its parser refuses.
    """
    line = message.errors()[0]["input"] if isinstance(message, ValidationError) else None
    try:
        told = parse_json(line) if isinstance(line, str) else None
    except NotJson:
        return None
    found = told.get("id") if isinstance(told, dict) and "method" in told else None
    if isinstance(found, str):
        return found if found.isascii() else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _refusal(request_id: RequestId) -> SessionMessage:
    told = ErrorData(code=PARSE_ERROR, message="Parse error: remove lone surrogates from the text")
    return SessionMessage(JSONRPCError(jsonrpc="2.0", id=request_id, error=told))


async def _return(
    from_server: MemoryObjectReceiveStream[SessionMessage],
    outgoing: _Outgoing,
    unanswered: _Unanswered,
) -> None:
    """Hands answers on."""
    try:
        async for message in from_server:
            await outgoing.send(message)
            unanswered.answered(message)
    finally:
        await outgoing.aclose()


class _Ending:
    """Closes what is open, once, whoever asks first."""

    def __init__(self, starting: Starting, embedding: EmbeddingService) -> None:
        self._starting = starting
        self._embedding = embedding
        self._once = threading.Lock()
        self._ended = False

    def close(self) -> bool:
        """Closes everything; false if a thread is still inside the embedding model."""
        with self._once:
            if not self._ended:
                self._ended = True
                quiet = self._embedding.close()
                self._starting.close()
                return quiet
        return True

    def on_signal(self, _: int, __: FrameType | None) -> None:
        """Ends the process from a thread of its own.

        The thread that reads standard input cannot be woken, and the one that is interrupted by
        the signal may hold a lock that closing needs.
        """
        threading.Thread(target=self._end_process, name="memoryd-ending").start()

    def _end_process(self) -> None:
        self.close()
        _leave()


def _end_unless_composed(error: BaseException | None) -> None:
    if error is None:
        return
    told = error.message if isinstance(error, MemorydError) else type(error).__qualname__
    sys.stderr.write(f"memoryd: {told}\n")
    _leave(1)


def _leave(status: int = 0) -> None:
    """Ends the process now, without waiting for threads that are busy or wait for input."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(status)
