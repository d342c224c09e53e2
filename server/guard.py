"""The guard in front of every protocol: who may talk to this server from a browser, and how much.

Without it any web page could plant memories: a browser lets every page send simple requests to
loopback addresses, and a name that an attacker controls can be made to resolve to one. So a request
must name a host that is ours (DNS rebinding), a page must be of an allowed origin, and a body must
be JSON, which pages of other origins cannot send unasked. A pure ASGI layer.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.error_map import problem_body

__all__ = ["RequestGuard", "is_loopback"]

BODY_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
POLICY_VIOLATION = 1008
PREFLIGHT_SECONDS = "600"
LENGTH_DIGITS_MAX = 18
EXPOSED_HEADERS = "Mcp-Session-Id, Retry-After"


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a request goes no further."""

    status: int
    code: str
    message: str


WRONG_HOST = _Refusal(
    421, "misdirected_request", "this server does not answer for that host; see allowed_hosts"
)
WRONG_ORIGIN = _Refusal(
    403, "foreign_origin", "pages of this origin may not call; see allowed_origins"
)
WRONG_TYPE = _Refusal(
    415, "unsupported_media_type", "send the body as application/json in UTF-8, not compressed"
)


def is_loopback(host: str) -> bool:
    """Whether the host name (without port, IPv6 without brackets) means this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class RequestGuard:
    """Lets through what is for this server, of an allowed origin, JSON and of moderate size.

    Args:
        app: What stands behind.
        hosts: Host names beside loopback, each with or without a port.
        origins: Web origins beside those of loopback, such as ``https://app.example.com``.
        body_max_bytes: The largest body.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Iterable[str], origins: Iterable[str], body_max_bytes: int
    ) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self._body_max_bytes = body_max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection of the ASGI protocol."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        # RFC 9110, 5.5: white space around a field value is not part of it.
        trimmed = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
        scope = {**scope, "headers": trimmed}
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(refusal, scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            await self._serve(scope, headers, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> _Refusal | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_host(hosts[0]):
            return WRONG_HOST
        if not all(map(self._is_origin, headers.getlist("origin"))):
            return WRONG_ORIGIN
        if scope["type"] == "http" and scope["method"] in BODY_METHODS:
            return _body_refusal(headers, self._body_max_bytes)
        return None

    def _is_host(self, value: str) -> bool:
        host = _host_of(f"//{value}")
        return host is not None and (
            is_loopback(host) or host in self._hosts or value.lower() in self._hosts
        )

    def _is_origin(self, value: str) -> bool:
        if value.lower() in self._origins:
            return True
        host = _host_of(value) if value.startswith(("http://", "https://")) else None
        return host is not None and is_loopback(host)

    async def _serve(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        origin = headers.get("origin")
        if origin is not None:
            if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
                await _preflight(headers)(scope, receive, send)
                return
            send = _for_origin(origin, send)
        if scope["method"] in BODY_METHODS and _has_body(headers):
            body = await self._read(receive)
            if body is None:
                return
            if isinstance(body, _Refusal):
                await _refuse(body, scope, receive, send)
                return
            receive = _replaying(body, receive)
        await self._app(scope, receive, send)

    async def _read(self, receive: Receive) -> list[Message] | _Refusal | None:
        """The whole body, counted as it comes, because it need not say its length before.

        ``None`` when the client left in the midst of it: there is nobody to answer.
        """
        messages: list[Message] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            messages.append(message)
            size += len(message.get("body", b""))
            if size > self._body_max_bytes:
                return _too_large(self._body_max_bytes)
            if not message.get("more_body", False):
                return messages


def _host_of(url: str) -> str | None:
    """The host of ``scheme://host[:port]``, in lower case; ``None`` for anything else."""
    try:
        parts = urlsplit(url)
        port_is_fit = parts.port is None or parts.port >= 0
    except ValueError:
        return None
    bare = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    return parts.hostname if bare and port_is_fit else None


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _body_refusal(headers: Headers, size_max: int) -> _Refusal | None:
    if not _has_body(headers):
        return None
    length = headers.get("content-length", "0")
    digits = length.lstrip("0")
    if len(digits) > LENGTH_DIGITS_MAX or (digits.isdigit() and int(digits) > size_max):
        return _too_large(size_max)
    media_type, _, parameters = headers.get("content-type", "").lower().partition(";")
    charset = parameters.partition("charset=")[2].strip(' "')
    encoded = headers.get("content-encoding", "identity").lower() != "identity"
    if media_type.strip() != "application/json" or charset not in ("", "utf-8", "utf8") or encoded:
        return WRONG_TYPE
    return None


def _too_large(size_max: int) -> _Refusal:
    return _Refusal(
        413, "content_too_large", f"a body holds at most {size_max:,} bytes; send several requests"
    )


async def _refuse(refusal: _Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()  # the handshake; closing before it is accepted answers it with 403
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refusal.code})
        return
    body = problem_body(refusal.code, refusal.message)
    await Response(body, refusal.status, media_type="application/json")(scope, receive, send)


def _preflight(headers: Headers) -> Response:
    """The answer to a browser that asks whether a page may call (the origin is allowed)."""
    return Response(
        status_code=204,
        headers={
            "access-control-allow-origin": headers["origin"],
            "access-control-allow-methods": "GET, POST, PATCH, DELETE",
            "access-control-allow-headers": headers.get("access-control-request-headers", ""),
            "access-control-max-age": PREFLIGHT_SECONDS,
            "vary": "Origin",
        },
    )


def _for_origin(origin: str, send: Send) -> Send:
    """Lets the page of an allowed origin read the response."""

    async def send_readable(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["access-control-allow-origin"] = origin
            headers["access-control-expose-headers"] = EXPOSED_HEADERS
            headers.add_vary_header("Origin")
        await send(message)

    return send_readable


def _replaying(messages: list[Message], receive: Receive) -> Receive:
    """Gives what was read, then goes on with what comes (the end of the connection)."""
    waiting = iter(messages)

    async def replay() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return replay
