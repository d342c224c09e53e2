"""An inverted file over slots: which vectors lie around which centroid."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import numpy as np

from memory.backends.faiss.library import FaissIndex, spherical_centroids
from memory.ports import Floats, Keys

_POINTS_PER_CENTROID = 32
_ITERATIONS = 8
_SEED = 20_03
_CHUNK = 16_384


class InvertedFile:
    """Slots grouped by the centroid nearest to their vector; empty until trained.

    Not safe for concurrent use: the index that owns it holds its lock.

    Args:
        dimension: Length of every vector.
        probes: How many groups ``around`` gives.
    """

    def __init__(self, dimension: int, probes: int) -> None:
        self._dimension = dimension
        self._probes = probes
        self._centroids: FaissIndex | None = None
        self._groups: list[array[int]] = []
        self._size = 0
        self.trained_on = 0

    @property
    def trained(self) -> bool:
        """Whether ``around`` can be asked."""
        return self._centroids is not None

    def append(self, vectors: Floats) -> None:
        """Takes in the vectors of the next slots."""
        if self._centroids is None:
            self._size += len(vectors)
        else:
            self._group(self._centroids, vectors)

    def keep(self, slots: Keys) -> None:
        """Renumbers: ``slots[i]`` becomes ``i``, all others are dropped."""
        renumbered = np.full(self._size, -1, dtype=np.int64)
        renumbered[slots] = np.arange(slots.size)
        self._size = slots.size
        for place, group in enumerate(self._groups):
            moved = renumbered[np.frombuffer(group, dtype=np.int64)]
            self._groups[place] = array("q", moved[moved >= 0].tobytes())

    def train(self, decoded: Callable[[Keys], Floats]) -> None:
        """Finds centroids for the present vectors and groups all slots anew.

        Args:
            decoded: Gives the float32 vectors of slots.
        """
        size = self._size
        count = max(1, int(2 * size**0.5))
        sample_size = min(size, _POINTS_PER_CENTROID * count)
        chosen = np.random.default_rng(_SEED).choice(size, sample_size, replace=False)
        sample = decoded(np.sort(chosen).astype(np.int64))
        self._centroids = spherical_centroids(sample, count, iterations=_ITERATIONS, seed=_SEED)
        self._groups = [array("q") for _ in range(count)]
        self._size = 0
        for start in range(0, size, _CHUNK):
            self._group(self._centroids, decoded(np.arange(start, min(start + _CHUNK, size))))
        self.trained_on = size

    def around(self, query: Floats) -> Keys:
        """The slots grouped under the centroids nearest to the query, ascending.

        None before the training.
        """
        if self._centroids is None:
            return np.empty(0, dtype=np.int64)
        probes = min(self._probes, len(self._groups))
        _, nearest = self._centroids.search(query[None, :], probes)
        groups = [np.frombuffer(self._groups[n], dtype=np.int64) for n in nearest[0].tolist()]
        return np.sort(np.concatenate(groups))

    def _group(self, centroids: FaissIndex, vectors: Floats) -> None:
        _, nearest = centroids.search(vectors, 1)
        order = np.argsort(nearest[:, 0], kind="stable")
        numbers, starts = np.unique(nearest[order, 0], return_index=True)
        for number, members in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
            self._groups[number].frombytes((members + self._size).astype(np.int64).tobytes())
        self._size += len(vectors)
