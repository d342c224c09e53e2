"""What one namespace holds, as ranking and the common filters need it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock

import numpy as np

from memory.ports import Floats, IndexRow, Keys, Selection
from memory.recall.neighbours import GAP_MAX, Conversations
from memory.recall.speakers import Speakers
from memory.records import Tier

__all__ = ["NamespaceView"]


@dataclass(slots=True)
class NamespaceView:
    """The records of one namespace that recall may find, as of ``cursor``; guarded by ``lock``.

    ``retired`` says that the view was dropped and a new one has to be asked for.
    """

    namespace: str
    lock: RLock = field(default_factory=RLock)
    cursor: int = 0
    retired: bool = False
    conversations: Conversations = field(default_factory=Conversations)
    speakers: Speakers = field(default_factory=Speakers)
    _tier_of: dict[int, Tier] = field(default_factory=dict)
    _length_of: dict[int, int] = field(default_factory=dict)
    _superseded: set[int] = field(default_factory=set)
    _expired: set[int] = field(default_factory=set)
    _expired_at: datetime | None = None
    _expires: dict[int, datetime] = field(default_factory=dict)
    _due: list[tuple[datetime, int]] = field(default_factory=list)
    _selections: dict[tuple[frozenset[Tier], bool], Selection | None] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many records the view holds."""
        return len(self._tier_of)

    def __contains__(self, key: int) -> bool:
        """Whether the view holds the record behind this key."""
        return key in self._tier_of

    def put(self, row: IndexRow) -> None:
        """Takes in the current state of a record that recall may find."""
        self.remove(row.key)
        self._tier_of[row.key] = Tier(row.tier)
        self._length_of[row.key] = len(row.terms)
        self.speakers.put(row.key, row.speaker)
        self.conversations.put(row.key, row.conversation_id, *row.position)
        if row.superseded:
            self._superseded.add(row.key)
        if row.expires_at is not None:
            self._expires[row.key] = row.expires_at
            heapq.heappush(self._due, (row.expires_at, row.key))

    def remove(self, key: int) -> None:
        """Drops a record that recall may no longer find; an unknown one is no error."""
        if self._tier_of.pop(key, None) is not None:
            del self._length_of[key]
            self.speakers.remove(key)
            self.conversations.remove(key)
            self._expires.pop(key, None)
            self._superseded.discard(key)
            self._expired.discard(key)
        self._selections.clear()

    def lengths(self, keys: Iterable[int]) -> Floats:
        """The number of terms of each record, in order."""
        return np.array([self._length_of.get(key, 0) for key in keys], np.float32)

    def sittings(self, keys: Sequence[int]) -> Keys:
        """For each of these records the number of its sitting; one alone has a number of its own.

        A sitting is a stretch of a conversation without a gap of more than ``GAP_MAX`` between the
        records that are given.
        """
        placed = [(self.conversations.place(key), index) for index, key in enumerate(keys)]
        numbers = np.arange(len(keys), dtype=np.int64) + len(keys)
        before: tuple[str, datetime] | None = None
        number = -1
        for place, index in sorted((place, index) for place, index in placed if place):
            same = before is not None and before[0] == place[0] and place[1] - before[1] <= GAP_MAX
            number += not same
            numbers[index], before = number, place
        return numbers

    def neighbours(self, keys: Iterable[int]) -> Keys:
        """The keys before and after each of these, shape (n, 2); -1 where there is none."""
        pairs = [self.conversations.beside(key) for key in keys]
        flat = [-1 if one is None else one for pair in pairs for one in pair]
        return np.array(flat, np.int64).reshape(-1, 2)

    def selection(
        self, tiers: Sequence[Tier], *, include_superseded: bool, at: datetime
    ) -> Selection | None:
        """The records of these tiers (all when there are none) that are in force at that time.

        ``None`` stands for everything the view holds.
        """
        self._expire(at)
        wanted = (frozenset(tiers), include_superseded)
        if wanted not in self._selections:
            self._selections[wanted] = self._select(*wanted)
        return self._selections[wanted]

    def _select(self, tiers: frozenset[Tier], include_superseded: bool) -> Selection | None:
        hidden = self._expired if include_superseded else self._expired | self._superseded
        if tiers:
            shown = (key for key, tier in self._tier_of.items() if tier in tiers)
            return Selection(_sorted(key for key in shown if key not in hidden))
        return Selection(_sorted(hidden), exclude=True) if hidden else None

    def _expire(self, at: datetime) -> None:
        if self._expired_at is not None and at < self._expired_at:  # a clock that was set back
            self._expired.clear()
            self._due = [(expires, key) for key, expires in self._expires.items()]
            heapq.heapify(self._due)
            self._selections.clear()
        self._expired_at = at
        while self._due and self._due[0][0] <= at:
            expires, key = heapq.heappop(self._due)
            if self._expires.get(key) == expires:
                self._expired.add(key)
                self._selections.clear()


def _sorted(keys: Iterable[int]) -> Keys:
    return np.sort(np.fromiter(keys, np.int64))
