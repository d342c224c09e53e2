"""The guard stands in front of every protocol alike."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from server.app import Application
from server.guard import RequestGuard, is_loopback
from tests.protocol.asgi_websocket import asgi_websocket

pytestmark = pytest.mark.anyio

PATHS = ["/mcp", "/rpc", "/memory/store", "/healthz", "/nothing"]
JSON = {"content-type": "application/json"}
FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:8765",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "localhost:8765/evil",
    "",
]
FOREIGN_ORIGINS = [
    "http://evil.example",
    "https://localhost.evil.example",
    "http://localhost@evil.example",
    "null",
    "file://",
    "",
    "http://localhost:1/path",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", FOREIGN_HOSTS)
async def test_a_request_for_another_host_is_misdirected(
    client: httpx2.AsyncClient, path: str, host: str
) -> None:
    response = await client.post(path, content=b"{}", headers={**JSON, "host": host})
    assert response.status_code == 421
    assert response.json()["error"]["code"] == "misdirected_request"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8765", "[::1]:80"])
async def test_loopback_names_are_ours_at_any_port(client: httpx2.AsyncClient, host: str) -> None:
    assert (await client.get("/healthz", headers={"host": host})).status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_a_page_of_a_foreign_origin_may_not_call(
    client: httpx2.AsyncClient, path: str, origin: str
) -> None:
    response = await client.post(path, content=b"{}", headers={**JSON, "origin": origin})
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "foreign_origin"


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
async def test_a_page_of_a_foreign_origin_may_not_open_a_socket(
    app: Application, origin: str
) -> None:
    async with asgi_websocket(app, {"origin": origin}) as (_, answer):
        assert (answer["type"], answer["code"]) == ("websocket.close", 1008)


async def test_a_socket_for_another_host_is_refused(app: Application) -> None:
    async with asgi_websocket(app, {"host": "evil.example"}) as (_, answer):
        assert answer["type"] == "websocket.close"


async def test_a_page_of_loopback_may_call_and_read(client: httpx2.AsyncClient) -> None:
    origin = "http://localhost:6274"
    response = await client.get("/healthz", headers={"origin": origin})
    assert response.headers["access-control-allow-origin"] == origin
    assert response.headers["vary"] == "Origin"


async def test_a_browser_that_asks_first_is_told_yes(client: httpx2.AsyncClient) -> None:
    headers = {
        "origin": "http://localhost:6274",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,mcp-session-id",
    }
    response = await client.request("OPTIONS", "/mcp", headers=headers)
    assert response.status_code == 204
    assert response.headers["access-control-allow-headers"] == "content-type,mcp-session-id"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json-evil"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/rpc"),
        ("POST", "/mcp"),
        ("POST", "/memory/store"),
        ("PATCH", "/memory/update"),
        ("DELETE", "/memory/forget"),
    ],
)
async def test_a_body_that_is_not_json_is_refused(
    client: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> None:
    response = await client.request(method, path, content=b"{}", headers=headers)
    assert response.status_code == 415


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=UTF-8", " application/json "]
)
async def test_json_may_be_named_in_any_usual_way(
    client: httpx2.AsyncClient, content_type: str
) -> None:
    response = await client.post("/rpc", content=b"{}", headers={"content-type": content_type})
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/rpc", "/mcp", "/memory/store"])
async def test_a_body_beyond_the_limit_is_refused(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.post(path, content=b" " * (2**20 + 1), headers=JSON)
    assert response.status_code == 413


@pytest.mark.parametrize("path", ["/rpc", "/mcp", "/memory/store"])
async def test_a_body_that_does_not_say_its_length_is_counted(
    client: httpx2.AsyncClient, path: str
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 2**16

    response = await client.post(path, content=endless(), headers=JSON)
    assert (response.status_code, response.json()["error"]["code"]) == (413, "content_too_large")


@pytest.mark.parametrize("length", ["9" * 30, "9" * 5000, "00002000000"])
async def test_a_length_that_says_too_much_is_refused_unread(
    client: httpx2.AsyncClient, length: str
) -> None:
    headers = {**JSON, "content-length": length}
    assert (await client.post("/rpc", content=b"{}", headers=headers)).status_code == 413


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await Response(body)(scope, receive, send)


def guarded(**settings: tuple[str, ...]) -> httpx2.AsyncClient:
    guard = RequestGuard(
        echo,
        hosts=settings.get("hosts", ()),
        origins=settings.get("origins", ()),
        body_max_bytes=100,
    )
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=guard), base_url="http://[::1]")


async def test_a_body_passes_as_it_was_sent() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"one ", b"", b"two"):
            yield piece

    async with guarded() as client:
        response = await client.post("/", content=pieces(), headers=JSON)
    assert response.content == b"one two"


@pytest.mark.parametrize(
    ("hosts", "host", "status"),
    [
        (("memory.example",), "memory.example", 200),
        (("memory.example",), "Memory.Example:9000", 200),
        (("memory.example:80",), "memory.example:80", 200),
        (("memory.example:80",), "memory.example:81", 421),
        ((), "memory.example", 421),
    ],
)
async def test_hosts_can_be_allowed(hosts: tuple[str, ...], host: str, status: int) -> None:
    async with guarded(hosts=hosts) as client:
        assert (await client.get("/", headers={"host": host})).status_code == status


async def test_origins_can_be_allowed() -> None:
    async with guarded(origins=("https://App.example/",)) as client:
        response = await client.get("/", headers={"origin": "https://app.example"})
    assert response.headers["access-control-allow-origin"] == "https://app.example"


@pytest.mark.parametrize(
    ("name", "is_ours"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("localhost.", False),
        ("", False),
    ],
)
def test_only_names_of_this_machine_are_loopback(name: str, is_ours: bool) -> None:
    assert is_loopback(name) is is_ours


async def test_a_client_that_leaves_in_the_midst_of_a_body_disturbs_nobody() -> None:
    messages = iter(
        [
            {"type": "http.request", "body": b'{"content":', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    sent: list[Message] = []

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": [*headers, (b"content-length", b"99")],
    }
    await RequestGuard(echo, hosts=(), origins=(), body_max_bytes=100)(scope, receive, send)
    assert sent == []
