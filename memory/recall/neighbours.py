"""Which records stand next to each other in a conversation, kept per namespace."""

from __future__ import annotations

from bisect import bisect_left, insort
from datetime import datetime, timedelta
from typing import NamedTuple

__all__ = ["GAP_MAX", "Conversations", "Place"]

GAP_MAX = timedelta(hours=6)
"""Records further apart than this are of different sittings and no neighbours."""

_ALONE = (None, None)


class Place(NamedTuple):
    """Where a record stands in its conversation: by time, then by turn, then by age."""

    at: datetime
    turn: int
    key: int


class Conversations:
    """The order of the records within each conversation. Not thread-safe."""

    def __init__(self) -> None:
        self._order: dict[str, list[Place]] = {}
        self._place: dict[int, tuple[str, Place]] = {}
        self._beside: dict[int, tuple[int | None, int | None]] = {}

    def put(self, key: int, conversation_id: str | None, at: datetime, turn: int) -> None:
        """Places a record; one that was placed before is moved."""
        self.remove(key)
        if conversation_id is None:
            return
        place = Place(at, turn, key)
        order = self._order.setdefault(conversation_id, [])
        insort(order, place)
        self._place[key] = (conversation_id, place)
        self._link(order, bisect_left(order, place))

    def remove(self, key: int) -> None:
        """Takes a record out; one that has no place is no error."""
        found = self._place.pop(key, None)
        if found is None:
            return
        del self._beside[key]
        conversation_id, place = found
        order = self._order[conversation_id]
        index = bisect_left(order, place)
        del order[index]
        if order:
            self._link(order, index)
        else:
            del self._order[conversation_id]

    def place(self, key: int) -> tuple[str, datetime] | None:
        """The conversation of a record and its time there; ``None`` outside conversations."""
        found = self._place.get(key)
        return None if found is None else (found[0], found[1].at)

    def beside(self, key: int) -> tuple[int | None, int | None]:
        """The keys right before and right after a record in the same sitting."""
        return self._beside.get(key, _ALONE)

    def _link(self, order: list[Place], index: int) -> None:
        """Notes anew what is beside the record at this place and beside its neighbours."""
        for middle in range(max(index - 1, 0), min(index + 2, len(order))):
            place = order[middle]
            before = order[middle - 1] if middle else None
            after = order[middle + 1] if middle + 1 < len(order) else None
            self._beside[place.key] = (
                before.key if before and place.at - before.at <= GAP_MAX else None,
                after.key if after and after.at - place.at <= GAP_MAX else None,
            )
