"""Storing and finding again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from memory import Entry, Filter, IntegratedMemorySystem, Source, Tier, TimeRange
from memory.errors import Conflict, InvalidInput
from memory.recall.ranking import FEATURES
from memory.records import Comparison, Status
from tests.conftest import ManualClock

TEA = Entry(content="Ada prefers green tea", tags=("drink",), metadata={"cups": 3})
COFFEE = Entry(content="Bob prefers black coffee", tags=("drink", "bob"), importance=0.9)
BOAT = Entry(content="The boat is moored at Nice", tier=Tier.SEMANTIC)


def contents(
    memories: IntegratedMemorySystem, query: str, where: Filter | None = None
) -> list[str]:
    return [hit.content for hit in memories.recall(query, where).hits]


def test_what_was_stored_is_found_by_its_words(memories: IntegratedMemorySystem) -> None:
    memories.store([TEA, COFFEE, BOAT])
    assert contents(memories, "who drinks green tea?")[0] == TEA.content


def test_three_lines_are_enough(memories: IntegratedMemorySystem) -> None:
    assert memories.store("I live in Oslo", "semantic", {"sure": True}).status == "stored"
    (hit,) = memories.recall("where do I live").hits
    assert (hit.record.tier, hit.record.metadata) == (Tier.SEMANTIC, {"sure": True})


def test_each_entry_of_a_batch_gets_its_own_answer(memories: IntegratedMemorySystem) -> None:
    results = memories.store([TEA, replace(TEA, content=" "), COFFEE])
    assert [one.status for one in results] == ["stored", "refused", "stored"]
    assert results[1].reason is not None
    assert "content" in results[1].reason
    assert len(contents(memories, "")) == 2


def test_a_single_bad_entry_raises(memories: IntegratedMemorySystem) -> None:
    with pytest.raises(InvalidInput, match="content"):
        memories.store("")


def test_an_exact_repeat_is_a_duplicate(memories: IntegratedMemorySystem) -> None:
    first = memories.store(TEA)
    again = memories.store(replace(TEA, content="Ada  prefers green tea "))
    assert (again.status, again.id) == ("duplicate", first.id)


def test_repeats_within_one_batch_are_duplicates(memories: IntegratedMemorySystem) -> None:
    first, again = memories.store([TEA, TEA])
    assert (again.status, again.id) == ("duplicate", first.id)


@pytest.mark.parametrize(
    "change",
    [
        {"tags": ("other",)},
        {"source": Source(conversation_id="c", turn=2)},
        {"occurred_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"pinned": True},
    ],
)
def test_a_repeat_that_says_more_is_no_duplicate(
    memories: IntegratedMemorySystem, change: dict[str, object]
) -> None:
    memories.store(TEA)
    assert memories.store(replace(TEA, **change)).status == "stored"


def test_a_repeat_of_an_expired_record_is_stored_again(
    memories: IntegratedMemorySystem, clock: ManualClock
) -> None:
    passing = replace(TEA, ttl_seconds=60.0)
    memories.store(passing)
    clock.advance(seconds=61)
    assert contents(memories, "green tea") == []
    assert memories.store(passing).status == "stored"
    assert contents(memories, "green tea") == [TEA.content]


def test_an_idempotency_key_makes_a_retry_safe(memories: IntegratedMemorySystem) -> None:
    keyed = replace(TEA, idempotency_key="k1")
    first = memories.store(keyed)
    assert memories.store(keyed).id == first.id
    with pytest.raises(Conflict, match="idempotency_key"):
        memories.store(replace(COFFEE, idempotency_key="k1"))
    assert contents(memories, "") == [TEA.content]


def test_namespaces_do_not_see_each_other(memories: IntegratedMemorySystem) -> None:
    memories.store(TEA, namespace="ada")
    memories.store(COFFEE, namespace="bob")
    (hit,) = memories.recall("prefers", namespace="bob").hits
    assert hit.content == COFFEE.content


def test_an_empty_query_gives_the_most_recent(
    memories: IntegratedMemorySystem, clock: ManualClock
) -> None:
    for entry in (TEA, COFFEE, BOAT):
        memories.store(entry)
        clock.advance(hours=1)
    assert contents(memories, "  ") == [BOAT.content, COFFEE.content, TEA.content]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Filter(tiers=(Tier.SEMANTIC,)), {BOAT.content}),
        (Filter(tags=("drink",)), {TEA.content, COFFEE.content}),
        (Filter(tags=("drink", "bob"), tag_match="all"), {COFFEE.content}),
        (Filter(metadata=Comparison(("cups",), "gte", 2)), {TEA.content}),
        (Filter(importance_min=0.8), {COFFEE.content}),
        (Filter(created=TimeRange(after=datetime(2030, 1, 1, tzinfo=UTC))), set()),
    ],
)
def test_filters_restrict_what_may_answer(
    memories: IntegratedMemorySystem, where: Filter, expected: set[str]
) -> None:
    memories.store([TEA, COFFEE, BOAT])
    assert set(contents(memories, "Ada Bob boat prefers moored", where)) == expected
    assert set(contents(memories, "", where)) == expected


def test_what_was_forgotten_is_never_recalled(memories: IntegratedMemorySystem) -> None:
    memories.forget(str(memories.store(TEA).id))
    for query in ("", "tea"):
        with pytest.raises(InvalidInput, match="status"):
            memories.recall(query, Filter(statuses=(Status.FORGOTTEN,)))
    with pytest.raises(InvalidInput, match="status"):
        memories.summarize(filters=Filter(statuses=(Status.FORGOTTEN,)))


def test_a_retry_of_a_passing_entry_is_a_duplicate(
    memories: IntegratedMemorySystem, clock: ManualClock
) -> None:
    passing = replace(TEA, tier=Tier.SHORT_TERM)
    first = memories.store(passing)
    clock.advance(minutes=5)
    assert memories.store(passing).id == first.id
    clock.advance(hours=5)
    assert memories.store(passing).status == "stored"


def test_an_expired_record_comes_back_when_the_clock_does(
    memories: IntegratedMemorySystem, clock: ManualClock
) -> None:
    memories.store(replace(TEA, ttl_seconds=60.0))
    clock.advance(hours=1)
    assert contents(memories, "green tea") == []
    clock.advance(hours=-1)
    assert contents(memories, "green tea") == [TEA.content]


def test_a_filter_is_applied_before_ranking(memories: IntegratedMemorySystem) -> None:
    memories.store([Entry(content=f"green tea number {n}") for n in range(300)])
    memories.store(Entry(content="something about a boat", tags=("rare",)))
    result = memories.recall("green tea", Filter(tags=("rare",)), min_confidence=0)
    assert [hit.content for hit in result.hits] == ["something about a boat"]


def test_neighbours_in_a_conversation_help_to_find(memories: IntegratedMemorySystem) -> None:
    turns = ["What is the code of the vault?", "It is 4711.", "Thanks!", "See you tomorrow."]
    memories.store(
        [
            Entry(content=text, source=Source(conversation_id="c", turn=turn))
            for turn, text in enumerate(turns)
        ]
    )
    assert "It is 4711." in contents(memories, "code of the vault")[:2]


def test_the_budget_is_kept_and_the_rest_counted(memories: IntegratedMemorySystem) -> None:
    memories.store([Entry(content=f"tea {n} " + "leaf " * 200) for n in range(10)])
    result = memories.recall("tea leaf", max_tokens=200)
    assert result.hits
    assert result.omitted == 10 - len(result.hits)
    assert all(hit.truncated for hit in result.hits)


def test_large_metadata_counts_in_the_budget(memories: IntegratedMemorySystem) -> None:
    memories.store([replace(TEA, metadata={"n": n, "blob": "x" * 9_000}) for n in range(5)])
    result = memories.recall("green tea", max_tokens=6_000)
    assert (len(result.hits), result.omitted) == (2, 3)


def test_short_term_records_are_found_for_a_day(
    memories: IntegratedMemorySystem, clock: ManualClock
) -> None:
    memories.store("the kettle is on", Tier.SHORT_TERM)
    memories.store(Entry(content="the kettle is pinned", tier=Tier.SHORT_TERM, pinned=True))
    clock.advance(hours=25)
    assert contents(memories, "kettle") == ["the kettle is pinned"]


def test_an_explanation_names_the_parts_of_the_score(memories: IntegratedMemorySystem) -> None:
    memories.store(TEA)
    (hit,) = memories.recall("green tea", explain=True).hits
    assert hit.why is not None
    assert {"words", "dense", "window"} <= set(hit.why) <= set(FEATURES)


@pytest.mark.parametrize(
    "query", ["the of and", "?!*", '"tea" OR NEAR(', "🍵", "green tea " * 1500]
)
def test_odd_queries_give_sensible_answers(memories: IntegratedMemorySystem, query: str) -> None:
    memories.store([TEA, COFFEE])
    assert len(memories.recall(query).hits) <= 2


@pytest.mark.parametrize(
    "arguments", [{"limit": 0}, {"limit": 101}, {"max_tokens": 0}, {"namespace": ""}]
)
def test_bad_arguments_are_refused(
    memories: IntegratedMemorySystem, arguments: dict[str, int]
) -> None:
    with pytest.raises(InvalidInput):
        memories.recall("tea", **arguments)


def test_times_are_kept_in_utc(memories: IntegratedMemorySystem) -> None:
    local = datetime.fromisoformat("2026-05-08T12:00:00+05:30")
    stored = memories.store(replace(TEA, occurred_at=local))
    record = memories.get(str(stored.id))
    assert record.occurred_at == local
    assert record.occurred_at is not None
    assert record.occurred_at.utcoffset() == timedelta(0)
