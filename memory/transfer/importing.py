"""Puts the pieces of a file into a memory, batch by batch.

Every batch is durable before the next is read, and every entry carries an idempotency key made of
what it says: an import that was cut short is finished by running it again, and an import of what
is there already changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import TypeAlias

from memory.records import DEFAULT_NAMESPACE, Entry, MemoryRecord, Tier
from memory.system import IntegratedMemorySystem
from memory.transfer.items import Item, Refused

__all__ = ["BATCH", "ImportOptions", "ImportSummary", "Outcome", "Refusal", "import_items"]

BATCH = 128
REFUSALS_KEPT = 1_000
KEY_PREFIX = "import:"
KEY_DIGITS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How to import.

    ``namespace``, ``tier`` and ``tags`` are for entries: ``tier`` replaces an entry's own, ``tags``
    are added. Whole records keep what they have; ``move_to`` puts them into another namespace. A
    ``dry_run`` checks everything and writes nothing.
    """

    namespace: str = DEFAULT_NAMESPACE
    move_to: str | None = None
    tier: Tier | None = None
    tags: tuple[str, ...] = ()
    actor: str = "import"
    dry_run: bool = False
    batch: int = BATCH


@dataclass(frozen=True, slots=True)
class Refusal:
    """A piece that was not stored: where it stands and why."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one batch; ``offset`` is how many bytes of the input are done."""

    stored: int
    duplicates: int
    refusals: tuple[Refusal, ...]
    offset: int = 0


@dataclass(slots=True)
class ImportSummary:
    """What became of all pieces. Of the refusals the first thousand are kept, all are counted."""

    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()
    dry_run: bool = False

    def add(self, outcome: Outcome) -> None:
        """Counts a batch in."""
        self.stored += outcome.stored
        self.duplicates += outcome.duplicates
        self.refused += len(outcome.refusals)
        self.refusals = (*self.refusals, *outcome.refusals)[:REFUSALS_KEPT]


Report: TypeAlias = Callable[[Outcome], None]


def import_items(
    system: IntegratedMemorySystem,
    items: Iterable[Item],
    options: ImportOptions | None = None,
    report: Report | None = None,
) -> ImportSummary:
    """Stores the pieces in their order; one that cannot be taken does not hold up the rest.

    Args:
        system: The memory to store them in.
        items: The pieces, as the readers of ``memory.transfer`` give them; read batch by batch.
        options: How to import.
        report: Is told of each batch once it is durable.

    Raises:
        StorageUnavailable: A batch could not be written; those before it are stored, and the same
            import run again goes on from there.
    """
    options = options or ImportOptions()
    summary = ImportSummary(dry_run=options.dry_run)
    waiting = iter(items)
    while batch := list(islice(waiting, options.batch)):
        for outcome in _import_batch(system, batch, options):
            summary.add(outcome)
            if report is not None:
                report(outcome)
    return summary


def _import_batch(
    system: IntegratedMemorySystem, batch: Sequence[Item], options: ImportOptions
) -> Iterator[Outcome]:
    for _, group in groupby(batch, _destination):
        items = list(group)
        outcome = _import_alike(system, items, options)
        yield replace(outcome, offset=max(item.offset for item in items))


def _destination(item: Item) -> tuple[type, str]:
    """What can be written together: records of one namespace, or entries."""
    value = item.value
    return type(value), value.namespace if isinstance(value, MemoryRecord) else ""


def _import_alike(
    system: IntegratedMemorySystem, items: Sequence[Item], options: ImportOptions
) -> Outcome:
    refusals = [
        Refusal(item.place, item.value.reason) for item in items if isinstance(item.value, Refused)
    ]
    if refusals or options.dry_run:
        return Outcome(len(items) - len(refusals), 0, tuple(refusals))
    records = [item.value for item in items if isinstance(item.value, MemoryRecord)]
    if records:
        if options.move_to is not None:
            records = [replace(record, namespace=options.move_to) for record in records]
        written = system.restore_records(records, actor=options.actor)
        return Outcome(written, len(records) - written, ())
    return _store(system, items, options)


def _store(
    system: IntegratedMemorySystem, items: Sequence[Item], options: ImportOptions
) -> Outcome:
    entries = [_adapted(item.value, options) for item in items if isinstance(item.value, Entry)]
    results = system.store(entries, namespace=options.namespace, actor=options.actor)
    kinds = [result.status for result in results]
    refusals = tuple(
        Refusal(item.place, result.reason or "refused")
        for item, result in zip(items, results, strict=True)
        if result.status == "refused"
    )
    return Outcome(kinds.count("stored"), kinds.count("duplicate"), refusals)


def _adapted(entry: Entry, options: ImportOptions) -> Entry:
    """The entry as it is stored: with the options applied, and with a key of its own."""
    tags = tuple(dict.fromkeys((*entry.tags, *options.tags)))
    adapted = replace(entry, tier=options.tier or entry.tier, tags=tags)
    if adapted.idempotency_key is not None:
        return adapted
    return replace(adapted, idempotency_key=_key(adapted))


def _key(entry: Entry) -> str:
    told = json.dumps(asdict(entry), sort_keys=True, ensure_ascii=True, default=_canonical)
    return KEY_PREFIX + hashlib.sha256(told.encode()).hexdigest()[:KEY_DIGITS]


def _canonical(value: object) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
