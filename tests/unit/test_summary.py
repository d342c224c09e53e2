"""Extractive summaries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from memory.recall.packing import estimate_tokens
from memory.recall.summary import summarise
from memory.records import MemoryRecord, Source, Tier

START = datetime(2026, 5, 8, tzinfo=UTC)


def record(number: int, content: str, speaker: str | None = None) -> MemoryRecord:
    at = START + timedelta(days=number)
    return MemoryRecord(
        id=f"id-{number}",
        namespace="default",
        tier=Tier.EPISODIC,
        content=content,
        tags=(),
        metadata={},
        source=Source(speaker=speaker),
        importance=0.5,
        occurred_at=at,
        valid_from=None,
        valid_to=None,
        created_at=at,
        updated_at=at,
        expires_at=None,
        version=1,
    )


TRIP = [
    record(0, "We decided to sail to Corsica in June. Hi!"),
    record(1, "The boat for Corsica is booked: the sail boat Marie, from Nice."),
    record(2, "Ok."),
    record(3, "The sail to Corsica moves to July, as Marie needs a new mast."),
    record(4, "My tooth hurts."),
]


def test_central_sentences_come_in_time_order_with_their_records() -> None:
    chosen = summarise(TRIP, 60)
    assert [one.record_id for one in chosen] == ["id-0", "id-1", "id-3"]


def test_the_same_is_not_said_twice() -> None:
    again = [record(number, "The server moves to Oslo on Monday.") for number in range(5)]
    chosen = summarise([*again, record(9, "Bring the badge for the new office.")], 25)
    assert [one.text for one in chosen].count("The server moves to Oslo on Monday.") == 1


def test_the_speaker_is_named() -> None:
    assert (
        summarise([record(0, "I bought a piano.", "Ada")], 50)[0].text == "Ada: I bought a piano."
    )


def test_order_of_records_does_not_matter() -> None:
    assert summarise(TRIP, 60) == summarise(TRIP[::-1], 60)


def test_an_abbreviation_ends_no_sentence() -> None:
    text = "We saw Dr. Silva and Mrs. Ortega at J. Smith's clinic. The clinic was full."
    assert {one.text for one in summarise([record(0, text)], 100)} == {
        "We saw Dr. Silva and Mrs. Ortega at J. Smith's clinic.",
        "The clinic was full.",
    }


def test_nothing_gives_nothing() -> None:
    assert summarise([], 100) == []


@given(st.lists(st.text(max_size=200), max_size=8), st.integers(1, 120))
def test_never_exceeds_its_budget(texts: list[str], budget: int) -> None:
    chosen = summarise([record(number, text) for number, text in enumerate(texts)], budget)
    assert sum(estimate_tokens(one.text) for one in chosen) <= budget
