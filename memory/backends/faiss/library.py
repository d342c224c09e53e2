"""The parts of the faiss library that are used here, with the types it lacks."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from memory.ports import Floats, Keys


class FaissCodes(Protocol):
    """The memory in which a flat index keeps its encoded vectors (a C++ vector of bytes)."""

    def data(self) -> object:
        """The address of the first byte."""
        ...


class FaissIndex(Protocol):
    """A flat faiss index: vectors one after another, numbered from 0."""

    ntotal: int
    codes: FaissCodes

    def add(self, vectors: Floats) -> None:
        """Appends vectors, shape (n, dimension)."""
        ...

    def add_sa_codes(self, codes: npt.NDArray[np.uint8]) -> None:
        """Appends vectors that are encoded already, shape (n, bytes a vector)."""
        ...

    def search(
        self, queries: Floats, limit: int, *, params: object | None = None
    ) -> tuple[Floats, Keys]:
        """Scores and numbers, each of shape (queries, limit), best first; -1 fills up."""
        ...

    def range_search(
        self, queries: Floats, radius: float, *, params: object | None = None
    ) -> tuple[Keys, Floats, Keys]:
        """Limits by query, scores and numbers of all that score above ``radius``."""
        ...

    def reconstruct_batch(self, numbers: Keys) -> Floats:
        """The decoded vectors of these numbers."""
        ...


def load_faiss() -> ModuleType:
    """The library, loaded when first needed: that takes 0.2 s and 50 MB."""
    return importlib.import_module("faiss")


@contextmanager
def one_thread() -> Iterator[ModuleType]:
    """The library, with this thread's work in it kept to this thread.

    One query gains nothing from more, and on a busy machine would wait for them.
    """
    faiss = load_faiss()
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield faiss
    finally:
        faiss.omp_set_num_threads(threads)


def half_precision_index(dimension: int) -> FaissIndex:
    """An empty flat index of 16-bit floats by inner product."""
    faiss = load_faiss()
    quantizer = faiss.ScalarQuantizer.QT_fp16
    index = faiss.IndexScalarQuantizer(dimension, quantizer, faiss.METRIC_INNER_PRODUCT)
    return cast("FaissIndex", index)


def spherical_centroids(sample: Floats, count: int, *, iterations: int, seed: int) -> FaissIndex:
    """A flat index of ``count`` k-means centroids of the sample, by inner product."""
    faiss = load_faiss()
    dimension = sample.shape[1]
    clustering = faiss.Kmeans(
        dimension,
        count,
        niter=iterations,
        seed=seed,
        spherical=True,
        min_points_per_centroid=1,
        max_points_per_centroid=len(sample),
    )
    clustering.train(sample)
    centroids = faiss.IndexFlatIP(dimension)
    centroids.add(clustering.centroids)
    return cast("FaissIndex", centroids)
