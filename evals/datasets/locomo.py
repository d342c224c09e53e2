"""LoCoMo (Maharana et al., "Evaluating Very Long-Term Conversational Memory of LLM Agents", 2024).

Ten conversations of two people over many sessions. A record is one turn; the caption of a photo
that was shared is part of what was said. Questions of category 5 are adversarial: they sound like
the conversation and have no answer in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from evals.datasets.conversation import Conversation, Question, Turn

__all__ = ["evidence_ids", "load_locomo"]

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
ADVERSARIAL = 5

_SESSION = re.compile(r"session_(\d+)")
_EVIDENCE = re.compile(r"D:?(\d+):(\d+)")
_TIME_FORMAT = "%I:%M %p on %d %B, %Y"


class _Turn(BaseModel):
    speaker: str
    dia_id: str
    text: str
    blip_caption: str | None = None


class _Question(BaseModel):
    question: str
    evidence: list[str]
    category: int


class _Sample(BaseModel):
    sample_id: str
    conversation: dict[str, object]
    qa: list[_Question]


_SAMPLES = TypeAdapter(list[_Sample])
_TURNS = TypeAdapter(list[_Turn])


def load_locomo(path: Path) -> list[Conversation]:
    """Reads ``locomo10.json``, or the folder that holds it.

    Evidence that names no turn of its conversation is dropped. Session times carry no zone and are
    taken as UTC.
    """
    file = path / "locomo10.json" if path.is_dir() else path
    return [_conversation(sample) for sample in _SAMPLES.validate_json(file.read_bytes())]


def evidence_ids(written: list[str]) -> list[str]:
    """The ids of turns in evidence as annotators wrote it, each once, such as ``D8:6``.

    Slips are put right: several ids in one string, a colon too many (``D:11:26``), leading zeros
    (``D30:05``).
    """
    found = (match for text in written for match in _EVIDENCE.finditer(text))
    return list(dict.fromkeys(f"D{int(one[1])}:{int(one[2])}" for one in found))


def _conversation(sample: _Sample) -> Conversation:
    turns = tuple(_turns(sample))
    known = {turn.gold_id for turn in turns}
    questions = tuple(
        Question(
            id=f"{sample.sample_id}/q{number}",
            text=one.question,
            category=CATEGORIES.get(one.category, f"category {one.category}"),
            evidence=tuple(
                gold_id
                for name in evidence_ids(one.evidence)
                if (gold_id := f"{sample.sample_id}/{name}") in known
            ),
            answerable=one.category != ADVERSARIAL,
        )
        for number, one in enumerate(sample.qa)
    )
    return Conversation(id=sample.sample_id, turns=turns, questions=questions)


def _turns(sample: _Sample) -> Iterator[Turn]:
    names = (_SESSION.fullmatch(name) for name in sample.conversation)
    for number in sorted(int(match[1]) for match in names if match):
        session = f"session_{number}"
        when = _moment(str(sample.conversation[f"{session}_date_time"]))
        for position, turn in enumerate(_TURNS.validate_python(sample.conversation[session])):
            yield Turn(
                gold_id=f"{sample.sample_id}/{turn.dia_id}",
                content=_said(turn),
                session_id=session,
                position=position,
                speaker=turn.speaker,
                occurred_at=when,
            )


def _moment(text: str) -> datetime:
    """The time in a text such as ``1:56 pm on 8 May, 2023``."""
    try:
        return datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError("session times: not of the form 1:56 pm on 8 May, 2023") from None


def _said(turn: _Turn) -> str:
    return f"{turn.text} [{turn.blip_caption}]" if turn.blip_caption else turn.text
