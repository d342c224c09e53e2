"""The event bus: tells subscribers what happened to which record, in the order of the change log.

An event carries ids and the operation, never content. Each subscriber has a bounded queue of its
own, so that a slow one neither grows without limit nor holds the others up: when its queue is
full, its oldest events are dropped and counted, and the gap shows in ``Event.sequence``; what was
missed can be read from the change log.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from memory.records import Change, Operation

__all__ = ["MEMORY_UPDATED", "Event", "EventBus", "Subscription"]

MEMORY_UPDATED = "memory_updated"
"""Name of the event that every change of a record gives."""

QUEUE_MAX = 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change of one record: which, what and when, never its content."""

    name: str
    sequence: int
    namespace: str
    record_id: str
    version: int
    operation: Operation
    at: datetime

    @classmethod
    def of(cls, change: Change) -> Event:
        """The event that tells of this change."""
        return cls(
            name=MEMORY_UPDATED,
            sequence=change.seq,
            namespace=change.namespace,
            record_id=change.record_id,
            version=change.version,
            operation=change.operation,
            at=change.at,
        )


Handler: TypeAlias = Callable[[Event], Awaitable[None] | None]


class Subscription(Protocol):
    """One subscriber's place at the bus."""

    @property
    def dropped(self) -> int:
        """How many events this subscriber missed because its queue was full."""
        ...

    @property
    def idle(self) -> bool:
        """Whether everything published so far was handled (or dropped)."""
        ...

    def close(self) -> None:
        """Ends the subscription; what still waits is not delivered."""
        ...


class _Queue:
    """A bounded queue that drops its oldest entry when full. Safe for threads."""

    def __init__(self, size_max: int, namespace: str | None) -> None:
        self._events: deque[Event] = deque(maxlen=size_max)
        self._namespace = namespace
        self._changed = threading.Condition()
        self._busy = False
        self.dropped = 0
        self.closed = False

    @property
    def idle(self) -> bool:
        with self._changed:
            return self.closed or (not self._events and not self._busy)

    def offer(self, event: Event) -> None:
        if self._namespace not in (None, event.namespace):
            return
        with self._changed:
            if self.closed:
                return
            self.dropped += len(self._events) == self._events.maxlen
            self._events.append(event)
            self._changed.notify_all()

    def next(self) -> Event | None:
        """The oldest waiting event, or ``None`` when there is none; ends the one before."""
        with self._changed:
            self._busy = bool(self._events)
            return self._events.popleft() if self._events else None

    def wait(self) -> bool:
        """Waits for an event; false when the queue was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._events or self.closed)
            return not self.closed

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._events.clear()
            self._changed.notify_all()


class _ThreadSubscription:
    """Calls a plain function, one event after the other, on a thread of its own."""

    def __init__(self, queue: _Queue, handler: Handler) -> None:
        self._queue = queue
        self._handler = handler
        threading.Thread(target=self._run, name="memoryd-subscriber", daemon=True).start()

    @property
    def dropped(self) -> int:
        return self._queue.dropped

    @property
    def idle(self) -> bool:
        return self._queue.idle

    def offer(self, event: Event) -> None:
        self._queue.offer(event)

    def close(self) -> None:
        self._queue.close()

    def _run(self) -> None:
        while self._queue.wait():
            while (event := self._queue.next()) is not None:
                try:
                    self._handler(event)
                except Exception:
                    log.exception("a subscriber failed on change %d", event.sequence)


class _LoopSubscription:
    """Awaits a coroutine function, one event after the other, on the subscriber's event loop."""

    def __init__(self, queue: _Queue, handler: Callable[[Event], Awaitable[None]]) -> None:
        self._queue = queue
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._task = self._loop.create_task(self._run())

    @property
    def dropped(self) -> int:
        return self._queue.dropped

    @property
    def idle(self) -> bool:
        return self._queue.idle

    def offer(self, event: Event) -> None:
        self._queue.offer(event)
        self._call(self._wake.set)

    def close(self) -> None:
        self._queue.close()
        self._call(self._task.cancel)

    def _call(self, function: Callable[[], object]) -> None:
        if self._loop.is_closed():
            self._queue.close()
        else:
            self._loop.call_soon_threadsafe(function)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while (event := self._queue.next()) is not None:
                try:
                    await self._handler(event)
                except Exception:
                    log.exception("a subscriber failed on change %d", event.sequence)


class EventBus:
    """Hands events to subscribers. Safe for concurrent use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: list[_ThreadSubscription | _LoopSubscription] = []

    @property
    def subscribed(self) -> bool:
        """Whether anybody listens."""
        with self._lock:
            return bool(self._subscriptions)

    def subscribe(
        self,
        name: str,
        handler: Handler,
        *,
        namespace: str | None = None,
        queue_max: int = QUEUE_MAX,
    ) -> Subscription:
        """Calls ``handler`` with every event of that name from now on, in order, one at a time.

        A plain function is called on a thread of its own; a coroutine function is awaited on the
        event loop that is running now. An exception in a handler is logged and the next event
        follows.

        Args:
            name: What to hear of; ``memory_updated`` is the one there is.
            handler: What to call.
            namespace: Only events of this namespace; all when ``None``.
            queue_max: How many events may wait before the oldest is dropped.

        Raises:
            ValueError: There is no event of that name.
        """
        if name != MEMORY_UPDATED:
            raise ValueError(f"there is no such event; subscribe to {MEMORY_UPDATED!r}")
        queue = _Queue(queue_max, namespace)
        subscription = (
            _LoopSubscription(queue, handler)
            if asyncio.iscoroutinefunction(handler)
            else _ThreadSubscription(queue, handler)
        )
        with self._lock:
            self._subscriptions.append(subscription)
        return subscription

    async def stream(
        self, *, namespace: str | None = None, queue_max: int = QUEUE_MAX
    ) -> AsyncIterator[Event]:
        """The events from now on, as an async iterator; ends when it is closed or cancelled."""
        ready: asyncio.Queue[Event] = asyncio.Queue(1)
        subscription = self.subscribe(
            MEMORY_UPDATED, ready.put, namespace=namespace, queue_max=queue_max
        )
        try:
            while True:
                yield await ready.get()
        finally:
            self.unsubscribe(subscription)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Ends a subscription; one that ended already is no error."""
        subscription.close()
        with self._lock:
            self._subscriptions = [one for one in self._subscriptions if one is not subscription]

    def publish(self, event: Event) -> None:
        """Puts the event into every subscriber's queue; never waits for a subscriber."""
        with self._lock:
            subscriptions = list(self._subscriptions)
        for subscription in subscriptions:
            subscription.offer(event)

    @property
    def idle(self) -> bool:
        """Whether every subscriber has handled everything published so far."""
        with self._lock:
            return all(subscription.idle for subscription in self._subscriptions)

    def close(self) -> None:
        """Ends every subscription."""
        with self._lock:
            subscriptions, self._subscriptions = self._subscriptions, []
        for subscription in subscriptions:
            subscription.close()
