"""Several pieces of work in one database transaction, each wholly there or wholly absent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from memory.backends.sql.chain import ChainKeys
from memory.backends.sql.reading import RecordReader
from memory.backends.sql.transaction import Head, SqlTransaction, read_head, write_head
from memory.errors import StorageUnavailable, Unavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What one piece of work gave, or what it raised."""

    value: T | None = None
    error: BaseException | None = None


class Group:
    """The work that shares one commit; begin and commit are the backend's.

    Args:
        reader: Reads over the session whose transaction has been begun.
        keys: The keys of the chain.
        is_open: Whether that transaction is still open; some errors end it.
    """

    def __init__(self, reader: RecordReader, keys: ChainKeys, is_open: Callable[[], bool]) -> None:
        self._reader = reader
        self._session = reader.session
        self._keys = keys
        self._is_open = is_open
        self._head: Head = read_head(reader)
        self._before = replace(self._head)

    def attempt(self, work: Callable[[SqlTransaction], T]) -> Outcome[T]:
        """Runs one piece of work; when it raises, nothing of it stays and the others are unharmed.

        Raises:
            Unavailable: The whole transaction was lost with it, as by a full disk.
        """
        self._session.rows("SAVEPOINT work")
        transaction = SqlTransaction(self._reader, self._keys, replace(self._head))
        try:
            value = work(transaction)
            self._head = transaction.finish()
        except BaseException as error:  # noqa: BLE001  # passed on to whoever asked for the work
            self._undo(error)
            return Outcome(error=error)
        self._session.rows("RELEASE work")
        return Outcome(value=value)

    def finish(self) -> None:
        """Writes the counters; to be called before commit."""
        if self._head != self._before:
            write_head(self._reader, self._head)

    def _undo(self, cause: BaseException) -> None:
        if not self._is_open():
            if isinstance(cause, Unavailable):
                raise cause
            raise StorageUnavailable(
                "The transaction was lost before it could be committed; nothing was written. "
                "Try again."
            ) from cause
        self._session.rows("ROLLBACK TO work")
        self._session.rows("RELEASE work")
