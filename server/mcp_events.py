"""Update notices for MCP: tells those who listen that the statistics have changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated, ServerEvent

from memory.events import MEMORY_UPDATED, Event, EventBus, Subscription

__all__ = ["STATISTICS_URI", "MemoryEvents"]

STATISTICS_URI = "memory://stats"
QUIET_S = 0.1
"""One notice stands for all changes of this long, so that an import does not flood a client."""

log = logging.getLogger(__name__)


class MemoryEvents:
    """A subscription bus of the MCP server that is fed by the memory's event bus.

    It hears of changes only while somebody listens: following the change log has a price.
    """

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._listeners = InMemorySubscriptionBus()
        self._count = 0
        self._subscription: Subscription | None = None
        self._due = False

    async def publish(self, event: ServerEvent) -> None:
        """Tells every listener."""
        await self._listeners.publish(event)

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Adds a listener; the result ends it."""
        unsubscribe = self._listeners.subscribe(listener)
        self._count += 1
        if self._subscription is None:
            self._subscription = self._bus.subscribe(MEMORY_UPDATED, self._changed)
        ended = False

        def end() -> None:
            nonlocal ended
            if not ended:
                ended = True
                unsubscribe()
                self._left()

        return end

    def _left(self) -> None:
        self._count -= 1
        if self._count == 0 and self._subscription is not None:
            self._bus.unsubscribe(self._subscription)
            self._subscription = None

    async def _changed(self, event: Event) -> None:
        if self._due:
            return
        self._due = True
        asyncio.get_running_loop().call_later(QUIET_S, self._tell)

    def _tell(self) -> None:
        self._due = False
        task = asyncio.ensure_future(self.publish(ResourceUpdated(uri=STATISTICS_URI)))
        task.add_done_callback(_log_failure)


def _log_failure(task: asyncio.Future[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a notice could not be published: %s", type(error).__qualname__)
