"""The event bus."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import anyio
import pytest

from memory.events import MEMORY_UPDATED, Event, EventBus
from memory.records import Operation

AT = datetime(2026, 5, 8, tzinfo=UTC)


def event(sequence: int, namespace: str = "default") -> Event:
    return Event(
        name=MEMORY_UPDATED,
        sequence=sequence,
        namespace=namespace,
        record_id=f"id-{sequence}",
        version=1,
        operation=Operation.STORED,
        at=AT,
    )


class Recorder:
    """A subscriber that keeps what it hears and can be made to wait."""

    def __init__(self, expected: int) -> None:
        self.heard: list[int] = []
        self.expected = expected
        self.done = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, one: Event) -> None:
        self.gate.wait(5)
        self.heard.append(one.sequence)
        if len(self.heard) >= self.expected:
            self.done.set()


def test_a_plain_function_hears_everything_in_order() -> None:
    bus, recorder = EventBus(), Recorder(100)
    bus.subscribe(MEMORY_UPDATED, recorder)
    for sequence in range(100):
        bus.publish(event(sequence))
    assert recorder.done.wait(5)
    assert recorder.heard == list(range(100))


def test_a_subscriber_may_hear_one_namespace_only() -> None:
    bus, recorder = EventBus(), Recorder(1)
    bus.subscribe(MEMORY_UPDATED, recorder, namespace="mine")
    bus.publish(event(1, "other"))
    bus.publish(event(2, "mine"))
    assert recorder.done.wait(5)
    assert recorder.heard == [2]


def test_a_slow_subscriber_loses_the_oldest_and_knows_how_many() -> None:
    bus, recorder, last = EventBus(), Recorder(99), threading.Event()
    recorder.gate.clear()

    def handler(one: Event) -> None:
        recorder(one)
        if one.sequence == 9:
            last.set()

    subscription = bus.subscribe(MEMORY_UPDATED, handler, queue_max=2)
    for sequence in range(10):
        bus.publish(event(sequence))
    recorder.gate.set()
    assert last.wait(5)
    assert recorder.heard[-2:] == [8, 9]
    # The first may have been in the handler's hands already.
    assert subscription.dropped == 10 - len(recorder.heard)
    assert subscription.dropped in (7, 8)


def test_a_failing_subscriber_goes_on_hearing(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = EventBus(), threading.Event()

    def handler(one: Event) -> None:
        if one.sequence == 1:
            raise RuntimeError("boom")
        heard.set()

    bus.subscribe(MEMORY_UPDATED, handler)
    bus.publish(event(1))
    bus.publish(event(2))
    assert heard.wait(5)
    assert "a subscriber failed on change 1" in caplog.text


def test_an_unsubscribed_handler_hears_nothing_more() -> None:
    bus, recorder = EventBus(), Recorder(1)
    bus.unsubscribe(bus.subscribe(MEMORY_UPDATED, recorder))
    bus.publish(event(1))
    assert bus.idle
    assert not bus.subscribed


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(ValueError, match="memory_updated"):
        EventBus().subscribe("memory_exploded", lambda _: None)


@pytest.mark.anyio
async def test_a_coroutine_function_hears_everything_in_order() -> None:
    bus, heard, done = EventBus(), [], anyio.Event()

    async def handler(one: Event) -> None:
        heard.append(one.sequence)
        if len(heard) == 50:
            done.set()

    bus.subscribe(MEMORY_UPDATED, handler)
    await anyio.to_thread.run_sync(lambda: [bus.publish(event(n)) for n in range(50)])
    with anyio.fail_after(5):
        await done.wait()
    assert heard == list(range(50))
    bus.close()


@pytest.mark.anyio
async def test_a_stream_gives_the_events_from_now_on() -> None:
    bus = EventBus()
    stream = bus.stream(namespace="mine")
    heard = []
    async with anyio.create_task_group() as group:

        async def publish() -> None:
            while not bus.subscribed:
                await anyio.lowlevel.checkpoint()
            for number in range(3):
                bus.publish(event(number, "mine"))

        group.start_soon(publish)
        with anyio.fail_after(5):
            async for one in stream:
                heard.append(one.sequence)
                if len(heard) == 3:
                    break
    await stream.aclose()
    assert heard == [0, 1, 2]
    assert not bus.subscribed
