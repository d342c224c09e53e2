"""What the FAISS index promises beyond the contract."""

from __future__ import annotations

import numpy as np
import pytest

from memory.backends.faiss import FaissVectorIndex
from memory.errors import InvalidInput
from memory.ports import Selection

DIMENSION = 48


def clustered(count, seed=0):
    """Unit vectors around a hundred centres, as embeddings of a few subjects lie."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((100, DIMENSION))
    vectors = centres[random.integers(0, 100, count)] + 0.9 * random.standard_normal(
        (count, DIMENSION)
    )
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def numbered(count):
    return np.arange(1, count + 1, dtype=np.int64)


def recall_at_10(index, vectors, queries):
    found = [set(index.search("a", query, 10).keys.tolist()) for query in queries]
    exact = [set((np.argsort(-(vectors @ query))[:10] + 1).tolist()) for query in queries]
    return np.mean([len(one & other) / 10 for one, other in zip(found, exact, strict=True)])


def test_half_precision_keeps_the_ranking_of_exact_vectors():
    vectors = clustered(5_000)
    index = FaissVectorIndex(DIMENSION)
    index.put("a", numbered(5_000), vectors)
    assert recall_at_10(index, vectors, clustered(100, seed=1)) >= 0.995


def test_an_approximate_search_finds_nearly_all_that_an_exact_one_does():
    vectors = clustered(20_000)
    index = FaissVectorIndex(DIMENSION, approximate_above=2_000, probes=24)
    for part in np.split(np.arange(20_000), 10):
        index.put("a", part + 1, vectors[part])
    assert recall_at_10(index, vectors, vectors[::200]) >= 0.95


def test_an_approximate_index_searches_a_small_selection_in_full():
    vectors = clustered(4_000)
    index = FaissVectorIndex(DIMENSION, approximate_above=1_000, probes=1)
    index.put("a", numbered(4_000), vectors)
    worst = np.sort(np.argsort(vectors @ vectors[0])[:20]) + 1
    found = index.search("a", vectors[0], 20, Selection(worst))
    assert sorted(found.keys) == worst.tolist()


def test_compaction_after_many_removals_keeps_what_is_left():
    vectors = clustered(1_000)
    index = FaissVectorIndex(DIMENSION)
    index.put("a", numbered(1_000), vectors)
    index.remove("a", numbered(900))
    index.put("a", np.array([5], dtype=np.int64), vectors[4:5])
    assert index.count("a") == 101
    similarities = index.similarities("a", vectors[950], np.array([951, 5, 6]))
    assert similarities[:2] == pytest.approx(vectors[[950, 4]] @ vectors[950], abs=2e-3)
    assert np.isnan(similarities[2])


def test_replacing_one_key_forever_keeps_the_index_small():
    index = FaissVectorIndex(DIMENSION)
    vectors = clustered(2)
    for turn in range(1_000):
        index.put("a", np.array([1], dtype=np.int64), vectors[turn % 2][None])
    assert index.count("a") == 1
    assert index.search("a", vectors[1], 9).keys.tolist() == [1]


def test_a_value_beyond_half_precision_is_refused():
    vectors = clustered(1) * 1e6
    with pytest.raises(InvalidInput):
        FaissVectorIndex(DIMENSION).put("a", numbered(1), vectors)


def test_a_dimension_below_one_is_refused():
    with pytest.raises(InvalidInput):
        FaissVectorIndex(0)
