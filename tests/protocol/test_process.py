"""The serving process: how it begins, what it refuses, and how it ends."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import websockets.sync.client
from websockets.exceptions import ConnectionClosed

from tests.protocol.processes import BOUND_S, SERVE, Server, running, serving

ACCEPT = {"accept": "application/json, text/event-stream"}
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path) as started:
        yield started


@pytest.fixture
def http(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=BOUND_S) as client:
        yield client


def open_listen_stream(http: httpx2.Client) -> Iterator[str]:
    """A stream of the stateless era; gives its lines."""
    parameters = {"_meta": MODERN, "notifications": {"toolsListChanged": True}}
    body = {"jsonrpc": "2.0", "id": 7, "method": "subscriptions/listen", "params": parameters}
    headers = {
        **ACCEPT,
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "subscriptions/listen",
    }
    with http.stream("POST", "/mcp", json=body, headers=headers) as response:
        assert response.status_code == 200
        yield from response.iter_lines()


def open_session_stream(http: httpx2.Client) -> Iterator[str]:
    """The standing stream of a session of the earlier era."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}
    begun = http.post("/mcp", json=body, headers=ACCEPT)
    session = {"mcp-session-id": begun.headers["mcp-session-id"]}
    with http.stream("GET", "/mcp", headers={**ACCEPT, **session}) as response:
        assert response.status_code == 200
        yield "open"
        yield from response.iter_lines()


def drained(lines: Iterator[str], seen: list[str]) -> threading.Thread:
    def read() -> None:
        try:
            seen.extend(lines)
        except httpx2.HTTPError:
            seen.append("broken off")

    thread = threading.Thread(target=read)
    thread.start()
    return thread


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_when_nothing_is_open(server: Server, number: int) -> None:
    assert httpx2.get(f"{server.url}/healthz").status_code == 200
    begun = time.monotonic()
    assert server.end(number) == 0
    assert time.monotonic() - begun < 2


def test_it_ends_soon_although_streams_are_open(server: Server, http: httpx2.Client) -> None:
    listening, standing = open_listen_stream(http), open_session_stream(http)
    assert "message" in next(listening)
    assert next(standing) == "open"
    seen: list[str] = []
    readers = [drained(listening, seen), drained(standing, [])]
    address = server.url.replace("http", "ws") + "/ws"
    with websockets.sync.client.connect(address, subprotocols=["jsonrpc"]) as opened:  # type: ignore[list-item]
        begun = time.monotonic()
        assert server.end(signal.SIGTERM) == 0
        assert time.monotonic() - begun < 2
        with pytest.raises(ConnectionClosed) as caught:
            opened.recv(timeout=BOUND_S)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code in (1001, 1012)
    for reader in readers:
        reader.join(BOUND_S)
    assert any('"resultType":"complete"' in line for line in seen)


def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path) as first:
        body = {"content": "it lasts"}
        assert httpx2.post(f"{first.url}/memory/store", json=body).status_code == 200
        first.end(signal.SIGKILL)
    with serving(tmp_path) as second:
        found = httpx2.get(f"{second.url}/memory/recall?query=lasts").json()
    assert [hit["content"] for hit in found["hits"]] == ["it lasts"]


def refused(home: Path, **settings: str) -> tuple[int, str]:
    with running(f"{SERVE}serve(read_settings())", home, **settings) as process:
        _, err = process.communicate(timeout=BOUND_S)
        return process.returncode, err


def test_a_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        status, err = refused(tmp_path, port=str(other.getsockname()[1]))
    assert (status, err.count("\n")) == (1, 1)
    assert "address already in use" in err
    assert not (tmp_path / "memory.db").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_it_does_not_listen_to_other_machines_unasked(tmp_path: Path, host: str) -> None:
    status, err = refused(tmp_path, host=host)
    assert (status, err.count("\n")) == (1, 1)
    assert "MEMORYD_ALLOW_REMOTE=1" in err


def test_it_listens_to_other_machines_when_told_to(tmp_path: Path) -> None:
    with serving(tmp_path, host="0.0.0.0", allow_remote="1") as server:
        port = server.url.rpartition(":")[2]
        assert httpx2.get(f"http://127.0.0.1:{port}/healthz").status_code == 200


def test_a_lost_key_file_is_told_and_no_new_key_is_made(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        httpx2.post(f"{server.url}/memory/store", json={"content": "locked"})
        server.end(signal.SIGTERM)
    (tmp_path / "master.key").unlink()
    status, err = refused(tmp_path)
    assert (status, "master.key" in err) == (1, True)
    assert not (tmp_path / "master.key").exists()


def raw(server: Server, request: bytes) -> bytes:
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=BOUND_S) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: localhost \r\n\r\n", b" 200 "),
        (b"GET /healthz HTTP/1.0\r\n\r\n", b" 421 "),
        (b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", b" 421 "),
        (b"GET /healthz HTTP/1.1\r\n\r\n", b" 400 "),
        (b"\x00\xff\r\n\r\n", b" 400 "),
        (
            b"POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999999\r\n\r\n",
            b" 413 ",
        ),
    ],
)
def test_the_wire_is_guarded(server: Server, request_bytes: bytes, status: bytes) -> None:
    assert status in raw(server, request_bytes).partition(b"\r\n")[0]


def test_nothing_that_was_asked_or_stored_is_logged(tmp_path: Path) -> None:
    with serving(tmp_path, log_level="debug") as server:
        with httpx2.Client(base_url=server.url) as http:
            http.post("/memory/store", json={"content": "hunter2 stored"})
            http.get("/memory/recall?query=hunter2+asked&limit=hunter2")
            http.post("/mcp", json={"hunter2": 1}, headers=ACCEPT)
            http.get("/hunter2")
        server.process.send_signal(signal.SIGTERM)
        _, err = server.process.communicate(timeout=BOUND_S)
    assert "has ended" in err
    assert "hunter2" not in err


def test_small_answers_are_not_held_back(http: httpx2.Client) -> None:
    http.get("/healthz")
    durations = [http.get("/healthz").elapsed.total_seconds() for _ in range(21)]
    assert sorted(durations)[10] < 0.03  # delayed acknowledgements would make it 0.04


def test_frames_that_are_not_utf8_end_the_socket(server: Server) -> None:
    address = server.url.replace("http", "ws") + "/ws"
    with websockets.sync.client.connect(address) as opened:
        opened.send(b"\xff\xfe", text=True)
        with pytest.raises(ConnectionClosed) as caught:
            opened.recv(timeout=BOUND_S)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1007
