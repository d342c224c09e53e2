"""The way in: from entries to durable records.

validate → embed (batched) and analyse → look for duplicates → one transaction for record, change,
words and vector. Whatever is slow happens before the transaction; nothing is half-written.
"""

from __future__ import annotations

import json
import logging
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

from memory.errors import Conflict, EmbedderUnavailable, InvalidInput, MemorydError
from memory.ports import (
    Clock,
    Embedder,
    Encoding,
    Indexed,
    NewId,
    RecordStore,
    Transaction,
    WriteIdentity,
)
from memory.records import Entry, MemoryRecord, Operation, Source, StoreResult
from memory.text.analysis import date_terms, terms
from memory.tiers.retention import expiry
from memory.validation import ENTRIES_MAX, check_entry

__all__ = ["Intake"]

VECTOR_PENDING = "stored without a vector: words find it; its vector follows"
KEY_SEEN = "already stored under this idempotency key"
ENTRY_SEEN = "the same entry is stored already"

LIFETIME_SLACK = 0.05
"""A repeat may lose this share of its lifetime to the record that is there, as a retry does."""

_TOLD = tuple(one.name for one in fields(Entry) if one.name != "idempotency_key")
_TOLD_OF_SOURCE = tuple(one.name for one in fields(Source))

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """One entry that is ready to be written."""

    index: int
    record: MemoryRecord
    indexed: Indexed
    identity: WriteIdentity


class Intake:
    """Writes entries as records. Thread-safe."""

    def __init__(self, store: RecordStore, embedder: Embedder, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._embedder = embedder
        self._clock = clock
        self._new_id = new_id

    def store(
        self, entries: Sequence[Entry], *, namespace: str, actor: str
    ) -> list[tuple[StoreResult, MemorydError | None]]:
        """Stores what can be stored, in one transaction, and answers for each entry in order.

        An entry that cannot be taken does not hold the others up: its result says why, and its
        error comes with it.

        Raises:
            InvalidInput: There are too many entries.
            StorageUnavailable: Nothing was written.
        """
        if len(entries) > ENTRIES_MAX:
            raise InvalidInput(f"entries: at most {ENTRIES_MAX:,} a call", "entries")
        outcome: dict[int, tuple[StoreResult, MemorydError | None]] = {}
        fit: list[tuple[int, MemoryRecord, WriteIdentity]] = []
        for index, entry in enumerate(entries):
            try:
                check_entry(entry)
            except InvalidInput as error:
                outcome[index] = refused(index, error)
            else:
                fit.append(
                    (index, self._record(entry, namespace), self._identity(entry, namespace))
                )
        prepared = self._prepare(fit)
        if prepared:
            done = self._store.transact(lambda tx: self._write(tx, prepared, actor))
            outcome.update((result.index, (result, error)) for result, error in done)
        return [outcome[index] for index in range(len(entries))]

    def restore(self, records: Sequence[MemoryRecord], *, actor: str, reason: str) -> int:
        """Writes records as they are, ids and times kept; those whose id is there are left alone.

        Returns:
            How many were written.
        """
        identified = [
            (index, replace(record, version=1), self._identity(_entry(record), record.namespace))
            for index, record in enumerate(records)
        ]
        prepared = self._prepare(identified)

        def work(tx: Transaction) -> int:
            written = 0
            for one in prepared:
                if tx.get(one.record.namespace, one.record.id) is None:
                    tx.write(
                        one.record,
                        Operation.STORED,
                        actor=actor,
                        reason=reason,
                        indexed=one.indexed,
                        identity=one.identity,
                    )
                    written += 1
            return written

        return self._store.transact(work) if prepared else 0

    def index(self, records: Sequence[MemoryRecord]) -> list[Indexed]:
        """Words and vectors of the records; without vectors while the embedder cannot answer."""
        encodings = self._encode([record.indexed_text for record in records])
        return [
            Indexed(
                terms=terms(record.indexed_text),
                date_terms=date_terms(record.occurred_at or record.created_at),
                encoding=None if encodings is None else encodings[place],
                model=self._embedder.identity.name,
            )
            for place, record in enumerate(records)
        ]

    def identity(self, record: MemoryRecord) -> WriteIdentity:
        """What a later entry that says the same would be recognised by."""
        return self._identity(_entry(record), record.namespace)

    def _encode(self, texts: Sequence[str]) -> list[Encoding] | None:
        try:
            return self._embedder.encode(texts) if texts else None
        except EmbedderUnavailable as error:
            log.warning("stored without vectors: %s", error.message)
            return None

    def _record(self, entry: Entry, namespace: str) -> MemoryRecord:
        now = self._clock()
        return MemoryRecord(
            id=self._new_id(),
            namespace=namespace,
            tier=entry.tier,
            content=entry.content,
            tags=tuple(dict.fromkeys(entry.tags)),
            metadata=entry.metadata,
            source=entry.source,
            importance=float(entry.importance),
            occurred_at=_utc(entry.occurred_at),
            valid_from=_utc(entry.valid_from),
            valid_to=_utc(entry.valid_to),
            created_at=now,
            updated_at=now,
            expires_at=_utc(expiry(entry, now)),
            version=1,
            pinned=entry.pinned,
        )

    def _identity(self, entry: Entry, namespace: str) -> WriteIdentity:
        told = {name: getattr(entry, name) for name in _TOLD}
        told["content"] = " ".join(unicodedata.normalize("NFC", entry.content).split())
        told["source"] = [getattr(entry.source, name) for name in _TOLD_OF_SOURCE]
        canonical = json.dumps(told, sort_keys=True, ensure_ascii=False, default=_canonical)
        return WriteIdentity(
            fingerprint=self._store.fingerprint(namespace, canonical),
            idempotency_key=entry.idempotency_key,
        )

    def _prepare(self, fit: Sequence[tuple[int, MemoryRecord, WriteIdentity]]) -> list[_Prepared]:
        indexed = self.index([record for _, record, _ in fit])
        return [
            _Prepared(index, record, words_and_vector, identity)
            for (index, record, identity), words_and_vector in zip(fit, indexed, strict=True)
        ]

    def _write(
        self, tx: Transaction, prepared: Sequence[_Prepared], actor: str
    ) -> list[tuple[StoreResult, MemorydError | None]]:
        namespace = prepared[0].record.namespace
        by_print = tx.by_fingerprint(namespace, [one.identity.fingerprint for one in prepared])
        keys = [one.identity.idempotency_key for one in prepared]
        by_key = tx.by_idempotency_key(namespace, [key for key in keys if key is not None])
        results = []
        for one in prepared:
            answer = _answer_of_before(one, by_print, by_key)
            if answer is None:
                tx.write(
                    one.record,
                    Operation.STORED,
                    actor=actor,
                    indexed=one.indexed,
                    identity=one.identity,
                )
                by_print[one.identity.fingerprint] = one.record
                if one.identity.idempotency_key is not None:
                    by_key[one.identity.idempotency_key] = (one.record, one.identity.fingerprint)
                answer = _stored(one), None
            results.append(answer)
        return results


def refused(index: int, error: MemorydError) -> tuple[StoreResult, MemorydError]:
    """The result of an entry that could not be taken, with its error."""
    result = StoreResult(index=index, status="refused", reason=error.message, code=error.code)
    return result, error


def _stored(one: _Prepared) -> StoreResult:
    return StoreResult(
        index=one.index,
        status="stored",
        id=one.record.id,
        version=one.record.version,
        reason=VECTOR_PENDING if one.indexed.encoding is None else None,
    )


def _answer_of_before(
    one: _Prepared,
    by_print: dict[bytes, MemoryRecord],
    by_key: dict[str, tuple[MemoryRecord, bytes]],
) -> tuple[StoreResult, MemorydError | None] | None:
    """What to answer when the entry was stored before; ``None`` when it was not."""
    key = one.identity.idempotency_key
    if key is not None and key in by_key:
        record, fingerprint = by_key[key]
        if fingerprint != one.identity.fingerprint:
            message = "idempotency_key: was used for another entry; give each entry its own"
            return refused(one.index, Conflict(message, {"field": "idempotency_key"}))
        return _duplicate(one.index, record, KEY_SEEN), None
    found = by_print.get(one.identity.fingerprint)
    if found is not None and _lasts_as_long(found, one.record):
        return _duplicate(one.index, found, ENTRY_SEEN), None
    return None


def _duplicate(index: int, record: MemoryRecord, reason: str) -> StoreResult:
    return StoreResult(
        index=index, status="duplicate", id=record.id, version=record.version, reason=reason
    )


def _lasts_as_long(found: MemoryRecord, wanted: MemoryRecord) -> bool:
    """Whether the record that is there will be found for about as long as the new one would be."""
    if found.expires_at is None or wanted.expires_at is None:
        return found.expires_at is None
    lifetime = wanted.expires_at - wanted.created_at
    return wanted.expires_at - found.expires_at <= lifetime * LIFETIME_SLACK


def _entry(record: MemoryRecord) -> Entry:
    """The entry that would give this record."""
    return Entry(
        content=record.content,
        tier=record.tier,
        tags=record.tags,
        metadata=record.metadata,
        source=record.source,
        importance=record.importance,
        occurred_at=record.occurred_at,
        valid_from=record.valid_from,
        valid_to=record.valid_to,
        expires_at=record.expires_at,
        pinned=record.pinned,
    )


def _canonical(value: object) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
