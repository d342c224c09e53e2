"""The follower of the change log that feeds the event bus."""

from __future__ import annotations

import logging
import threading
import time

from memory.errors import MemorydError
from memory.events import Event, EventBus
from memory.ports import RecordStore

__all__ = ["LogFollower"]

PAGE = 500
POLL_S = 0.25
FLUSH_STEP_S = 0.005

log = logging.getLogger(__name__)


class LogFollower:
    """Publishes every change that becomes durable, in order, as an event.

    Changes of this process are seen at once (``notify``), those of other processes on the same
    store within a quarter of a second. It starts behind the changes that are there already.
    """

    def __init__(self, store: RecordStore, bus: EventBus) -> None:
        self._store = store
        self._bus = bus
        self._cursor = store.last_sequence()
        self._position = -1
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memoryd-follower", daemon=True)
        self._thread.start()

    def notify(self) -> None:
        """Says that something was written, so that it is published now."""
        self._wake.set()

    def flush(self, timeout_s: float) -> bool:
        """Waits until everything durable so far was delivered; false when time ran out."""
        deadline = time.monotonic() + timeout_s
        wanted = self._store.last_sequence()
        self.notify()
        while self._cursor < wanted or not self._bus.idle:
            if time.monotonic() >= deadline:
                return False
            time.sleep(FLUSH_STEP_S)
        return True

    def close(self) -> None:
        """Stops following."""
        self._closed.set()
        self._wake.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.wait(POLL_S)
            self._wake.clear()
            try:
                self._follow()
            except MemorydError as error:
                log.warning("the change log cannot be followed now: %s", error.code)

    def _follow(self) -> None:
        position = self._store.position()
        if position == self._position:
            return
        if not self._bus.subscribed:
            self._cursor = self._store.last_sequence()
        while changes := self._store.changes(self._cursor, PAGE):
            for change in changes:
                self._bus.publish(Event.of(change))
            self._cursor = changes[-1].seq
        self._position = position
