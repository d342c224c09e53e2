"""LongMemEval (Wu et al. 2024): questions to a chat assistant about long histories.

"LongMemEval: Benchmarking Chat Assistants on Long-Term Interactive Memory", arXiv:2410.10813.
Each question has a haystack of its own, many sessions with an assistant. A record is one message.
The evidence is the messages marked ``has_answer``, at the level of sessions those that
``answer_session_ids`` names. A question whose id ends with ``_abs`` has no answer in its haystack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from evals.datasets.conversation import Conversation, Question, Turn

__all__ = ["load_longmemeval"]

_DATE = re.compile(r"(\d{4})/(\d{2})/(\d{2})\D*(\d{2}):(\d{2})")


class _Message(BaseModel):
    role: str
    content: str
    has_answer: bool | None = False


class _Instance(BaseModel):
    question_id: str
    question_type: str
    question: str
    haystack_session_ids: list[str]
    haystack_dates: list[str]
    haystack_sessions: list[list[_Message]]
    answer_session_ids: list[str]


_INSTANCES = TypeAdapter(list[_Instance])


def load_longmemeval(path: Path) -> list[Conversation]:
    """Reads one of the published files, such as ``longmemeval_s.json``.

    Empty messages are left out. Dates carry no zone and are taken as UTC.
    """
    return [_conversation(instance) for instance in _INSTANCES.validate_json(path.read_bytes())]


def _conversation(instance: _Instance) -> Conversation:
    marked = {
        gold_id
        for session, messages in zip(
            instance.haystack_session_ids, instance.haystack_sessions, strict=True
        )
        for position, message in enumerate(messages)
        if message.has_answer and (gold_id := _gold_id(session, position))
    }
    turns = tuple(_turns(instance))
    question = Question(
        id=instance.question_id,
        text=instance.question,
        category=instance.question_type,
        evidence=tuple(turn.gold_id for turn in turns if turn.gold_id in marked),
        sessions=tuple(dict.fromkeys(instance.answer_session_ids)),
        answerable=not instance.question_id.endswith("_abs"),
    )
    return Conversation(id=instance.question_id, turns=turns, questions=(question,))


def _turns(instance: _Instance) -> Iterator[Turn]:
    sessions = zip(
        instance.haystack_session_ids,
        instance.haystack_dates,
        instance.haystack_sessions,
        strict=True,
    )
    seen: set[str] = set()
    for session, date, messages in sessions:
        if session in seen:  # some haystacks hold a session twice
            continue
        seen.add(session)
        start = _moment(date)
        for position, message in enumerate(messages):
            if message.content.strip():
                yield Turn(
                    gold_id=_gold_id(session, position),
                    content=message.content,
                    session_id=session,
                    position=position,
                    kind="agent" if message.role == "assistant" else "user",
                    speaker=message.role,
                    occurred_at=start + timedelta(seconds=position),
                )


def _gold_id(session: str, position: int) -> str:
    return f"{session}/{position}"


def _moment(text: str) -> datetime:
    """The time in a text such as ``2023/05/20 (Sat) 02:21``."""
    match = _DATE.search(text)
    if match is None:
        raise ValueError("haystack_dates: not of the form 2023/05/20 (Sat) 02:21")
    year, month, day, hour, minute = map(int, match.groups())
    return datetime(year, month, day, hour, minute, tzinfo=UTC)
