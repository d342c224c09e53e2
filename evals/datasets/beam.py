"""BEAM, the tier of 100,000 tokens: long chats of one person with an assistant.

A folder a chat, each with ``chat.json`` and ``probing_questions.json``. A record is one message;
the evidence of a question is the messages it was made from. Questions of the ability "abstention"
have no answer in the chat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from evals.datasets.conversation import Conversation, Question, Turn
from memory.validation import CONTENT_CHARACTERS_MAX

__all__ = ["load_beam", "message_ids"]

ABSTENTION = "abstention"

_INDEX_MARK = re.compile(r"\s*->->\s*[\d,\s]*$")


class _Message(BaseModel):
    role: str
    id: int | str
    content: str
    time_anchor: str | None = None


class _Batch(BaseModel):
    turns: list[list[_Message]]


class _Question(BaseModel):
    question: str
    source_chat_ids: object = None


_CHAT = TypeAdapter(list[_Batch])
_QUESTIONS = TypeAdapter(dict[str, list[_Question]])


def load_beam(path: Path) -> list[Conversation]:
    """Reads the folder of chats, in the order of their numbers, or the folder of one chat."""
    if (path / "chat.json").exists():
        return [_conversation(path)]
    folders = sorted(path.glob("*/chat.json"), key=lambda file: _number(file.parent))
    return [_conversation(file.parent) for file in folders]


def message_ids(written: object) -> list[str]:
    """The ids in a list, or in the lists of a mapping, each once and as a string."""
    if isinstance(written, dict):
        written = list(written.values())
    if isinstance(written, list):
        return list(dict.fromkeys(found for part in written for found in message_ids(part)))
    return [] if written is None else [str(written)]


def _number(folder: Path) -> tuple[int, str]:
    return (int(folder.name) if folder.name.isdigit() else 10**9, folder.name)


def _conversation(folder: Path) -> Conversation:
    turns = tuple(_turns(folder))
    known = {turn.gold_id for turn in turns}
    by_ability = _QUESTIONS.validate_json((folder / "probing_questions.json").read_bytes())
    questions = tuple(
        Question(
            id=f"{folder.name}/{ability}/{number}",
            text=one.question,
            category=ability.replace("_", " "),
            evidence=tuple(
                gold_id
                for name in message_ids(one.source_chat_ids)
                if (gold_id := f"{folder.name}/{name}") in known
            ),
            answerable=ability != ABSTENTION,
        )
        for ability, asked in by_ability.items()
        for number, one in enumerate(asked)
    )
    return Conversation(id=folder.name, turns=turns, questions=questions)


def _turns(folder: Path) -> Iterator[Turn]:
    """The messages; a time anchor holds until the next one."""
    when = None
    batches = _CHAT.validate_json((folder / "chat.json").read_bytes())
    for number, batch in enumerate(batches, start=1):
        messages = (message for turn in batch.turns for message in turn)
        for position, message in enumerate(messages):
            if message.time_anchor:
                when = _moment(message.time_anchor)
            yield Turn(
                gold_id=f"{folder.name}/{message.id}",
                content=_cleaned(message.content),
                session_id=f"batch_{number}",
                position=position,
                kind="agent" if message.role == "assistant" else "user",
                speaker=message.role,
                occurred_at=when,
            )


def _cleaned(content: str) -> str:
    """What was said, without the generator's index at its end.

    An answer that ran away (one draws a triangle of 348,000 characters) is cut to what a record
    may hold.
    """
    return _INDEX_MARK.sub("", content.strip())[:CONTENT_CHARACTERS_MAX]


def _moment(text: str) -> datetime:
    """The day in a text such as ``March-15-2024``, from its beginning in UTC."""
    try:
        return datetime.strptime(text, "%B-%d-%Y").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError("time_anchor: not of the form March-15-2024") from None
