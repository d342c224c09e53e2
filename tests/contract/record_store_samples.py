"""Records and what hangs on them, for tests of record stores."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from memory.ports import Encoding, Indexed, WriteIdentity
from memory.records import Filter, MemoryRecord, Operation, Source, Status, Tier

NOW = datetime(2026, 5, 8, 12, 0, 0, 123456, tzinfo=UTC)
MODEL = "model-a:0123456789abcdef:float16"
DIMENSION = 8
EVERYTHING = Filter(statuses=tuple(Status), include_expired=True)


def record(number: int = 1, namespace: str = "here", **changes) -> MemoryRecord:
    """A record whose id and times are told by its number."""
    plain = MemoryRecord(
        id=f"id-{number:05}",
        namespace=namespace,
        tier=Tier.LONG_TERM,
        content=f"content {number}",
        tags=(),
        metadata={},
        source=Source(),
        importance=0.5,
        occurred_at=None,
        valid_from=None,
        valid_to=None,
        created_at=NOW + timedelta(seconds=number),
        updated_at=NOW + timedelta(seconds=number),
        expires_at=None,
        version=1,
    )
    return replace(plain, **changes)


def full_record(number: int = 1, **changes) -> MemoryRecord:
    """A record with every field set."""
    fields = {
        "tags": ("red", "blau", "赤"),
        "metadata": {"a": [1, 2.5, None, True, {"b": "c"}], "é\"'.[0]$": "x"},
        "source": Source(id="s1", conversation_id="c1", speaker="Ann", turn=3),
        "occurred_at": NOW - timedelta(days=3),
        "valid_from": NOW - timedelta(days=2),
        "valid_to": NOW + timedelta(days=2),
        "expires_at": NOW + timedelta(days=9),
        "superseded_by": "id-00099",
        "pinned": True,
    }
    return record(number, **{**fields, **changes})


def following(old: MemoryRecord, **changes) -> MemoryRecord:
    """The next version of a record, a minute later."""
    later = old.updated_at + timedelta(minutes=1)
    return replace(old, **{"version": old.version + 1, "updated_at": later, **changes})


def vector(seed: int) -> np.ndarray:
    made = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    return made / np.linalg.norm(made)


def encoding(seed: int, tokens: int = 3) -> Encoding:
    """A vector, and ``tokens`` token vectors of width 4."""
    random = np.random.default_rng(seed)
    rows = random.integers(-127, 128, (tokens, 4), dtype=np.int8)
    return Encoding(vector(seed), rows, np.ones(tokens, dtype=np.float32))


def indexed(*terms: str, seed: int | None = 0, model: str = MODEL) -> Indexed:
    return Indexed(
        terms=terms,
        date_terms=("2026", "2026-05"),
        encoding=None if seed is None else encoding(seed),
        model=model,
    )


def identity(number: int, key: str | None = None) -> WriteIdentity:
    return WriteIdentity(fingerprint=number.to_bytes(32, "big"), idempotency_key=key)


def put(store, *records: MemoryRecord, operation=Operation.STORED, **options) -> list[int]:
    """Writes records in one transaction; returns the sequence numbers."""
    options = {"actor": "tester", **options}
    return store.transact(lambda tx: [tx.write(each, operation, **options) for each in records])


def put_numbered(store, count: int, **options) -> list[MemoryRecord]:
    """Writes records 1 to ``count``, each with words, a vector and a fingerprint."""
    made = [record(number, **options) for number in range(1, count + 1)]

    def work(tx):
        for number, each in enumerate(made, start=1):
            about = {"indexed": indexed(f"term{number}", seed=number), "identity": identity(number)}
            tx.write(each, Operation.STORED, actor="tester", **about)

    store.transact(work)
    return made


def keys_of(store, namespace: str = "here") -> list[int]:
    return store.keys(namespace, EVERYTHING, NOW).tolist()
