"""What is the WebSocket's own: frames, events, order, and how it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from memory.events import MEMORY_UPDATED, Event
from memory.records import Operation
from memory.system import IntegratedMemorySystem
from server.app import Application
from server.composition import Composition
from server.websocket import EVENTS_MAX
from tests.protocol.asgi_websocket import AsgiWebSocket, asgi_websocket
from tests.protocol.faces import rpc_request

pytestmark = pytest.mark.anyio


@pytest.fixture
async def socket(app: Application) -> AsyncIterator[AsgiWebSocket]:
    async with asgi_websocket(app) as (opened, _):
        yield opened


@pytest.fixture
def memories(composition: Composition) -> IntegratedMemorySystem:
    return composition.system


async def test_the_subprotocol_is_taken_when_offered(app: Application) -> None:
    async with asgi_websocket(app, subprotocols=["soap", "jsonrpc"]) as (_, answer):
        assert answer["subprotocol"] == "jsonrpc"
    async with asgi_websocket(app, subprotocols=["soap"]) as (_, answer):
        assert answer["subprotocol"] is None


async def test_a_batch_is_one_frame(socket: AsgiWebSocket, namespace: str) -> None:
    batch = [rpc_request("recall", {"namespace": namespace}, number) for number in (1, 2)]
    assert [reply["id"] for reply in await socket.ask(batch)] == [1, 2]


async def test_requests_sent_together_are_all_answered(
    socket: AsgiWebSocket, namespace: str
) -> None:
    for number in range(40):
        await socket.say(rpc_request("recall", {"namespace": namespace}, number))
    replies = [await socket.hear() for _ in range(40)]
    assert {reply["id"] for reply in replies} == set(range(40))


async def test_text_that_is_no_json_is_answered_and_the_socket_stays(
    socket: AsgiWebSocket, namespace: str
) -> None:
    assert (await socket.ask("{"))["error"]["code"] == -32700
    assert "result" in await socket.ask(rpc_request("recall", {"namespace": namespace}))


async def test_a_binary_frame_is_refused(socket: AsgiWebSocket) -> None:
    await socket.send(bytes=b"{}")
    closing = await socket.receive()
    assert (closing["type"], closing["code"]) == ("websocket.close", 1003)


async def subscribe(socket: AsgiWebSocket, **parameters: Any) -> dict[str, Any]:
    reply: dict[str, Any] = await socket.ask(rpc_request("subscribe", parameters, "s"))
    return reply


async def test_changes_of_the_namespace_are_told_without_content(
    socket: AsgiWebSocket, namespace: str, memories: IntegratedMemorySystem
) -> None:
    reply = await subscribe(socket, namespace=namespace)
    assert reply["result"] == {"subscribed": True, "namespace": namespace}
    await anyio.to_thread.run_sync(lambda: memories.store("elsewhere", namespace="other"))
    stored = await anyio.to_thread.run_sync(lambda: memories.store("secret", namespace=namespace))
    notification = await socket.hear()
    assert (notification["method"], "id" in notification) == ("memory.event", False)
    told = notification["params"]
    assert (told["id"], told["operation"], told["version"]) == (stored.id, "stored", 1)
    assert (told["namespace"], told["dropped"]) == (namespace, 0)
    assert "secret" not in str(notification)


async def test_after_unsubscribing_there_are_no_events(
    socket: AsgiWebSocket, namespace: str, memories: IntegratedMemorySystem
) -> None:
    await subscribe(socket, namespace=namespace)
    ended = await socket.ask(rpc_request("unsubscribe", {}))
    assert ended["result"] == {"subscribed": False, "was_subscribed": True}
    await anyio.to_thread.run_sync(lambda: memories.store("quiet", namespace=namespace))
    await anyio.to_thread.run_sync(memories.flush_events)
    assert (await socket.ask(rpc_request("unsubscribe", {}, 9)))["id"] == 9


def event(number: int, namespace: str) -> Event:
    return Event(
        name=MEMORY_UPDATED,
        sequence=number,
        namespace=namespace,
        record_id=str(number),
        version=1,
        operation=Operation.STORED,
        at=datetime(2026, 5, 8, tzinfo=UTC),
    )


async def test_a_client_that_reads_slowly_is_told_what_it_missed(
    socket: AsgiWebSocket, namespace: str, memories: IntegratedMemorySystem
) -> None:
    await subscribe(socket, namespace=namespace)
    for number in range(EVENTS_MAX + 10):  # all at once: the loop has no turn in between
        memories.event_bus.publish(event(number, namespace))
    told = (await socket.hear())["params"]
    assert (told["sequence"], told["dropped"]) == (10, 10)


@pytest.mark.parametrize("parameters", [{"namespace": "a b"}, {"namespace": 1}, {"colour": "red"}])
async def test_a_subscription_that_cannot_be_taken_is_refused(
    socket: AsgiWebSocket, parameters: dict[str, Any]
) -> None:
    reply = await subscribe(socket, **parameters)
    assert reply["error"]["code"] == -32602


async def test_a_socket_that_goes_away_leaves_nothing_behind(
    app: Application, namespace: str, memories: IntegratedMemorySystem
) -> None:
    async with asgi_websocket(app) as (socket, _):
        await subscribe(socket, namespace=namespace)
        assert memories.event_bus.subscribed
        await socket.disconnect()
    assert not memories.event_bus.subscribed
