"""The application that serves every protocol over HTTP, and the process around it."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import FrameType

import uvicorn
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from memory.errors import Forbidden, MemorydError, Unavailable
from server.about import NAME, VERSION
from server.config import Settings
from server.dispatch import Dispatcher
from server.guard import RequestGuard, is_loopback
from server.jsonrpc import JsonRpc, rpc_route, tool_methods
from server.logs import configure_logging, hush_shutdown
from server.mcp_face import McpFace
from server.openapi import openapi_document
from server.rest import problem, rest_routes
from server.services import EmbeddingService
from server.starting import Memories, Starting
from server.websocket import websocket_route
from tools.definition import Caller

__all__ = ["Application", "build_app", "serve"]

JSON = "application/json"
GRACEFUL_SHUTDOWN_S = 1
CONNECTIONS_WAITING_MAX = 2048
SIGNALS = (signal.SIGINT, signal.SIGTERM)

PATHS: Mapping[str, str] = {
    "mcp": "/mcp",
    "rest": "/memory/store, /memory/recall, /memory/update, /memory/forget, /memory/summarize",
    "json_rpc": "/rpc",
    "websocket": "/ws",
    "openapi": "/openapi.json",
    "health": "/healthz",
    "ready": "/readyz",
}

log = logging.getLogger(__name__)


class Application:
    """Every protocol behind one guard: an ASGI application.

    Args:
        settings: The settings of the process.
        memories: Where the memory to serve is.
    """

    def __init__(self, settings: Settings, memories: Memories) -> None:
        dispatcher = Dispatcher(memories, settings.threads)
        caller = Caller(namespace=settings.namespace)
        rpc = JsonRpc(tool_methods(dispatcher))
        self.mcp = McpFace(dispatcher, caller)
        self._sessions = self.mcp.sessions(settings.body_max_bytes)
        self._embedding = EmbeddingService(memories)
        routes: list[BaseRoute] = [
            *rest_routes(dispatcher, caller),
            rpc_route(rpc, caller),
            websocket_route(rpc, memories.event_bus, caller),
            Route("/mcp", StreamableHTTPASGIApp(self._sessions)),
            *_information(self._embedding),
        ]
        self._starlette = Starlette(
            routes=routes,
            lifespan=self._lifespan,
            exception_handlers={HTTPException: _http_problem, Exception: _failure},
        )
        self._starlette.router.redirect_slashes = False
        self._guarded = RequestGuard(
            self._starlette,
            hosts=(settings.host, *settings.allowed_hosts),
            origins=settings.allowed_origins,
            body_max_bytes=settings.body_max_bytes,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection of the ASGI protocol."""
        await self._guarded(scope, receive, send)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Runs what the application needs beside requests; once, for servers without lifespan."""
        return self._lifespan(self._starlette)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._embedding.start()
        try:
            async with self._sessions.run():
                yield
        finally:
            self._embedding.close()

    def drain(self) -> None:
        """Ends open streams of events, so that their connections can close."""
        self.mcp.drain()


def build_app(settings: Settings, memories: Memories) -> Application:
    """The application over a memory, which may still be starting."""
    return Application(settings, memories)


def _information(embedding: EmbeddingService) -> list[Route]:
    """What tells about the server itself."""
    about = json.dumps({"name": NAME, "version": VERSION, "paths": PATHS}).encode()

    async def root(_: Request) -> Response:
        return Response(about, media_type=JSON)

    async def healthy(_: Request) -> Response:
        return Response(b'{"status":"ok"}', media_type=JSON)

    async def ready(_: Request) -> Response:
        reason = embedding.unready
        if reason is None:
            return Response(b'{"status":"ready"}', media_type=JSON)
        return problem(503, "unavailable", reason, {"retry-after": "1"})

    async def openapi(_: Request) -> Response:
        return Response(openapi_document(), media_type=JSON)

    return [
        Route("/", root),
        Route("/healthz", healthy),
        Route("/readyz", ready),
        Route("/openapi.json", openapi),
    ]


async def _http_problem(_: Request, error: Exception) -> Response:
    """404 and 405 in the shape of all errors."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 405:
        code, message = "method_not_allowed", "the path does not take this method; see Allow"
    elif error.status_code == 404:
        code, message = "no_such_path", "there is nothing at this path; / tells what there is"
    else:
        code, message = "bad_request", error.detail
    return problem(error.status_code, code, message, error.headers)


async def _failure(_: Request, error: Exception) -> Response:
    return problem(500, "internal", "something failed inside memoryd and was logged")


class _Server(uvicorn.Server):
    """Ends open streams before it waits for connections to close, and says where it serves."""

    def __init__(
        self, config: uvicorn.Config, app: Application, starting: Starting, url: str
    ) -> None:
        super().__init__(config)
        self._app = app
        self._starting = starting
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to serve, then to compose the memory."""
        await super().startup(sockets)
        self._starting.begin(self._composed)

    def _composed(self, error: BaseException | None) -> None:
        if error is not None:
            self.stop()
            return
        log.info(
            "%s %s serves %s: MCP %s/mcp, REST %s/memory, JSON-RPC %s/rpc, WebSocket %s/ws",
            *(NAME, VERSION, self._url, self._url, self._url, self._url),
            self._url.replace("http", "ws", 1),
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends what is open, then the server."""
        hush_shutdown()
        self._app.drain()
        await super().shutdown(sockets)

    def stop(self, _: int = 0, __: FrameType | None = None) -> None:
        """Asks the server to end soon."""
        self.should_exit = True


def serve(settings: Settings) -> None:
    """Serves until the process is told to end (SIGTERM, SIGINT), then closes the memory.

    Raises:
        SystemExit: With status 1 when it cannot begin; one line on standard error says why.
    """
    configure_logging(settings.log_level)
    try:
        _refuse_remote(settings)
        listener = _listen(settings)
        _run(settings, listener)
    except MemorydError as error:
        sys.stderr.write(f"memoryd: {error.message}\n")
        raise SystemExit(1) from None
    log.info("memoryd has ended; everything acknowledged is stored")


def _run(settings: Settings, listener: socket.socket) -> None:
    """Serves on the listener until told to end.

    Raises:
        MemorydError: The memory cannot be composed.
    """
    starting = Starting(settings)
    app = build_app(settings, starting)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        ws_max_size=settings.body_max_bytes,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
    )
    server = _Server(config, app, starting, _url(listener))
    for number in SIGNALS:  # uvicorn hands signals on to these when it has ended
        signal.signal(number, server.stop)
    try:
        server.run(sockets=[listener])
    finally:
        starting.close()
    if starting.error is not None:
        raise starting.error


def _refuse_remote(settings: Settings) -> None:
    if not (settings.allow_remote or is_loopback(settings.host)):
        raise Forbidden(
            f"host {settings.host} can be reached from other machines and memoryd does not "
            "authenticate callers; use 127.0.0.1, or put something in front that authenticates "
            "and set MEMORYD_ALLOW_REMOTE=1"
        )


def _listen(settings: Settings) -> socket.socket:
    try:
        resolved = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
        return _bound(*resolved[0])
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {settings.host} port {settings.port}: "
            f"{(error.strerror or 'unknown address').lower()}; is memoryd running already? "
            "Stop that, or choose another port with MEMORYD_PORT"
        ) from error


def _bound(
    family: int, kind: int, protocol: int, _: str, address: tuple[object, ...]
) -> socket.socket:
    # The protocol is named, because asyncio sends small answers without delay only where it is.
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere the option would let two processes share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(CONNECTIONS_WAITING_MAX)
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
