"""Changing, forgetting, erasing, and looking back."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from memory import Entry, Filter, IntegratedMemorySystem, Source, Status, Tier, TimeRange
from memory.errors import Conflict, InvalidInput, NotFound
from memory.records import Operation
from tests.conftest import ManualClock


def stored(
    memories: IntegratedMemorySystem, content: str = "Ada drinks tea", **more: object
) -> str:
    result = memories.store(Entry(content=content, **more))
    assert result.id is not None
    return result.id


def contents(memories: IntegratedMemorySystem, query: str = "Ada drinks") -> list[str]:
    return [hit.content for hit in memories.recall(query).hits]


def test_an_update_replaces_what_is_found(memories: IntegratedMemorySystem) -> None:
    record_id = stored(memories)
    record = memories.update(record_id, {"content": "Ada drinks mate", "tags": ("new",)})
    assert (record.version, record.tags) == (2, ("new",))
    assert contents(memories, "who drinks mate") == ["Ada drinks mate"]
    assert contents(memories, "tea") == []
    assert memories.recall("mate").hits[0].record == record


def test_a_stale_update_is_answered_with_the_current_state(
    memories: IntegratedMemorySystem,
) -> None:
    record_id = stored(memories)
    current = memories.update(record_id, {"importance": 0.9}, expected_version=1)
    with pytest.raises(Conflict) as caught:
        memories.update(record_id, {"importance": 0.1}, expected_version=1)
    assert caught.value.current == current


def test_an_update_that_changes_nothing_writes_nothing(memories: IntegratedMemorySystem) -> None:
    record_id = stored(memories)
    assert memories.update(record_id, {"content": "Ada drinks tea"}).version == 1
    assert len(memories.history(record_id)) == 1


@pytest.mark.parametrize(
    "changes",
    [{}, {"id": "x"}, {"content": ""}, {"importance": 2.0}, {"occurred_at": datetime(2026, 1, 1)}],  # noqa: DTZ001
)
def test_bad_changes_are_refused_and_nothing_is_written(
    memories: IntegratedMemorySystem, changes: dict[str, object]
) -> None:
    record_id = stored(memories)
    with pytest.raises(InvalidInput):
        memories.update(record_id, changes)
    assert memories.get(record_id).version == 1


def test_null_clears_a_time(memories: IntegratedMemorySystem) -> None:
    record_id = stored(memories, occurred_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert memories.update(record_id, {"occurred_at": None}).occurred_at is None


def test_concurrent_updates_lose_nothing(memories: IntegratedMemorySystem) -> None:
    record_id = stored(memories)
    threads = [
        threading.Thread(target=memories.update, args=(record_id, {"importance": n / 10}))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert memories.get(record_id).version == 5


def test_a_forgotten_record_is_not_found_but_its_history_stays(
    memories: IntegratedMemorySystem,
) -> None:
    record_id = stored(memories)
    assert memories.forget(record_id).ids == (record_id,)
    assert contents(memories) == []
    with pytest.raises(NotFound):
        memories.get(record_id)
    with pytest.raises(NotFound):
        memories.update(record_id, {"importance": 0.1})
    operations = [change.operation for change in memories.history(record_id)]
    assert operations == [Operation.STORED, Operation.FORGOTTEN]


def test_an_expired_record_cannot_be_updated(
    memories: IntegratedMemorySystem, clock: ManualClock
) -> None:
    record_id = stored(memories, ttl_seconds=60.0)
    clock.advance(minutes=2)
    with pytest.raises(NotFound):
        memories.update(record_id, {"importance": 0.1}, expected_version=7)


def test_forgetting_an_unknown_id_forgets_nothing(memories: IntegratedMemorySystem) -> None:
    record_id = stored(memories)
    with pytest.raises(NotFound):
        memories.forget([record_id, "01890000-0000-7000-8000-000000000000"])
    assert contents(memories) == ["Ada drinks tea"]


def test_a_dry_run_only_says_what_would_go(memories: IntegratedMemorySystem) -> None:
    stored(memories, tags=("drink",))
    result = memories.forget(None, Filter(tags=("drink",)), dry_run=True)
    assert (result.forgotten, result.dry_run) == (1, True)
    assert contents(memories) == ["Ada drinks tea"]


def test_conditions_choose_within_a_tier(memories: IntegratedMemorySystem) -> None:
    stored(memories, tier=Tier.WORKING, tags=("done",))
    stored(memories, "Ada drinks milk", tier=Tier.WORKING)
    stored(memories, "Ada drinks cider", tags=("done",))
    assert memories.forget(Tier.WORKING, Filter(tags=("done",))).forgotten == 1
    assert set(contents(memories)) == {"Ada drinks milk", "Ada drinks cider"}


@pytest.mark.parametrize("target", [Tier.LONG_TERM, None])
def test_a_whole_tier_or_namespace_needs_confirm(
    memories: IntegratedMemorySystem, target: Tier | None
) -> None:
    stored(memories)
    with pytest.raises(InvalidInput, match="confirm"):
        memories.forget(target)
    assert contents(memories)
    assert memories.forget(target, confirm=True).forgotten == 1


def test_forgetting_goes_over_many_pages(memories: IntegratedMemorySystem) -> None:
    memories.store([Entry(content=f"note {n}") for n in range(1000)])
    memories.store([Entry(content=f"more {n}") for n in range(300)])
    result = memories.forget(Tier.LONG_TERM, confirm=True)
    assert (result.forgotten, len(result.ids)) == (1300, 100)
    assert memories.recall("note").hits == ()


def test_erasing_leaves_no_trace_of_the_content(memories: IntegratedMemorySystem) -> None:
    record_id = stored(memories, "the secret is xyzzy")
    memories.update(record_id, {"content": "the secret was xyzzy"})
    memories.forget(record_id, erase=True)
    assert all(change.body is None for change in memories.history(record_id))
    assert contents(memories, "xyzzy") == []
    assert memories.check() == []


def test_erasing_by_conditions_needs_confirm(memories: IntegratedMemorySystem) -> None:
    stored(memories, tags=("x",))
    with pytest.raises(InvalidInput, match="confirm"):
        memories.forget(None, Filter(tags=("x",)), erase=True)


def test_a_forgotten_record_can_still_be_erased(memories: IntegratedMemorySystem) -> None:
    record_id = stored(memories)
    memories.forget(record_id)
    assert memories.forget(record_id, erase=True).erased
    assert memories.history(record_id)[-1].operation is Operation.ERASED


def test_recall_as_of_an_earlier_time(memories: IntegratedMemorySystem, clock: ManualClock) -> None:
    record_id = stored(memories)
    before = clock()
    clock.advance(hours=1)
    memories.update(record_id, {"content": "Ada drinks mate"})
    memories.forget(record_id)
    stored(memories, "Bob drinks rum")
    (hit,) = memories.recall("what does Ada drink", as_of=before).hits
    assert hit.content == "Ada drinks tea"
    assert contents(memories) == ["Bob drinks rum"]


def test_the_most_recent_as_of_an_earlier_time(
    memories: IntegratedMemorySystem, clock: ManualClock
) -> None:
    stored(memories)
    before = clock()
    stored(memories, "Bob drinks rum")
    assert [hit.content for hit in memories.recall("", as_of=before).hits] == ["Ada drinks tea"]


def test_a_summary_is_of_what_was_asked(memories: IntegratedMemorySystem) -> None:
    day = datetime(2026, 4, 1, tzinfo=UTC)
    stored(memories, "Ada sold the boat.", tier=Tier.EPISODIC, occurred_at=day)
    stored(memories, "Ada bought a bike.", tier=Tier.EPISODIC, occurred_at=day.replace(day=20))
    stored(memories, "Bikes have two wheels.", tier=Tier.SEMANTIC)
    summary = memories.summarize(Tier.EPISODIC, TimeRange(after=day.replace(day=10)))
    assert [one.text for one in summary.sentences] == ["Ada bought a bike."]


def test_superseded_records_are_shown_only_when_asked(memories: IntegratedMemorySystem) -> None:
    old = memories.get(stored(memories))
    new_id = stored(memories, "Ada drinks mate")
    past = replace(old, status=Status.SUPERSEDED, superseded_by=new_id, version=2)
    memories._store.transact(lambda tx: tx.write(past, Operation.SUPERSEDED, actor="test"))
    assert contents(memories) == ["Ada drinks mate"]
    where = Filter(statuses=(Status.ACTIVE, Status.SUPERSEDED))
    found = {hit.record.id for hit in memories.recall("Ada drinks", where).hits}
    assert found == {old.id, new_id}


def test_records_can_be_restored_as_they_were(memories: IntegratedMemorySystem) -> None:
    record_id = stored(memories, source=Source(speaker="Ada"))
    (record,) = memories.records()
    memories.forget(record_id)
    with IntegratedMemorySystem(
        memories.event_bus, memories.metadata, embedder=memories._embedder
    ) as other:
        assert other.restore_records([record]) == 1
        assert other.restore_records([record]) == 0
        assert list(other.records()) == [record]


def test_forgetting_no_ids_does_not_mean_everything(memories: IntegratedMemorySystem) -> None:
    stored(memories)
    with pytest.raises(InvalidInput):
        memories.forget([], confirm=True)
    assert contents(memories) == ["Ada drinks tea"]


@pytest.mark.parametrize(
    ("target", "conditions"),
    [
        (Tier.LONG_TERM, Filter(tiers=(Tier.WORKING,))),
        (["here"], Filter(ids=("there",))),
    ],
)
def test_a_target_that_contradicts_the_conditions_forgets_nothing(
    memories: IntegratedMemorySystem, target: Tier | list[str], conditions: Filter
) -> None:
    record_id = stored(memories)
    with pytest.raises(InvalidInput, match="not both"):
        memories.forget([record_id] if target == ["here"] else target, conditions, confirm=True)
    assert contents(memories) == ["Ada drinks tea"]
