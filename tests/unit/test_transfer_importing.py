"""Importing is safe to repeat, tells what became of every piece, and goes on after a bad one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from memory import Entry, IntegratedMemorySystem, Tier
from memory.errors import StorageUnavailable
from memory.records import Filter, MemoryRecord, Status
from memory.transfer.importing import ImportOptions, Outcome, Refusal, import_items
from memory.transfer.items import Item, Refused


def items(*values: Entry | MemoryRecord | Refused) -> list[Item]:
    return [Item(line=line, value=value) for line, value in enumerate(values, start=1)]


def entries(count: int) -> list[Item]:
    return items(*(Entry(content=f"fact {number}") for number in range(count)))


def test_a_repeated_import_stores_nothing(memories: IntegratedMemorySystem) -> None:
    assert import_items(memories, entries(5)).stored == 5
    again = import_items(memories, entries(5))
    assert (again.stored, again.duplicates) == (0, 5)


def test_an_import_cut_short_is_finished_by_another(memories: IntegratedMemorySystem) -> None:
    def cut() -> Iterator[Item]:
        yield from entries(7)
        raise StorageUnavailable("the file went away")

    with pytest.raises(StorageUnavailable):
        import_items(memories, cut(), ImportOptions(batch=3))
    rest = import_items(memories, entries(10))
    assert (rest.stored, rest.duplicates) == (4, 6)


def test_what_was_forgotten_stays_forgotten(memories: IntegratedMemorySystem) -> None:
    import_items(memories, entries(1))
    (record,) = memories.records()
    memories.forget(record.id)
    assert import_items(memories, entries(1)).duplicates == 1
    assert list(memories.records()) == []


def test_refusals_say_where_and_why(memories: IntegratedMemorySystem) -> None:
    keyed = Entry(content="a", idempotency_key="k")
    summary = import_items(memories, items(keyed, Refused("not JSON"), replace(keyed, content="b")))
    assert (summary.stored, summary.refused) == (1, 2)
    assert summary.refusals[0] == Refusal("line 2", "not JSON")
    assert summary.refusals[1].place == "line 3"


def test_options_set_tier_tags_and_namespace(memories: IntegratedMemorySystem) -> None:
    options = ImportOptions(namespace="notes", tier=Tier.SEMANTIC, tags=("new", "old"))
    import_items(memories, items(Entry(content="x", tags=("old",))), options)
    (record,) = memories.records(namespace="notes")
    assert record.tier is Tier.SEMANTIC
    assert record.tags == ("old", "new")


def test_a_dry_run_writes_nothing(memories: IntegratedMemorySystem) -> None:
    summary = import_items(
        memories, [*entries(3), *items(Refused("bad"))], ImportOptions(dry_run=True)
    )
    assert (summary.stored, summary.refused) == (3, 1)
    assert list(memories.records()) == []


def test_records_keep_ids_and_times(memories: IntegratedMemorySystem) -> None:
    memories.store("fact")
    (record,) = memories.records()
    moved = replace(record, namespace="other", id="0198c0de-0000-7000-8000-000000000000")
    assert import_items(memories, items(moved, moved)).duplicates == 1
    assert list(memories.records(namespace="other")) == [moved]
    assert import_items(memories, items(moved), ImportOptions(move_to="third")).stored == 1
    assert next(memories.records(namespace="third")).id == moved.id


def test_forgotten_records_are_restored_as_forgotten(memories: IntegratedMemorySystem) -> None:
    memories.store("fact")
    (record,) = memories.records()
    memories.forget(record.id)
    (gone,) = memories.records(Filter(statuses=(Status.FORGOTTEN,)))
    import_items(memories, items(replace(gone, namespace="copy")))
    assert list(memories.records(namespace="copy")) == []


def test_progress_is_told_after_each_batch(memories: IntegratedMemorySystem) -> None:
    told: list[Outcome] = []
    numbered = [replace(item, offset=10 * item.line) for item in entries(5)]
    import_items(memories, numbered, ImportOptions(batch=2), told.append)
    assert [outcome.offset for outcome in told] == [20, 40, 50]
    assert [outcome.stored for outcome in told] == [2, 2, 1]
