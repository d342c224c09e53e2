"""Which records stand next to each other in a conversation, kept per namespace."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["Conversations", "Place"]

GAP_MAX = timedelta(hours=6)
"""Records further apart than this are of different sittings and no neighbours."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a record stands in its conversation: by time, then by turn, then by age."""

    at: datetime
    turn: int
    key: int


class Conversations:
    """The order of the records within each conversation. Not thread-safe."""

    def __init__(self) -> None:
        self._order: dict[str, list[Place]] = {}
        self._place: dict[int, tuple[str, Place]] = {}

    def put(self, key: int, conversation_id: str | None, at: datetime, turn: int) -> None:
        """Places a record; one that was placed before is moved."""
        self.remove(key)
        if conversation_id is not None:
            place = Place(at, turn, key)
            insort(self._order.setdefault(conversation_id, []), place)
            self._place[key] = (conversation_id, place)

    def remove(self, key: int) -> None:
        """Takes a record out; one that has no place is no error."""
        found = self._place.pop(key, None)
        if found is None:
            return
        conversation_id, place = found
        order = self._order[conversation_id]
        del order[bisect_left(order, place)]
        if not order:
            del self._order[conversation_id]

    def place(self, key: int) -> tuple[str, datetime] | None:
        """The conversation of a record and its time there; ``None`` outside conversations."""
        found = self._place.get(key)
        return None if found is None else (found[0], found[1].at)

    def beside(self, key: int) -> tuple[int | None, int | None]:
        """The keys right before and right after a record in the same sitting."""
        found = self._place.get(key)
        if found is None:
            return None, None
        conversation_id, place = found
        order = self._order[conversation_id]
        index = bisect_left(order, place)
        before = order[index - 1] if index else None
        after = order[index + 1] if index + 1 < len(order) else None
        return (
            before.key if before and place.at - before.at <= GAP_MAX else None,
            after.key if after and after.at - place.at <= GAP_MAX else None,
        )
