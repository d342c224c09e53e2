"""Storing as an agent does, once, and going on after an interruption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from evals.datasets.conversation import Conversation, Turn
from evals.feeding import Fed, Feeder, entry_of
from evals.laboratory import Laboratory, open_laboratory
from evals.subject import Answer, Arguments, MemoryUnderTest


@dataclass
class Counting:
    """A memory that counts what it is told, and can be cut off after some calls."""

    inner: MemoryUnderTest
    calls_left: int = 1_000
    stored: list[str] = field(default_factory=list)
    description: str = "counting"

    def store(self, namespace: str, entries: Sequence[Arguments]) -> None:
        if self.calls_left == 0:
            raise KeyboardInterrupt
        self.calls_left -= 1
        self.stored += [str(entry["content"]) for entry in entries]
        self.inner.store(namespace, entries)

    def recall(
        self, namespace: str, query: str, limit: int, min_confidence: float | None = None
    ) -> Answer:
        return self.inner.recall(namespace, query, limit, min_confidence)


def feed(laboratory: Laboratory, memory: Counting, conversations: list[Conversation]) -> list[Fed]:
    feeder = Feeder(memory, laboratory.journal, laboratory.salt, "jsonl")
    return feeder.feed(conversations, lambda done, total: None)


def test_gold_ids_are_in_the_metadata_alone() -> None:
    turn = Turn(gold_id="gold-1", content="Hello", session_id="s", position=3, speaker="Ada")
    entry = entry_of(turn)
    assert entry["metadata"] == {"gold_id": "gold-1"}
    assert "gold-1" not in str({**entry, "metadata": None, "idempotency_key": None})
    assert entry["source"] == {"kind": "user", "conversation_id": "s", "turn": 3, "speaker": "Ada"}


def test_each_conversation_gets_a_memory_of_its_own(
    laboratory: Laboratory, conversations: list[Conversation]
) -> None:
    memory = Counting(laboratory.subject)
    first, second = feed(laboratory, memory, conversations)
    assert (first.records, second.records) == (3, 2)
    found = laboratory.subject.recall(second.namespace, "ferry to Skye", 20, 0.0).hits
    assert {hit.gold_id for hit in found} == {"b1", "b2"}


def test_what_was_fed_is_not_fed_again(
    laboratory: Laboratory, conversations: list[Conversation]
) -> None:
    first = feed(laboratory, Counting(laboratory.subject), conversations)
    again = Counting(laboratory.subject)
    assert feed(laboratory, again, conversations) == first
    assert not again.stored


def test_an_interrupted_feeding_goes_on_with_the_next_conversation(
    laboratory: Laboratory, conversations: list[Conversation]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        feed(laboratory, Counting(laboratory.subject, calls_left=1), conversations)
    rest = Counting(laboratory.subject)
    feed(laboratory, rest, conversations)
    assert rest.stored == [turn.content for turn in conversations[1].turns]


def test_a_conversation_cut_off_halfway_is_whole_after_the_next_run(
    laboratory: Laboratory, conversations: list[Conversation]
) -> None:
    long = replace(
        conversations[0],
        turns=tuple(
            replace(conversations[0].turns[0], gold_id=f"t{n}", content=f"Bee {n}", position=n)
            for n in range(70)
        ),
    )
    with pytest.raises(KeyboardInterrupt):
        feed(laboratory, Counting(laboratory.subject, calls_left=1), [long])
    (fed,) = feed(laboratory, Counting(laboratory.subject), [long])
    hits = laboratory.subject.recall(fed.namespace, "", 100, 0.0).hits
    assert sorted(hit.gold_id for hit in hits) == sorted(turn.gold_id for turn in long.turns)


def test_a_journal_line_cut_off_by_a_crash_costs_one_conversation(
    laboratory: Laboratory, conversations: list[Conversation]
) -> None:
    feed(laboratory, Counting(laboratory.subject), conversations)
    whole = laboratory.journal.read_text().rstrip()
    laboratory.journal.write_text(whole[:-10])
    again = Counting(laboratory.subject)
    feed(laboratory, again, conversations)
    assert again.stored == [turn.content for turn in conversations[1].turns]
    after = Counting(laboratory.subject)
    feed(laboratory, after, conversations)
    assert not after.stored


def test_changed_data_goes_into_another_memory(
    laboratory: Laboratory, conversations: list[Conversation]
) -> None:
    before = feed(laboratory, Counting(laboratory.subject), conversations)
    turns = (replace(conversations[0].turns[0], content="Ada sold the bees."),)
    after = feed(laboratory, Counting(laboratory.subject), [replace(conversations[0], turns=turns)])
    assert after[0].namespace != before[0].namespace


def test_a_memory_that_was_emptied_is_fed_again(
    tmp_path: Path, conversations: list[Conversation]
) -> None:
    folder = tmp_path / "emptied"
    with open_laboratory(folder, "hashing", None) as opened:
        feed(opened, Counting(opened.subject), conversations)
    for file in folder.glob("memory.*"):
        file.unlink()
    with open_laboratory(folder, "hashing", None) as opened:
        again = Counting(opened.subject)
        feed(opened, again, conversations)
    assert len(again.stored) == 5


def test_nothing_that_was_stored_can_be_read_in_the_output_folder(
    tmp_path: Path, conversations: list[Conversation]
) -> None:
    folder = tmp_path / "private"
    with open_laboratory(folder, "hashing", None) as opened:
        feed(opened, Counting(opened.subject), conversations)
    assert not any(b"violin" in file.read_bytes() for file in folder.iterdir() if file.is_file())
