"""The vector index against numpy, over any history of changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.backends.faiss import FaissVectorIndex
from memory.ports import Selection

DIMENSION = 8
# Few distinct vectors, exact in half precision, so that equal scores are frequent.
VECTORS = np.random.default_rng(3).integers(-3, 4, (24, DIMENSION)).astype(np.float32)

pairs = st.tuples(st.integers(1, 40), st.integers(0, len(VECTORS) - 1))
puts = st.lists(pairs, min_size=1, max_size=30)
removals = st.lists(st.integers(1, 44), min_size=1, max_size=30)
steps = st.lists(st.one_of(puts, removals), max_size=16)
queries = st.integers(0, len(VECTORS) - 1).map(VECTORS.__getitem__)


def apply(index, contents, step):
    """Does one step to the index and, plainly, to the contents it should have."""
    if isinstance(step[0], int):
        index.remove("a", np.array(step, dtype=np.int64))
        for key in step:
            contents.pop(key, None)
    else:
        keys, numbers = zip(*step, strict=True)
        index.put("a", np.array(keys, dtype=np.int64), VECTORS[list(numbers)])
        contents.update(step)


def ranking(contents, query, limit):
    """Keys by descending inner product, ties by the lower key."""
    return sorted(contents, key=lambda key: (-(VECTORS[contents[key]] @ query), key))[:limit]


@pytest.mark.parametrize("approximate_above", [1_000, 5])
@given(steps=steps, query=queries, limit=st.integers(1, 12))
def test_search_is_exact_whatever_was_put_and_removed(approximate_above, steps, query, limit):
    index = FaissVectorIndex(DIMENSION, approximate_above=approximate_above, probes=1_000)
    contents = {}
    for step in steps:
        apply(index, contents, step)
    found = index.search("a", query, limit)
    assert found.keys.tolist() == ranking(contents, query, limit)
    assert index.count("a") == len(contents)
    similarities = index.similarities("a", query, found.keys)
    assert similarities == pytest.approx(found.scores, abs=1e-4)


@given(contents=puts, query=queries, selected=st.sets(st.integers(1, 44)), exclude=st.booleans())
def test_a_selection_leaves_exactly_what_it_says(contents, query, selected, exclude):
    index, plain = FaissVectorIndex(DIMENSION), {}
    apply(index, plain, contents)
    left = {key: vector for key, vector in plain.items() if (key in selected) != exclude}
    selection = Selection(np.array(sorted(selected), dtype=np.int64), exclude)
    assert index.search("a", query, 6, selection).keys.tolist() == ranking(left, query, 6)
