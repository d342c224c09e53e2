"""A laboratory without a model, and a small set to measure on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from evals.candidates import Example, collect_examples
from evals.datasets.conversation import Conversation
from evals.datasets.loading import load_conversations
from evals.feeding import Fed, Feeder
from evals.laboratory import Laboratory, open_laboratory

RECORDS = [
    ("m1", "a1", "Ada keeps bees behind the old mill."),
    ("m1", "a3", "Ben painted the kitchen yellow."),
    ("m1", "a2", "The ferry to Skye leaves at seven."),
    ("m2", "b1", "The violin teacher lives in Oslo."),
    ("m2", "b2", "Our printer needs a new drum."),
]
QUESTIONS = [
    ("m1", "q1", "When does the ferry to Skye leave?", ["a2"]),
    ("m1", "q2", "Who painted the kitchen, and who keeps bees?", ["a1", "a3"]),
    ("m2", "q3", "Where does the violin teacher live?", ["b1"]),
    ("m2", "q4", "How tall is the lighthouse?", []),
]


@pytest.fixture
def small_set(tmp_path: Path) -> Path:
    """A set of two memories in our own format."""
    folder = tmp_path / "set"
    folder.mkdir()
    records = [
        {"id": name, "memory": of, "session": "s", "content": text} for of, name, text in RECORDS
    ]
    questions = [
        {
            "id": name,
            "memory": of,
            "category": "facts",
            "question": text,
            "evidence": evidence,
            "answerable": bool(evidence),
        }
        for of, name, text, evidence in QUESTIONS
    ]
    (folder / "conversations.jsonl").write_text("\n".join(map(json.dumps, records)))
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, questions)))
    return folder


@pytest.fixture
def conversations(small_set: Path) -> list[Conversation]:
    return load_conversations("jsonl", small_set)


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[Laboratory]:
    with open_laboratory(tmp_path / "out", "hashing", None) as opened:
        yield opened


def silent(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def fed(laboratory: Laboratory, conversations: list[Conversation]) -> list[Fed]:
    feeder = Feeder(laboratory.subject, laboratory.journal, laboratory.salt, "jsonl")
    return feeder.feed(conversations, silent)


@pytest.fixture
def examples(
    laboratory: Laboratory, conversations: list[Conversation], fed: list[Fed]
) -> list[Example]:
    """The candidates of all questions of the small set."""
    return collect_examples(laboratory, conversations, fed, "jsonl", silent)
