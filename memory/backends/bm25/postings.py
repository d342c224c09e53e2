"""Posting lists: for each term, the slots that hold it and its weighted frequency there.

A posting is one 64-bit integer, the slot in the upper half and the bits of the float32 weight in
the lower, so that a list is one growing array in the order of the slots.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, count

import numpy as np
import numpy.typing as npt

from memory.ports import Floats, Keys, LexicalDocument

_NONE = np.empty(0, dtype=np.int64)
_FIELDS = 3


class Postings:
    """Posting lists by term.

    Not safe for concurrent use: the index that owns it holds its lock. What ``packed`` gives is a
    view that must be let go before the next change.

    Args:
        weights: Of the fields text, neighbours and date; a field of weight 0 is left out.
    """

    def __init__(self, weights: tuple[float, float, float]) -> None:
        self._weights = weights
        self._weight_of_field = np.array(weights, dtype=np.float64)
        self._lists: defaultdict[str, array[int]] = defaultdict(_empty_list)

    def add(self, documents: Sequence[LexicalDocument], first_slot: int) -> Keys:
        """Appends documents at the slots from ``first_slot`` on; returns their lengths in terms."""
        vocabulary: defaultdict[str, int] = defaultdict(count().__next__)
        codes, lengths = self._codes(documents, vocabulary)
        if codes.size:
            numbers, slots, weights = self._weighted(codes, len(documents))
            self._extend(list(vocabulary), numbers, _pack(slots + first_slot, weights))
        return lengths

    def packed(self, term: str) -> npt.NDArray[np.int64]:
        """The term's postings as they are stored, ascending; empty when there are none."""
        postings = self._lists.get(term)
        return _NONE if postings is None else np.frombuffer(postings, dtype=np.int64)

    def of(self, term: str) -> tuple[Keys, Floats]:
        """The slots that hold the term, ascending, and its weighted frequency in each."""
        packed = self.packed(term)
        return packed >> 32, _weights_in(packed)

    def keep(self, slots: Keys) -> None:
        """Renumbers: ``slots[i]`` becomes ``i``; the postings of all others are dropped."""
        terms = list(self._lists)
        sizes = np.array([len(postings) for postings in self._lists.values()], dtype=np.int64)
        if not terms:
            return
        packed = np.frombuffer(b"".join(self._lists.values()), dtype=np.int64)
        owners = np.repeat(np.arange(len(terms)), sizes)
        former = packed >> 32
        renumbered = np.full(int(former.max()) + 1, -1, dtype=np.int64)
        renumbered[slots[slots < renumbered.size]] = np.flatnonzero(slots < renumbered.size)
        places = renumbered[former]
        kept = places >= 0
        self._lists.clear()
        self._extend(terms, owners[kept], (places << 32 | packed & 0xFFFF_FFFF)[kept])

    def _extend(self, terms: list[str], numbers: Keys, packed: npt.NDArray[np.int64]) -> None:
        """Appends postings, grouped by the number of their term."""
        starts = _run_starts(numbers)
        if starts.size == packed.size:
            for number, posting in zip(numbers.tolist(), packed.tolist(), strict=True):
                self._lists[terms[number]].append(posting)
            return
        ends = [*starts[1:].tolist(), packed.size]
        view = packed.data.cast("B")
        for number, start, end in zip(numbers[starts].tolist(), starts.tolist(), ends, strict=True):
            self._lists[terms[number]].frombytes(view[8 * start : 8 * end])

    def _codes(
        self, documents: Sequence[LexicalDocument], vocabulary: defaultdict[str, int]
    ) -> tuple[Keys, Keys]:
        """One number an occurrence, (term · documents + document) · 3 + field, and the lengths."""
        fields = [
            terms if weight else ()
            for document in documents
            for terms, weight in zip(
                (document.text, document.neighbours, document.date), self._weights, strict=True
            )
        ]
        sizes = np.fromiter(map(len, fields), dtype=np.int64, count=len(fields))
        numbers = np.fromiter(
            map(vocabulary.__getitem__, chain.from_iterable(fields)),
            dtype=np.int64,
            count=int(sizes.sum()),
        )
        codes = numbers * len(fields) + np.repeat(np.arange(len(fields)), sizes)
        return codes, sizes.reshape(-1, _FIELDS).sum(axis=1)

    def _weighted(self, codes: Keys, documents: int) -> tuple[Keys, Keys, Floats]:
        """Term number, document and weighted frequency of each pair that occurs, in that order."""
        codes.sort()
        starts = _run_starts(codes)
        frequencies = np.append(starts[1:], codes.size) - starts
        pairs, fields = np.divmod(codes[starts], _FIELDS)
        weighted = frequencies * self._weight_of_field[fields]
        starts = _run_starts(pairs)
        weights = np.add.reduceat(weighted, starts).astype(np.float32)
        numbers, owners = np.divmod(pairs[starts], documents)
        return numbers, owners, weights


def matches(packed: npt.NDArray[np.int64], slots: Keys) -> tuple[npt.NDArray[np.intp], Floats]:
    """Which of ``slots`` are in a posting list: their positions there, and the weights."""
    if not packed.size:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32)
    places = np.minimum(np.searchsorted(packed, slots << 32), packed.size - 1)
    found = packed[places]
    at = np.flatnonzero(found >> 32 == slots)
    return at, _weights_in(found[at])


def _empty_list() -> array[int]:
    return array("q")


def _run_starts(numbers: Keys) -> npt.NDArray[np.intp]:
    """Where each run of equal numbers begins."""
    begins = np.ones(numbers.size, dtype=np.bool_)
    np.not_equal(numbers[1:], numbers[:-1], out=begins[1:])
    return np.flatnonzero(begins)


def _pack(slots: Keys, weights: Floats) -> npt.NDArray[np.int64]:
    packed: npt.NDArray[np.int64] = slots << 32 | weights.view(np.uint32)
    return packed


def _weights_in(packed: npt.NDArray[np.int64]) -> Floats:
    return packed.astype(np.uint32).view(np.float32)
