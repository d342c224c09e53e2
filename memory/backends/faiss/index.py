"""Nearest neighbours by inner product, in process memory, with FAISS.

Every namespace has an index of its own, so that no namespace can crowd out another and a tiny one
is searched in no time. Vectors are kept in half precision (faiss ``QT_fp16``): half the memory and
half the time of float32, at the same ranking but for differences below 1e-3. Up to
``approximate_above`` vectors a search is an exact scan of what the selection leaves.

Above that, an inverted file (Sivic & Zisserman 2003) narrows the scan to the vectors around the
``probes`` centroids nearest to the query; these are then scored exactly. Removal needs nothing of
it, and a selection that leaves few enough vectors is scanned exactly all the same.
"""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from memory.backends.faiss.inverted_file import InvertedFile
from memory.backends.faiss.library import FaissIndex, half_precision_index, load_faiss, one_thread
from memory.backends.ranking import best, nothing
from memory.backends.slots import Mask, SlotTable, last_occurrences
from memory.errors import InvalidInput
from memory.ports import Floats, Keys, Scored, Selection

APPROXIMATE_ABOVE = 200_000
"""Vectors in one namespace above which a search may be approximate."""

PROBES = 48
"""Centroids whose neighbourhoods an approximate search looks into."""

_TIE_SLACK = 1e-6
_FIRST_TRAINING_GROWTH = 2


class FaissVectorIndex:
    """The VectorIndex port on FAISS.

    Args:
        dimension: Length of every vector.
        approximate_above: Vectors in one namespace above which searches may be approximate.
        probes: How many neighbourhoods such a search looks into; more is slower and finds more.
    """

    def __init__(
        self,
        dimension: int,
        *,
        approximate_above: int = APPROXIMATE_ABOVE,
        probes: int = PROBES,
    ) -> None:
        if dimension < 1:
            raise InvalidInput("The dimension of a vector index must be at least 1.", "dimension")
        self._dimension = dimension
        self._approximate_above = approximate_above
        self._probes = probes
        self._namespaces: dict[str, _NamespaceVectors] = {}

    def put(self, namespace: str, keys: Keys, vectors: Floats) -> None:
        """Adds vectors, shape (n, dimension); a key that is there already is replaced.

        Raises:
            InvalidInput: Wrong dimension, NaN or infinity, or keys and vectors differ in number.
        """
        keys = np.asarray(keys, dtype=np.int64).reshape(-1)
        vectors = _checked(vectors, (keys.size, self._dimension))
        if not keys.size:
            return
        kept = last_occurrences(keys)
        if kept.size < keys.size:
            keys, vectors = keys[kept], vectors[kept]
        index = self._namespaces.get(namespace)
        if index is None:
            fresh = _NamespaceVectors(self._dimension, self._approximate_above, self._probes)
            index = self._namespaces.setdefault(namespace, fresh)
        index.put(keys, vectors)

    def remove(self, namespace: str, keys: Keys) -> None:
        """Removes keys; one that is not there is no error."""
        index = self._namespaces.get(namespace)
        if index is not None:
            index.remove(np.asarray(keys, dtype=np.int64).reshape(-1))

    def search(
        self, namespace: str, query: Floats, limit: int, selection: Selection | None = None
    ) -> Scored:
        """The best ``limit`` keys for ``query`` among those selected; ties by the lower key.

        Raises:
            InvalidInput: The query has another dimension or holds NaN or infinity.
        """
        query = _checked(query, (self._dimension,))
        index = self._namespaces.get(namespace)
        return nothing() if index is None else index.search(query, limit, selection)

    def similarities(self, namespace: str, query: Floats, keys: Keys) -> Floats:
        """Inner product of ``query`` with each key's vector, in order; NaN where there is none.

        Raises:
            InvalidInput: The query has another dimension or holds NaN or infinity.
        """
        query = _checked(query, (self._dimension,))
        keys = np.asarray(keys, dtype=np.int64).reshape(-1)
        index = self._namespaces.get(namespace)
        if index is None:
            return np.full(keys.size, np.nan, dtype=np.float32)
        return index.similarities(query, keys)

    def count(self, namespace: str) -> int:
        """How many keys the namespace has."""
        index = self._namespaces.get(namespace)
        return 0 if index is None else index.count()

    def clear(self, namespace: str) -> None:
        """Drops the namespace's index and its memory."""
        self._namespaces.pop(namespace, None)


def _checked(vectors: Floats, shape: tuple[int, ...]) -> Floats:
    """The array as contiguous float32 of that shape, all finite in half precision."""
    array = np.ascontiguousarray(vectors, dtype=np.float32)
    if array.shape != shape:
        raise InvalidInput(
            f"Expected vectors of shape {shape} but got {array.shape}: "
            "give one vector a key, of the index's dimension."
        )
    if array.size and not float(np.abs(array).max()) <= float(np.finfo(np.float16).max):
        raise InvalidInput(
            "A vector holds NaN, infinity or a value too large: embed the text anew."
        )
    return array


class _NamespaceVectors:
    """The vectors of one namespace, behind its own lock."""

    def __init__(self, dimension: int, approximate_above: int, probes: int) -> None:
        self._dimension = dimension
        self._approximate_above = approximate_above
        self._lock = threading.Lock()
        self._slots = SlotTable()
        self._codes = _HalfPrecision(dimension)
        self._neighbourhoods = InvertedFile(dimension, probes)

    def put(self, keys: Keys, vectors: Floats) -> None:
        with self._lock:
            with one_thread():
                self._codes.append(vectors)
                self._neighbourhoods.append(vectors)
            self._slots.assign(keys)
            self._tidy()

    def remove(self, keys: Keys) -> None:
        with self._lock:
            self._slots.release(keys)
            self._tidy()

    def search(self, query: Floats, limit: int, selection: Selection | None) -> Scored:
        with self._lock, one_thread():
            mask = self._slots.mask(selection)
            candidates = int(np.count_nonzero(mask))
            if limit <= 0 or not candidates:
                return nothing()
            if self._neighbourhoods.trained and candidates > self._approximate_above:
                slots = self._neighbourhoods.around(query)
                slots = slots[mask[slots]]
                scores = self._codes.similarities(query, slots)
            else:
                slots, scores = self._codes.nearest(query, min(limit, candidates), mask)
            return best(self._slots.keys[slots], scores, limit)

    def similarities(self, query: Floats, keys: Keys) -> Floats:
        with self._lock, one_thread():
            slots = self._slots.lookup(keys)
            result = np.full(keys.size, np.nan, dtype=np.float32)
            known = slots >= 0
            result[known] = self._codes.similarities(query, slots[known])
            return result

    def count(self) -> int:
        with self._lock:
            return self._slots.live

    def _tidy(self) -> None:
        """Drops dead slots when they are many; (re)trains the neighbourhoods when due."""
        if self._slots.wasteful:
            survivors = self._slots.compact()
            self._codes.keep(survivors)
            self._neighbourhoods.keep(survivors)
        trained_on = self._neighbourhoods.trained_on
        grown = self._slots.live > _FIRST_TRAINING_GROWTH * trained_on
        if self._slots.live > self._approximate_above and grown:
            self._neighbourhoods.train(self._codes.decoded)


class _HalfPrecision:
    """Vectors by slot in a faiss scalar quantizer of 16-bit floats."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._index = half_precision_index(dimension)

    def append(self, vectors: Floats) -> None:
        self._index.add(vectors)

    def keep(self, slots: Keys) -> None:
        self._index = self._copy_of(slots)

    def decoded(self, slots: Keys) -> Floats:
        """The vectors of these slots, as float32."""
        return self._index.reconstruct_batch(slots)

    def nearest(self, query: Floats, limit: int, mask: Mask) -> tuple[Keys, Floats]:
        """The best slots under the mask, and all that tie with the last of them."""
        faiss = load_faiss()
        if bool(mask.all()):
            parameters = None
        else:
            bits = np.packbits(mask, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)
            parameters = faiss.SearchParameters(sel=selector)
        # One more than asked for: it tells whether the cut falls between equals.
        scores, slots = self._index.search(query[None, :], limit + 1, params=parameters)
        found = slots[0] >= 0
        scores, slots = scores[0][found], slots[0][found]
        if scores.size <= limit or scores[limit] < scores[limit - 1]:
            return slots, scores
        radius = float(scores[limit]) - _TIE_SLACK * (1.0 + abs(float(scores[limit])))
        _, scores, slots = self._index.range_search(query[None, :], radius, params=parameters)
        return slots, scores

    def similarities(self, query: Floats, slots: Keys) -> Floats:
        """Inner products with exactly these slots, computed as a search would."""
        result = np.empty(slots.size, dtype=np.float32)
        if slots.size:
            few = self._copy_of(slots)
            scores, order = few.search(query[None, :], slots.size)
            result[order[0]] = scores[0]
        return result

    def _copy_of(self, slots: Keys) -> FaissIndex:
        width = 2 * self._dimension
        codes: npt.NDArray[np.uint8] = load_faiss().rev_swig_ptr(
            self._index.codes.data(), self._index.ntotal * width
        )
        copy = half_precision_index(self._dimension)
        copy.add_sa_codes(codes.reshape(-1, width)[slots])
        return copy
