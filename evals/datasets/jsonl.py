"""Our own format: a folder with ``conversations.jsonl`` and ``questions.jsonl``.

One JSON object a line, documented in ``docs/evaluation.md``. A set of this kind comes with the
package (``evals/data``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from evals.datasets.conversation import Conversation, Question, SourceKind, Turn

__all__ = ["OWN_SET", "load_jsonl"]

OWN_SET = Path(__file__).parents[1] / "data"
"""The folder of the set that comes with the package."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Record(_Line):
    id: str
    memory: str
    session: str
    content: str = Field(min_length=1)
    kind: SourceKind = "user"
    speaker: str | None = None
    at: AwareDatetime | None = None


class _Question(_Line):
    id: str
    memory: str
    question: str = Field(min_length=1)
    category: str
    evidence: list[str] = Field(default_factory=list)
    answerable: bool = True


LineType = TypeVar("LineType", bound=_Line)


def load_jsonl(path: Path) -> list[Conversation]:
    """Reads both files of the folder; memories in the order of their first record.

    Raises:
        ValueError: An id occurs twice, evidence names no record of its memory, or an answerable
            question has no evidence.
    """
    records = list(_lines(path / "conversations.jsonl", _Record))
    questions = list(_lines(path / "questions.jsonl", _Question))
    _check_unique(record.id for record in records)
    _check_unique(question.id for question in questions)
    memories = dict.fromkeys(record.memory for record in records)
    _check_evidence(records, questions)
    return [
        Conversation(
            id=name,
            turns=tuple(_turns(record for record in records if record.memory == name)),
            questions=tuple(_question(one) for one in questions if one.memory == name),
        )
        for name in memories
    ]


def _lines(file: Path, model: type[LineType]) -> Iterator[LineType]:
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.strip():
            yield model.model_validate_json(line)


def _check_unique(ids: Iterable[str]) -> None:
    repeated = sorted(name for name, count in Counter(ids).items() if count > 1)
    if repeated:
        raise ValueError(f"ids that occur twice: {', '.join(repeated[:5])}")


def _check_evidence(records: list[_Record], questions: list[_Question]) -> None:
    memory_of = {record.id: record.memory for record in records}
    for question in questions:
        if question.answerable and not question.evidence:
            raise ValueError(f"question {question.id} is answerable but has no evidence")
        if any(memory_of.get(name) != question.memory for name in question.evidence):
            raise ValueError(f"question {question.id} names evidence that its memory lacks")


def _turns(records: Iterable[_Record]) -> Iterator[Turn]:
    positions: Counter[str] = Counter()
    for record in records:
        yield Turn(
            gold_id=record.id,
            content=record.content,
            session_id=record.session,
            position=positions[record.session],
            kind=record.kind,
            speaker=record.speaker,
            occurred_at=record.at,
        )
        positions[record.session] += 1


def _question(one: _Question) -> Question:
    return Question(
        id=one.id,
        text=one.question,
        category=one.category,
        evidence=tuple(dict.fromkeys(one.evidence)),
        answerable=one.answerable,
    )
