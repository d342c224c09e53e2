"""BM25 over weighted fields, in process memory.

The score of a document is that of SQLite's FTS5 with column weights: term frequencies are added up
over the fields, each times its field's weight, and saturate together, which is the simple form of
BM25F (Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009):

    score = Σ over terms  idf · w · (k1 + 1) / (w + k1 · (1 - b + b · length / average length))

where ``w`` is the weighted term frequency and ``length`` counts the terms of all fields. Unlike
FTS5's, ``idf = log(1 + (N - n + 0.5) / (n + 0.5))`` stays positive for terms that most documents
hold. ``N``, ``n`` and the average count the documents of the namespace as they are now.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from math import log

import numpy as np

from memory.backends.bm25.postings import Postings, matches
from memory.backends.ranking import best, nothing
from memory.backends.slots import SlotTable
from memory.errors import InvalidInput
from memory.ports import Floats, Keys, LexicalDocument, Scored, Selection

K1 = 1.2
"""How slowly repetition of a term saturates; 1.2 is the common choice, as in FTS5."""

B = 0.75
"""How much long documents are discounted, 0..1; 0.75 is the common choice, as in FTS5."""

_CHUNK = 16_384
_FEW_SELECTED = 4_096


class Bm25Index:
    """The LexicalIndex port on an inverted index of numpy arrays.

    Args:
        text_weight: What one occurrence in the record's own text counts.
        neighbours_weight: What one occurrence in its neighbours' text counts.
        date_weight: What one occurrence in its date counts.
        k1: Saturation of repeated terms, at least 0.
        b: Discount of long documents, 0..1.

    A field whose weight is 0 is left out: neither its terms nor its length count.
    """

    def __init__(
        self,
        *,
        text_weight: float = 1.0,
        neighbours_weight: float = 0.5,
        date_weight: float = 0.5,
        k1: float = K1,
        b: float = B,
    ) -> None:
        self._weights = (text_weight, neighbours_weight, date_weight)
        if not (k1 >= 0 and 0 <= b <= 1 and all(weight >= 0 for weight in self._weights)):
            raise InvalidInput("BM25 needs weights and k1 of at least 0, and b within 0..1.")
        self._k1 = k1
        self._b = b
        self._namespaces: dict[str, _NamespaceWords] = {}

    def put(self, namespace: str, documents: Sequence[LexicalDocument]) -> None:
        """Adds documents; a key that is there already is replaced."""
        unique = list({document.key: document for document in documents}.values())
        if not unique:
            return
        index = self._namespaces.get(namespace)
        if index is None:
            fresh = _NamespaceWords(self._weights, self._k1, self._b)
            index = self._namespaces.setdefault(namespace, fresh)
        for start in range(0, len(unique), _CHUNK):
            index.put(unique[start : start + _CHUNK])

    def remove(self, namespace: str, keys: Keys) -> None:
        """Removes keys; one that is not there is no error."""
        index = self._namespaces.get(namespace)
        if index is not None:
            index.remove(np.asarray(keys, dtype=np.int64).reshape(-1))

    def search(
        self,
        namespace: str,
        terms: Sequence[str],
        limit: int,
        selection: Selection | None = None,
    ) -> Scored:
        """The best ``limit`` keys that hold at least one of the terms, among those selected.

        A term given twice counts twice.
        """
        index = self._namespaces.get(namespace)
        return nothing() if index is None else index.search(terms, limit, selection)

    def scores(self, namespace: str, terms: Sequence[str], keys: Keys) -> Floats:
        """The BM25 score of each key, in order; 0 where no term occurs or the key is unknown."""
        keys = np.asarray(keys, dtype=np.int64).reshape(-1)
        index = self._namespaces.get(namespace)
        if index is None:
            return np.zeros(keys.size, dtype=np.float32)
        return index.scores(terms, keys)

    def count(self, namespace: str) -> int:
        """How many keys the namespace has."""
        index = self._namespaces.get(namespace)
        return 0 if index is None else index.count()

    def clear(self, namespace: str) -> None:
        """Drops the namespace's index and its memory."""
        self._namespaces.pop(namespace, None)


class _NamespaceWords:
    """The words of one namespace, behind its own lock.

    A removed document keeps its postings until the index is compacted. Its slot is dead and its
    length infinite, so that it scores 0; document frequencies count live slots only.
    """

    def __init__(self, weights: tuple[float, float, float], k1: float, b: float) -> None:
        self._k1 = k1
        self._b = b
        self._lock = threading.Lock()
        self._slots = SlotTable()
        self._postings = Postings(weights)
        self._lengths = np.empty(0, dtype=np.int64)
        self._total_length = 0
        self._norms: Floats | None = None
        self._frequencies: dict[str, int] = {}

    def put(self, documents: Sequence[LexicalDocument]) -> None:
        keys = np.array([document.key for document in documents], dtype=np.int64)
        with self._lock:
            first_slot = self._slots.size
            self._forget(self._slots.assign(keys))
            lengths = self._postings.add(documents, first_slot)
            self._set_lengths(first_slot, lengths)
            self._changed()

    def remove(self, keys: Keys) -> None:
        with self._lock:
            self._forget(self._slots.release(keys))
            self._changed()

    def search(self, terms: Sequence[str], limit: int, selection: Selection | None) -> Scored:
        with self._lock:
            if limit <= 0:
                return nothing()
            if selection and not selection.exclude and selection.keys.size <= _FEW_SELECTED:
                keys = np.asarray(selection.keys, dtype=np.int64)
                scores = self._scores_of(terms, self._slots.lookup(keys))
            else:
                keys, scores = self._slots.keys, self._scores_of_all(terms)
                if selection:
                    scores *= self._slots.mask(selection)
            matching = np.flatnonzero(scores)
            return best(keys[matching], scores[matching], limit)

    def scores(self, terms: Sequence[str], keys: Keys) -> Floats:
        with self._lock:
            return self._scores_of(terms, self._slots.lookup(keys))

    def count(self) -> int:
        with self._lock:
            return self._slots.live

    def _set_lengths(self, first_slot: int, lengths: Keys) -> None:
        needed = first_slot + lengths.size
        if needed > self._lengths.size:
            spare = max(needed, needed + needed // 2) - self._lengths.size
            self._lengths = np.concatenate([self._lengths, np.zeros(spare, dtype=np.int64)])
        self._lengths[first_slot:needed] = lengths
        self._total_length += int(lengths.sum())

    def _forget(self, dead: Keys) -> None:
        self._total_length -= int(self._lengths[dead].sum())

    def _changed(self) -> None:
        if self._slots.wasteful:
            survivors = self._slots.compact()
            self._postings.keep(survivors)
            self._lengths = self._lengths[survivors]
        self._norms = None
        self._frequencies.clear()

    def _scores_of_all(self, terms: Sequence[str]) -> Floats:
        """The score of every slot; 0 for dead ones. A fresh array."""
        norms = self._document_norms()
        scores = np.zeros(self._slots.size, dtype=np.float32)
        for term, factor in self._factors(terms):
            slots, weights = self._postings.of(term)
            scores[slots] += weights * factor / (weights + norms[slots])
        return scores

    def _scores_of(self, terms: Sequence[str], slots: Keys) -> Floats:
        """The score of each of these slots; 0 where the slot is -1."""
        norms = self._document_norms()
        scores = np.zeros(slots.size, dtype=np.float32)
        for term, factor in self._factors(terms):
            at, weights = matches(self._postings.packed(term), slots)
            scores[at] += weights * factor / (weights + norms[slots[at]])
        return scores

    def _factors(self, terms: Sequence[str]) -> list[tuple[str, np.float32]]:
        """What each known term contributes beside its frequency: (k1 + 1) · idf · repetitions.

        In the order of the terms, so that sums come out the same whatever the order asked in.
        """
        factors = []
        live = self._slots.live
        for term, repetitions in sorted(Counter(terms).items()):
            frequency = self._document_frequency(term)
            if frequency:
                idf = log(1 + (live - frequency + 0.5) / (frequency + 0.5))
                factors.append((term, np.float32((self._k1 + 1) * idf * repetitions)))
        return factors

    def _document_frequency(self, term: str) -> int:
        known = self._frequencies.get(term)
        if known is None:
            packed = self._postings.packed(term)
            known = packed.size
            if known and self._slots.live < self._slots.size:
                known = int(np.count_nonzero(self._slots.alive[packed >> 32]))
            self._frequencies[term] = known
        return known

    def _document_norms(self) -> Floats:
        """k1 · (1 - b + b · length / average length) of each slot; infinite for dead ones."""
        if self._norms is None:
            average = self._total_length / self._slots.live if self._total_length else 1.0
            lengths = self._lengths[: self._slots.size]
            norms = self._k1 * (1 - self._b + self._b * (lengths / average))
            norms[~self._slots.alive] = np.inf
            self._norms = norms.astype(np.float32)
        return self._norms
