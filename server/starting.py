"""Starting: the memory is composed on a thread of its own while the protocols come up.

Opening the database and importing what that needs takes longer than a client should wait for the
first answer. So the protocols start first; calls that need the memory wait until it is there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from memory.events import EventBus
from server.config import Settings

if TYPE_CHECKING:
    from memory.system import IntegratedMemorySystem

__all__ = ["Memories", "Starting"]


class Memories(Protocol):
    """Where the protocols find the memory."""

    @property
    def event_bus(self) -> EventBus:
        """What tells of changes; there from the beginning."""
        ...

    @property
    def composed(self) -> bool:
        """Whether ``system`` is there without waiting."""
        ...

    @property
    def system(self) -> IntegratedMemorySystem:
        """The memory; waits until it is composed.

        Raises:
            MemorydError: It cannot be composed.
        """
        ...


class Starting:
    """Composes the memory in the background; fulfils ``Memories``.

    Args:
        settings: The settings of the process.
    """

    def __init__(self, settings: Settings) -> None:
        self.event_bus = EventBus()
        self._settings = settings
        self._system: Future[IntegratedMemorySystem] = Future()
        self._thread: threading.Thread | None = None

    @property
    def composed(self) -> bool:
        """Whether ``system`` is there without waiting."""
        return self._system.done() and self._system.exception() is None

    @property
    def error(self) -> BaseException | None:
        """Why the memory could not be composed, if so."""
        return self._system.exception() if self._system.done() else None

    @property
    def system(self) -> IntegratedMemorySystem:
        """The memory; waits until it is composed.

        Raises:
            MemorydError: It cannot be composed.
        """
        return self._system.result()

    def begin(self, then: Callable[[BaseException | None], None]) -> None:
        """Begins to compose; ``then`` is called at the end, with what went wrong, if anything."""
        self._thread = threading.Thread(
            target=self._compose, args=(then,), name="memoryd-starting", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Closes the memory, once it is there."""
        if self._thread is None:
            return
        self._thread.join()
        if self.composed:
            self.system.close()

    def _compose(self, then: Callable[[BaseException | None], None]) -> None:
        try:
            compose = import_module("server.composition").compose
            self._system.set_result(compose(self._settings, self.event_bus).system)
        except BaseException as error:  # noqa: BLE001 - whoever asks for the memory meets it
            self._system.set_exception(error)
        then(self.error)
