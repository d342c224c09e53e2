"""Who speaks, and whom a question names."""

from __future__ import annotations

import pytest

from memory.recall.speakers import Speakers
from memory.text.analysis import query_terms


@pytest.fixture
def speakers() -> Speakers:
    known = Speakers()
    for key, name in enumerate(["Ada Lovelace", "Bob", "Zoë"]):
        known.put(key, name)
    return known


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("When did Ada move?", {"Ada Lovelace"}),
        ("What did bob's sister buy for Zoe?", {"Bob", "Zoë"}),
        ("Where is Lovelace street?", set()),
        ("What is for dinner?", set()),
    ],
)
def test_a_question_names_speakers_by_first_or_whole_name(
    speakers: Speakers, question: str, named: set[str]
) -> None:
    assert speakers.named_in(query_terms(question)) == named


def test_records_of_the_named_are_marked(speakers: Speakers) -> None:
    assert speakers.spoken_by([2, 1, 9], frozenset({"Bob"})).tolist() == [0, 1, 0]


def test_a_speaker_without_records_is_forgotten(speakers: Speakers) -> None:
    speakers.remove(1)
    speakers.remove(1)
    assert speakers.named_in(query_terms("Bob")) == set()


def test_a_record_can_change_its_speaker(speakers: Speakers) -> None:
    speakers.put(1, "Ada Lovelace")
    assert speakers.spoken_by([1], frozenset({"Ada Lovelace"})).tolist() == [1]
