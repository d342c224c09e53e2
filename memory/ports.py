"""The Protocols that the rest of the memory is written against.

A backend fulfils one or more of these; nothing outside a backend's folder asks which one it is.
Keys are the store's own 64-bit row numbers: unique over all namespaces, never reused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from memory.records import Change, Filter, MemoryRecord, Operation

Keys: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float32]
Tokens: TypeAlias = npt.NDArray[np.int8]
Clock: TypeAlias = Callable[[], datetime]
NewId: TypeAlias = Callable[[], str]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which keys an index may answer with: only these, or all but these.

    ``keys`` is sorted, without repetition.
    """

    keys: Keys
    exclude: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """Keys with their scores, best first; ties by the lower key. Both of shape (n,)."""

    keys: Keys
    scores: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderIdentity:
    """What made a vector; vectors of different identities are never compared.

    ``name`` holds everything that matters: model, hash of the weights and of the tokeniser, and the
    numeric format. ``relevance_midpoint`` is the cosine at which the best record is as likely to
    bear on a query as not; it calibrates confidence.
    """

    name: str
    dimension: int
    relevance_midpoint: float = 0.58


@dataclass(frozen=True, slots=True)
class Encoding:
    """What an embedder makes of one text.

    ``vector`` is the unit vector of the whole, float32, shape (dimension,). ``tokens`` is one row
    for each token, int8, shape (n, width), where n is 0 if the embedder gives none; each row
    divided by 127 is about a unit vector. ``weights``, float32, shape (n,), is how much each token
    of a question tells.
    """

    vector: Floats
    tokens: Tokens
    weights: Floats


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def identity(self) -> EmbedderIdentity:
        """Model and dimension; known without loading the model."""
        ...

    @property
    def ready(self) -> bool:
        """Whether the model is loaded, so that ``embed`` will not wait for it."""
        ...

    def load(self) -> None:
        """Loads the model now, once; later calls return at once.

        Raises:
            EmbedderUnavailable: The model cannot be loaded.
        """
        ...

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Encodes texts, in their order: like ``embed``, with the vectors of tokens.

        Raises:
            EmbedderUnavailable: The model cannot be loaded or does not answer.
        """
        ...

    def embed(self, texts: Sequence[str]) -> Floats:
        """Embeds texts, in their order.

        The vector of a text does not depend on the other texts of the call. Safe to call from
        several threads. Loads the model when it is not loaded yet.

        Returns:
            Unit vectors, float32, shape (len(texts), dimension). An empty text has a vector too.

        Raises:
            EmbedderUnavailable: The model cannot be loaded or does not answer.
        """
        ...

    def close(self) -> None:
        """Releases the model; afterwards ``embed`` raises EmbedderUnavailable."""
        ...


class VectorIndex(Protocol):
    """Exact or approximate nearest neighbours by inner product, one index a namespace.

    Safe for concurrent use. A projection: it holds nothing that the store could not give again.
    """

    def put(self, namespace: str, keys: Keys, vectors: Floats) -> None:
        """Adds vectors, shape (n, dimension); a key that is there already is replaced.

        Raises:
            InvalidInput: Wrong dimension, NaN or infinity, or keys and vectors differ in number.
        """
        ...

    def remove(self, namespace: str, keys: Keys) -> None:
        """Removes keys; one that is not there is no error."""
        ...

    def search(
        self, namespace: str, query: Floats, limit: int, selection: Selection | None = None
    ) -> Scored:
        """The best ``limit`` keys for ``query`` (shape (dimension,)) among those selected.

        The selection is applied before ranking: what it leaves is searched in full. An unknown
        namespace has no keys.
        """
        ...

    def similarities(self, namespace: str, query: Floats, keys: Keys) -> Floats:
        """Inner product of ``query`` with each key's vector, in order; NaN where there is none."""
        ...

    def count(self, namespace: str) -> int:
        """How many keys the namespace has."""
        ...

    def clear(self, namespace: str) -> None:
        """Drops the namespace's index and its memory."""
        ...


@dataclass(frozen=True, slots=True)
class LexicalDocument:
    """The analysed terms of one record in three weighted fields; repetition counts."""

    key: int
    text: tuple[str, ...]
    neighbours: tuple[str, ...] = ()
    date: tuple[str, ...] = ()


class LexicalIndex(Protocol):
    """Finds records by words with BM25 over weighted fields, one index a namespace.

    Safe for concurrent use. A projection: it holds nothing that the store could not give again.
    Equal contents give equal scores, whatever the order or grouping of the calls that made them.
    """

    def put(self, namespace: str, documents: Sequence[LexicalDocument]) -> None:
        """Adds documents; a key that is there already is replaced."""
        ...

    def remove(self, namespace: str, keys: Keys) -> None:
        """Removes keys; one that is not there is no error."""
        ...

    def search(
        self,
        namespace: str,
        terms: Sequence[str],
        limit: int,
        selection: Selection | None = None,
    ) -> Scored:
        """The best ``limit`` keys that hold at least one of the terms, among those selected.

        The selection is applied before ranking. Document frequencies and lengths are those of the
        whole namespace.
        """
        ...

    def scores(self, namespace: str, terms: Sequence[str], keys: Keys) -> Floats:
        """The BM25 score of each key, in order; 0 where no term occurs or the key is unknown."""
        ...

    def count(self, namespace: str) -> int:
        """How many keys the namespace has."""
        ...

    def clear(self, namespace: str) -> None:
        """Drops the namespace's index and its memory."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """What the indexes need of a record's text, written in the same transaction as the record.

    ``encoding`` is ``None`` when the embedder could not answer; ``model`` names the embedder.
    """

    terms: tuple[str, ...]
    date_terms: tuple[str, ...]
    encoding: Encoding | None
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRow:
    """One record as the projections see it; ``vector`` only if made by the model asked for.

    ``searchable`` are active and superseded records. ``position`` orders a conversation: when the
    record happened (else was stored), then its turn (else its key).
    """

    key: int
    tier: str
    searchable: bool
    superseded: bool
    expires_at: datetime | None
    speaker: str | None
    conversation_id: str | None
    position: tuple[datetime, int]
    terms: tuple[str, ...]
    date_terms: tuple[str, ...]
    vector: Floats | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteIdentity:
    """What recognises a retry or a duplicate: keyed fingerprint and the caller's own key."""

    fingerprint: bytes
    idempotency_key: str | None = None


class Transaction(Protocol):
    """Reads and writes within one atomic write; it sees its own writes."""

    def get(self, namespace: str, record_id: str) -> MemoryRecord | None:
        """The record's current state, whatever its status, or ``None``."""
        ...

    def find(self, namespace: str, where: Filter, at: datetime, limit: int) -> list[MemoryRecord]:
        """Up to ``limit`` matching records, oldest first."""
        ...

    def count(self, namespace: str, where: Filter, at: datetime) -> int:
        """How many records match."""
        ...

    def by_fingerprint(
        self, namespace: str, fingerprints: Sequence[bytes]
    ) -> dict[bytes, MemoryRecord]:
        """The active record of each of these fingerprints that has one."""
        ...

    def by_idempotency_key(
        self, namespace: str, keys: Sequence[str]
    ) -> dict[str, tuple[MemoryRecord, bytes]]:
        """What was stored under each of these keys, and the fingerprint it was stored with.

        The key goes on answering for its record, whatever became of that record since.
        """
        ...

    def write(
        self,
        record: MemoryRecord,
        operation: Operation,
        *,
        actor: str,
        reason: str = "",
        indexed: Indexed | None = None,
        identity: WriteIdentity | None = None,
    ) -> int:
        """Makes ``record`` the current state and appends the change to the log.

        ``indexed`` is given when the text is new, ``identity`` when the record is new or its text
        changed; left out, the record keeps what it has.

        Returns:
            The sequence number of the change.
        """
        ...

    def erase(self, record: MemoryRecord, *, actor: str, reason: str = "") -> int:
        """Removes the record's content for good: from its row, words, vectors and every change.

        ``record`` is the state after erasing: the next version, the time in ``updated_at``. The
        row and the digests stay. Nothing can bring the content back.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceStatistics:
    """How many records a namespace holds, by tier, of those that are active."""

    namespace: str
    records: int
    tiers: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationReport:
    """What verifying found; ``problems`` is empty when all is well and holds no content."""

    changes: int
    records: int
    problems: tuple[str, ...]


class RecordStore(Protocol):
    """Keeps records and the change log: the truth that everything else follows.

    An acknowledged write survives the death of the process. Safe for concurrent use, by threads
    and, where the backend stores outside the process, by other processes.
    """

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Runs ``work`` in one atomic write and returns its result once that is durable.

        Waiting calls may share one commit; each is still wholly there or wholly absent. When
        ``work`` raises, nothing of it is kept and the exception is passed on. ``work`` must be
        quick, must not call the store itself, and may be run again if it could not be committed.

        Raises:
            StorageUnavailable: It could not be committed in time; nothing was written.
            StorageCorrupt: The file is damaged.
        """
        ...

    def get(self, namespace: str, record_ids: Sequence[str]) -> list[MemoryRecord]:
        """The current states of these records, in the order given; unknown ones are left out."""
        ...

    def by_keys(
        self, namespace: str, keys: Sequence[int], where: Filter, at: datetime
    ) -> dict[int, MemoryRecord]:
        """The records behind these keys that match ``where``, by key."""
        ...

    def keys(self, namespace: str, where: Filter, at: datetime) -> Keys:
        """The keys of all matching records, sorted."""
        ...

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
        ...

    def count(self, namespace: str, where: Filter, at: datetime) -> int:
        """How many records match."""
        ...

    def fingerprint(self, namespace: str, text: str) -> bytes:
        """A hash of the text keyed by the store's key and the namespace, 32 bytes.

        Equal in every process that has the key; tells nothing without it.
        """
        ...

    def position(self) -> int:
        """A number that grows with every durable write to records or vectors. Cheap to ask.

        Writes of other processes count as soon as they are acknowledged there.
        """
        ...

    def last_sequence(self) -> int:
        """The sequence number of the latest durable change, 0 when there is none."""
        ...

    def changes(
        self, after: int, limit: int, namespace: str | None = None, record_id: str | None = None
    ) -> list[Change]:
        """Changes with a sequence number above ``after``, in order."""
        ...

    def touched(self, namespace: str, after: int) -> list[int]:
        """The keys of the namespace's records written (or given a vector) after that position."""
        ...

    def index_rows(
        self, namespace: str, model: str, keys: Sequence[int] | None = None
    ) -> Iterator[IndexRow]:
        """What the projections need of these records (all when ``None``), by ascending key."""
        ...

    def without_vector(self, model: str, limit: int) -> list[tuple[int, MemoryRecord]]:
        """Up to ``limit`` searchable records, with their keys, that lack a vector of this model."""
        ...

    def tokens(self, model: str, keys: Sequence[int]) -> dict[int, Tokens]:
        """The token vectors that the model made of these records' present texts, by key.

        Records that have none are left out.
        """
        ...

    def put_vectors(self, model: str, vectors: Sequence[tuple[int, int, Encoding]]) -> None:
        """Adds vectors to records that lack them: (key, version the text had, encoding)."""
        ...

    def put_words(self, words: Sequence[tuple[int, int, tuple[str, ...], tuple[str, ...]]]) -> None:
        """Replaces the words of records: (key, version, terms, terms of the date).

        One whose text has changed since that version is left alone.
        """
        ...

    def states_at(self, namespace: str, at: datetime) -> Iterator[MemoryRecord]:
        """Every record of the namespace as it stood at that time, in order of first storing."""
        ...

    def namespaces(self) -> list[NamespaceStatistics]:
        """Statistics of every namespace that has records, by name."""
        ...

    def verify(self, progress: Callable[[int, int], None] | None = None) -> VerificationReport:
        """Proves the chain of digests and that replaying the log gives the stored records."""
        ...

    def rebuild(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Makes the records anew from the log alone; returns how many there are."""
        ...

    def close(self) -> None:
        """Waits for writes under way and releases the store; later calls raise."""
        ...
