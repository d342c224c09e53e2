"""What every data set is turned into: turns to remember, and questions with their evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

__all__ = ["Conversation", "Question", "SourceKind", "Turn"]

SourceKind: TypeAlias = Literal["user", "agent", "document"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One thing to remember: what an agent would store as one record.

    ``gold_id`` is how questions name it as evidence; it is unique within the data set.
    ``session_id`` names the sitting it belongs to and ``position`` its place there, from 0.
    """

    gold_id: str
    content: str
    session_id: str
    position: int
    kind: SourceKind = "user"
    speaker: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question and the gold ids of all turns that its answer rests on.

    ``answerable`` is false where the conversation holds no answer; ``evidence`` then counts for
    nothing (some sets name the turn that misleads). ``sessions`` are those that hold evidence,
    where the set names them itself; else they are the sessions of the evidence. ``category`` is
    for the report alone: the memory never sees it.
    """

    id: str
    text: str
    category: str
    evidence: tuple[str, ...]
    sessions: tuple[str, ...] = ()
    answerable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Everything that goes into one memory (one namespace), and what is asked of it."""

    id: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]

    @property
    def scored_questions(self) -> list[Question]:
        """The questions on which retrieval can be scored: answerable, with evidence."""
        return [one for one in self.questions if one.answerable and one.evidence]

    @property
    def unanswerable_questions(self) -> list[Question]:
        """The questions to which this conversation holds no answer."""
        return [one for one in self.questions if not one.answerable]

    @property
    def sessions(self) -> Mapping[str, str]:
        """The session of each turn, by gold id."""
        return {turn.gold_id: turn.session_id for turn in self.turns}
