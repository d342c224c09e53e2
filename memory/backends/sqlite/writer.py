"""Group commit: one thread writes, and all work that waits shares one commit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

from memory.backends.sql.group import Group, Outcome
from memory.backends.sql.transaction import SqlTransaction
from memory.errors import StorageUnavailable

T = TypeVar("T")

GROUP_MAX = 256
"""How many pieces of work share one commit at most."""

WAITING_MAX = 4096
"""How many pieces of work may wait; further callers wait to be let in."""


@dataclass(frozen=True, slots=True)
class _Task:
    work: Callable[[SqlTransaction], Any]
    result: Future[Any]


class GroupCommitWriter:
    """Runs work in groups on a thread of its own. While one group commits, the next one gathers.

    Args:
        open_group: Begins a transaction and commits it at the end of its block, or rolls back.
        timeout_s: How long a caller waits for its work to begin.
    """

    def __init__(
        self, open_group: Callable[[], AbstractContextManager[Group]], timeout_s: float
    ) -> None:
        self._open_group = open_group
        self._timeout_s = timeout_s
        self._queue: SimpleQueue[_Task | None] = SimpleQueue()
        self._places = threading.BoundedSemaphore(WAITING_MAX)
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[SqlTransaction], T]) -> T:
        """Runs work in a group; returns its result once the group is durable.

        Raises:
            StorageUnavailable: The writer is closed, the work did not begin in time, or the commit
                failed; nothing was written.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError("work must not call the store; use the transaction it is given")
        if not self._places.acquire(timeout=self._timeout_s):
            raise _too_busy()
        task = _Task(work, Future())
        with self._lock:
            if self._closed:
                self._places.release()
                raise closed()
            self._queue.put(task)
        return cast(T, self._await(task.result))

    def close(self, timeout_s: float) -> None:
        """Lets the work that waits be done, then ends the thread.

        Raises:
            StorageUnavailable: That took too long; the thread ends with the process.
        """
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise StorageUnavailable("The database did not finish its last writes in time.")

    def _await(self, result: Future[Any]) -> object:
        try:
            result.exception(self._timeout_s)
        except TimeoutError as error:
            if result.cancel():
                raise _too_busy() from error
        except BaseException:  # the caller is interrupted: spare the writer the work
            result.cancel()
            raise
        return result.result()

    def _run(self) -> None:
        going_on = True
        while going_on:
            tasks, going_on = self._gather()
            self._commit([task for task in tasks if task.result.set_running_or_notify_cancel()])

    def _gather(self) -> tuple[list[_Task], bool]:
        """Waits for work and takes all there is; False with the last."""
        tasks: list[_Task] = []
        task = self._queue.get()
        while task is not None:
            self._places.release()
            tasks.append(task)
            if len(tasks) == GROUP_MAX:
                return tasks, True
            try:
                task = self._queue.get_nowait()
            except Empty:
                return tasks, True
        return tasks, False

    def _commit(self, tasks: list[_Task]) -> None:
        if not tasks:
            return
        try:
            with self._open_group() as group:
                outcomes = [group.attempt(task.work) for task in tasks]
        except BaseException as error:  # noqa: BLE001  # passed on to every caller of the group
            outcomes = [Outcome(error=error)] * len(tasks)
        for task, outcome in zip(tasks, outcomes, strict=True):
            if outcome.error is not None:
                task.result.set_exception(outcome.error)
            else:
                task.result.set_result(outcome.value)


def closed() -> StorageUnavailable:
    """The error of every call after closing."""
    return StorageUnavailable("The store is closed; open it again.")


def _too_busy() -> StorageUnavailable:
    return StorageUnavailable(
        "The database was too busy to begin this write in time; nothing was written. Try again."
    )
