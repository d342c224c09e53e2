"""Which key stands at which position of an index's arrays.

Indexes in memory append: a replaced or removed key leaves a dead slot behind until the index is
compacted. The bookkeeping of that is here, once for all of them.
"""

from __future__ import annotations

from itertools import repeat

import numpy as np
import numpy.typing as npt

from memory.ports import Keys, Selection

Mask = npt.NDArray[np.bool_]

COMPACT_ABOVE = 0.25
"""Share of dead slots above which an index should be compacted."""

_FEW_KEYS = 512
_FEW_SLOTS = 16


def last_occurrences(keys: Keys) -> npt.NDArray[np.intp]:
    """Positions of the last occurrence of each distinct key, ascending."""
    if keys.size < 2 or bool(np.all(keys[1:] > keys[:-1])):
        return np.arange(keys.size)
    _, first_from_the_end = np.unique(keys[::-1], return_index=True)
    return np.sort(keys.size - 1 - first_from_the_end)


class SlotTable:
    """Maps keys to slots 0, 1, 2 … in the order they were assigned.

    Not safe for concurrent use: the index that owns it holds its lock.
    """

    def __init__(self) -> None:
        self._keys: Keys = np.empty(0, dtype=np.int64)
        self._alive: Mask = np.empty(0, dtype=np.bool_)
        self._size = 0
        self._slot_of: dict[int, int] = {}
        self._by_key: tuple[Keys, Keys] | None = None

    @property
    def size(self) -> int:
        """How many slots there are, dead ones included."""
        return self._size

    @property
    def live(self) -> int:
        """How many keys there are."""
        return len(self._slot_of)

    @property
    def keys(self) -> Keys:
        """The key of each slot, shape (size,); a view, valid until the next change."""
        return self._keys[: self._size]

    @property
    def alive(self) -> Mask:
        """Whether each slot still stands for its key, shape (size,); a view."""
        return self._alive[: self._size]

    @property
    def wasteful(self) -> bool:
        """Whether so many slots are dead that compacting pays."""
        dead = self._size - self.live
        return dead > _FEW_SLOTS and dead > COMPACT_ABOVE * self._size

    def assign(self, keys: Keys) -> Keys:
        """Appends one slot a key; a slot that such a key had before dies.

        Args:
            keys: Without repetition.

        Returns:
            The slots that died.
        """
        replaced = self.release(keys)
        start, self._size = self._size, self._size + keys.size
        self._reserve(self._size)
        self._keys[start : self._size] = keys
        self._alive[start : self._size] = True
        self._slot_of.update(zip(keys.tolist(), range(start, self._size), strict=True))
        self._by_key = None
        return replaced

    def release(self, keys: Keys) -> Keys:
        """Lets the slots of these keys die and returns them; unknown keys are passed over."""
        found = [self._slot_of.pop(key, -1) for key in keys.tolist()]
        slots = np.array([slot for slot in found if slot >= 0], dtype=np.int64)
        if slots.size:
            self._alive[slots] = False
            self._by_key = None
        return slots

    def lookup(self, keys: Keys) -> Keys:
        """The slot of each key, in order; -1 where there is none."""
        if keys.size <= _FEW_KEYS:
            return np.fromiter(
                map(self._slot_of.get, keys.tolist(), repeat(-1)), dtype=np.int64, count=keys.size
            )
        known, slots = self._sorted_by_key()
        if not known.size:
            return np.full(keys.size, -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(known, keys), known.size - 1)
        return np.where(known[at] == keys, slots[at], -1)

    def mask(self, selection: Selection | None) -> Mask:
        """Which slots are alive and selected, shape (size,); a copy."""
        if selection is None:
            return self.alive.copy()
        slots = self.lookup(selection.keys)
        slots = slots[slots >= 0]
        mask = self.alive.copy() if selection.exclude else np.zeros(self._size, dtype=np.bool_)
        mask[slots] = not selection.exclude
        return mask

    def compact(self) -> Keys:
        """Renumbers the live slots 0, 1, 2 … in their order; returns their former numbers."""
        survivors = np.flatnonzero(self.alive).astype(np.int64)
        self._keys = self._keys[survivors]
        self._size = survivors.size
        self._alive = np.ones(self._size, dtype=np.bool_)
        self._slot_of = dict(zip(self._keys.tolist(), range(self._size), strict=True))
        self._by_key = None
        return survivors

    def _reserve(self, size: int) -> None:
        if size <= self._keys.size:
            return
        capacity = max(size, self._keys.size + self._keys.size // 2, 8)
        spare = capacity - self._keys.size
        self._keys = np.concatenate([self._keys, np.zeros(spare, dtype=np.int64)])
        self._alive = np.concatenate([self._alive, np.zeros(spare, dtype=np.bool_)])

    def _sorted_by_key(self) -> tuple[Keys, Keys]:
        if self._by_key is None:
            slots = np.flatnonzero(self.alive).astype(np.int64)
            slots = slots[np.argsort(self._keys[slots], kind="stable")]
            self._by_key = (self._keys[slots], slots)
        return self._by_key
