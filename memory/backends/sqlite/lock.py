"""The lock that processes share beside a database, so that none ever finds it locked."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memory.errors import StorageUnavailable

if sys.platform != "win32":
    import fcntl

_PAUSE_FIRST_S = 0.0002
_PAUSE_MAX_S = 0.004


class WriteLock:
    """Held by one process at a time, in turns, and let go when that process dies.

    There are two locks: whoever waits holds the gate, and the holder passes the gate too before it
    can hold again, so a busy process cannot keep the others out. Where there is no ``fcntl``,
    SQLite's own lock with its busy timeout has to do.

    Args:
        database: The file to protect; ``.lock`` and ``.gate`` are made beside it.
    """

    def __init__(self, database: Path) -> None:
        self._descriptors = [
            os.open(database.with_name(database.name + suffix), os.O_RDWR | os.O_CREAT, 0o600)
            for suffix in (".gate", ".lock")
        ]

    @contextmanager
    def held(self, timeout_s: float) -> Iterator[None]:
        """Holds the lock for the time of the block; not reentrant.

        Raises:
            StorageUnavailable: Others held it all that time.
        """
        deadline = time.monotonic() + timeout_s
        gate, lock = self._descriptors
        _acquire(gate, deadline)
        try:
            _acquire(lock, deadline)
        finally:
            _release(gate)
        try:
            yield
        finally:
            _release(lock)

    def close(self) -> None:
        """Closes the files; they stay, as others may be waiting for them."""
        while self._descriptors:
            os.close(self._descriptors.pop())


def _acquire(descriptor: int, deadline: float) -> None:
    pause = _PAUSE_FIRST_S
    while not _try(descriptor):
        if time.monotonic() > deadline:
            raise StorageUnavailable(
                "Another process has been writing to the database all the time and nothing was "
                "written; find the process that hangs, or try again."
            )
        time.sleep(pause)
        pause = min(2 * pause, _PAUSE_MAX_S)


if sys.platform != "win32":

    def _try(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _release(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)

else:

    def _try(descriptor: int) -> bool:
        return True

    def _release(descriptor: int) -> None:
        return None
