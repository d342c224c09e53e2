"""Feeding: stores conversations as an agent would, and goes on where it was interrupted.

Each conversation gets a namespace named after what is stored in it, so that a changed data set is
never mixed with what an earlier run left behind. A journal beside the database says which
conversations are whole; within one, idempotency keys make storing again harmless.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ValidationError

from evals.datasets.conversation import Conversation, Turn
from evals.subject import Arguments, MemoryUnderTest

__all__ = ["Fed", "Feeder", "entry_of"]

BATCH = 64


class Fed(BaseModel):
    """One conversation that is wholly stored, and how long that took."""

    namespace: str
    records: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Feeder:
    """Feeds one memory.

    Args:
        subject: The memory.
        journal: The file that says what is fed already; made when it is not there.
        salt: What else makes stored records differ, such as the name of the embedder.
        set_name: The data set, for the names of namespaces.
    """

    subject: MemoryUnderTest
    journal: Path
    salt: str
    set_name: str

    def feed(
        self, conversations: Sequence[Conversation], advance: Callable[[int, int], None]
    ) -> list[Fed]:
        """Stores all that is not stored yet, and says for each conversation where it is.

        Args:
            conversations: What to store.
            advance: Is told how many records are done, and of how many.
        """
        known = self._known()
        total = sum(len(one.turns) for one in conversations)
        done = 0
        results = []
        for conversation in conversations:
            namespace = self._namespace(conversation)
            if namespace not in known or not self._holds(namespace):
                fed = self._feed_one(
                    conversation,
                    namespace,
                    partial(_advance_from, advance, done, total),
                )
                known[namespace] = fed
            done += len(conversation.turns)
            advance(done, total)
            results.append(known[namespace])
        return results

    def _feed_one(
        self, conversation: Conversation, namespace: str, advance: Callable[[int], None]
    ) -> Fed:
        entries = [entry_of(turn) for turn in conversation.turns]
        seconds = 0.0
        for start in range(0, len(entries), BATCH):
            began = time.perf_counter()
            self.subject.store(namespace, entries[start : start + BATCH])
            seconds += time.perf_counter() - began
            advance(min(start + BATCH, len(entries)))
        fed = Fed(namespace=namespace, records=len(entries), seconds=seconds)
        with self.journal.open("a", encoding="utf-8") as file:
            file.write(f"\n{fed.model_dump_json()}\n")  # on a line of its own, whatever came before
        return fed

    def _holds(self, namespace: str) -> bool:
        """Whether the memory still has anything there; it may have been emptied meanwhile."""
        return bool(self.subject.recall(namespace, "", 1).hits)

    def _known(self) -> dict[str, Fed]:
        if not self.journal.exists():
            return {}
        known = {}
        for line in self.journal.read_text(encoding="utf-8").splitlines():
            try:
                fed = Fed.model_validate_json(line)
            except ValidationError:  # a line cut off by a crash: its conversation is fed again
                continue
            known[fed.namespace] = fed
        return known

    def _namespace(self, conversation: Conversation) -> str:
        entries = [entry_of(turn) for turn in conversation.turns]
        told = json.dumps([self.salt, entries], sort_keys=True)
        digest = hashlib.sha256(told.encode()).hexdigest()[:12]
        name = "".join(one if one.isalnum() else "-" for one in conversation.id)
        return f"eval-{self.set_name}-{name[:64]}-{digest}"


def _advance_from(advance: Callable[[int, int], None], before: int, total: int, done: int) -> None:
    advance(before + done, total)


def entry_of(turn: Turn) -> Arguments:
    """The turn as an agent stores it; how questions name it is in the metadata alone."""
    source: Arguments = {
        "kind": turn.kind,
        "conversation_id": turn.session_id,
        "turn": turn.position,
    }
    if turn.speaker:
        source["speaker"] = turn.speaker
    entry: Arguments = {
        "content": turn.content,
        "source": source,
        "metadata": {"gold_id": turn.gold_id},
        "idempotency_key": turn.gold_id,
    }
    if turn.occurred_at:
        entry["occurred_at"] = turn.occurred_at.isoformat()
    return entry
