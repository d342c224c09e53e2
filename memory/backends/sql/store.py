"""A record store over any relational database; how it connects and commits is its backend's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Literal, Protocol, TypeVar

from memory.backends.sql.chain import ChainKeys
from memory.backends.sql.reading import RecordReader
from memory.backends.sql.rows import record_from_row
from memory.backends.sql.schema import records
from memory.backends.sql.transaction import SqlTransaction
from memory.backends.sql.verification import Verification, rebuild
from memory.errors import InvalidInput
from memory.ports import (
    Encoding,
    IndexRow,
    Keys,
    NamespaceStatistics,
    Tokens,
    Transaction,
    VerificationReport,
)
from memory.records import Change, Filter, MemoryRecord

T = TypeVar("T")

_PAGE = 2000
_LIST_PAGE = 500


class Access(Protocol):
    """How a backend reads and commits."""

    def reading(self) -> AbstractContextManager[RecordReader]:
        """A reader for one thread and a short time; it never waits for writers.

        Raises:
            StorageUnavailable: The store is closed, or no connection can be made.
        """
        ...

    def submit(self, work: Callable[[SqlTransaction], T]) -> T:
        """Runs work in an atomic write; returns its result once that is durable.

        Raises:
            StorageUnavailable: The store is closed, or it could not be committed in time.
        """
        ...

    def close(self) -> None:
        """Waits for writes under way and releases everything; a second call does nothing."""
        ...


class SqlRecordStore:
    """Fulfils ``memory.ports.RecordStore``; see there for what each method promises.

    Args:
        access: Reads and commits.
        keys: The keys of the chain and of fingerprints.
    """

    def __init__(self, access: Access, keys: ChainKeys) -> None:
        self._access = access
        self._keys = keys

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Runs ``work`` in one atomic write and returns its result once that is durable."""
        return self._access.submit(work)

    def get(self, namespace: str, record_ids: Sequence[str]) -> list[MemoryRecord]:
        """The current states of these records, in the order given; unknown ones are left out."""
        with self._access.reading() as reader:
            return reader.get(namespace, record_ids)

    def by_keys(
        self, namespace: str, keys: Sequence[int], where: Filter, at: datetime
    ) -> dict[int, MemoryRecord]:
        """The records behind these keys that match ``where``, by key."""
        with self._access.reading() as reader:
            return reader.by_keys(namespace, keys, where, at)

    def keys(self, namespace: str, where: Filter, at: datetime) -> Keys:
        """The keys of all matching records, sorted."""
        with self._access.reading() as reader:
            return reader.keys(namespace, where, at)

    def find(
        self,
        namespace: str,
        where: Filter,
        at: datetime,
        *,
        limit: int,
        order: Literal["oldest", "newest"] = "newest",
        offset: int = 0,
    ) -> list[MemoryRecord]:
        """Matching records by the time they happened (else were stored)."""
        with self._access.reading() as reader:
            rows = reader.find_rows(namespace, where, at, limit, order, offset)
        return [record_from_row(row) for row in rows]

    def count(self, namespace: str, where: Filter, at: datetime) -> int:
        """How many records match."""
        with self._access.reading() as reader:
            return reader.count(namespace, where, at)

    def fingerprint(self, namespace: str, text: str) -> bytes:
        """A hash of the text keyed by the store's key and the namespace, 32 bytes."""
        try:
            return self._keys.fingerprint(namespace, text)
        except UnicodeEncodeError as error:
            raise InvalidInput("Text must not hold half of a surrogate pair.") from error

    def position(self) -> int:
        """A number that grows with every durable write to records or vectors."""
        with self._access.reading() as reader:
            return reader.state("position")

    def last_sequence(self) -> int:
        """The sequence number of the latest durable change, 0 when there is none."""
        with self._access.reading() as reader:
            return reader.last_sequence()

    def changes(
        self, after: int, limit: int, namespace: str | None = None, record_id: str | None = None
    ) -> list[Change]:
        """Changes with a sequence number above ``after``, in order."""
        with self._access.reading() as reader:
            return reader.changes(after, limit, namespace, record_id)

    def touched(self, namespace: str, after: int) -> list[int]:
        """The keys of the namespace's records written (or given a vector) after that position."""
        with self._access.reading() as reader:
            return reader.touched(namespace, after)

    def index_rows(
        self, namespace: str, model: str, keys: Sequence[int] | None = None
    ) -> Iterator[IndexRow]:
        """What the projections need of these records (all when ``None``), by ascending key.

        Read page by page: no connection is held between rows, and what is written meanwhile may
        or may not be seen.
        """
        if keys is not None:
            wanted = sorted({int(key) for key in keys})
            for start in range(0, len(wanted), _LIST_PAGE):
                page = records.c.key.in_(wanted[start : start + _LIST_PAGE])
                with self._access.reading() as reader:
                    rows = reader.index_page(namespace, model, page, _LIST_PAGE)
                yield from rows
            return
        after = 0
        while True:
            with self._access.reading() as reader:
                rows = reader.index_page(namespace, model, records.c.key > after, _PAGE)
            yield from rows
            if len(rows) < _PAGE:
                return
            after = rows[-1].key

    def without_vector(self, model: str, limit: int) -> list[tuple[int, MemoryRecord]]:
        """Up to ``limit`` searchable records, with their keys, that lack a vector of this model."""
        with self._access.reading() as reader:
            return reader.without_vector(model, limit)

    def tokens(self, model: str, keys: Sequence[int]) -> dict[int, Tokens]:
        """The token vectors that the model made of these records' present texts, by key."""
        with self._access.reading() as reader:
            return reader.tokens(model, keys)

    def put_vectors(self, model: str, vectors: Sequence[tuple[int, int, Encoding]]) -> None:
        """Adds vectors to records that lack them: (key, version the text had, encoding).

        One whose text has changed since that version is left alone.
        """
        if vectors:
            self._access.submit(lambda transaction: transaction.put_vectors(model, vectors))

    def put_words(self, words: Sequence[tuple[int, int, tuple[str, ...], tuple[str, ...]]]) -> None:
        """Replaces the words of records: (key, version, terms, terms of the date).

        One whose text has changed since that version is left alone.
        """
        if words:
            self._access.submit(lambda transaction: transaction.put_words(words))

    def states_at(self, namespace: str, at: datetime) -> Iterator[MemoryRecord]:
        """Every record of the namespace as it stood at that time, in order of first storing.

        One that has been erased since is left out; one that was erased by then is a tombstone.
        """
        with self._access.reading() as reader:
            sequences = reader.latest_at(namespace, at)
        for start in range(0, len(sequences), _LIST_PAGE):
            with self._access.reading() as reader:
                states = reader.states(namespace, sequences[start : start + _LIST_PAGE])
            yield from states

    def namespaces(self) -> list[NamespaceStatistics]:
        """Statistics of every namespace that has records, by name."""
        with self._access.reading() as reader:
            return reader.namespaces()

    def verify(self, progress: Callable[[int, int], None] | None = None) -> VerificationReport:
        """Proves the chain of digests and that replaying the log gives the stored records."""
        with self._access.reading() as reader:
            return Verification(reader.session, self._keys, progress).run()

    def rebuild(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Makes the records anew from the log alone; returns how many there are."""

        def work(transaction: SqlTransaction) -> int:
            return rebuild(transaction.session, transaction.new_position(), progress)

        return self._access.submit(work)

    def close(self) -> None:
        """Waits for writes under way and releases the store; later calls raise."""
        self._access.close()
