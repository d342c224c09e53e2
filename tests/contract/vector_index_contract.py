"""What every VectorIndex must do; a subclass says how to make one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from memory.errors import InvalidInput
from memory.ports import Selection, VectorIndex

DIMENSION = 32


def unit_vectors(count, seed=0, dimension=DIMENSION):
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def keys_of(*keys):
    return np.array(keys, dtype=np.int64)


def numbered(count, first=1):
    return np.arange(first, first + count, dtype=np.int64)


class VectorIndexContract:
    """Subclass it and give the fixture ``index``: a fresh index of dimension ``DIMENSION``."""

    @pytest.fixture
    def index(self) -> VectorIndex:
        raise NotImplementedError

    def test_search_ranks_by_inner_product(self, index):
        vectors = unit_vectors(500)
        index.put("a", numbered(500), vectors)
        query = unit_vectors(1, seed=9)[0]
        found = index.search("a", query, 10)
        scores = vectors @ query
        assert found.scores == pytest.approx(np.sort(scores)[::-1][:10], abs=2e-3)
        assert scores[found.keys - 1] == pytest.approx(found.scores, abs=2e-3)

    def test_results_are_int64_keys_and_float32_scores_best_first(self, index):
        index.put("a", numbered(20), unit_vectors(20))
        found = index.search("a", unit_vectors(1)[0], 7)
        assert (found.keys.dtype, found.scores.dtype) == (np.int64, np.float32)
        assert found.keys.shape == found.scores.shape == (7,)
        assert np.all(np.diff(found.scores) <= 0)

    def test_an_unknown_namespace_is_empty(self, index):
        assert index.search("none", unit_vectors(1)[0], 5).keys.size == 0
        assert np.isnan(index.similarities("none", unit_vectors(1)[0], keys_of(1))).all()
        assert index.count("none") == 0
        index.remove("none", keys_of(1))
        index.clear("none")

    def test_a_limit_beyond_the_contents_gives_all(self, index):
        index.put("a", numbered(3), unit_vectors(3))
        assert sorted(index.search("a", unit_vectors(1)[0], 100).keys) == [1, 2, 3]

    @pytest.mark.parametrize("limit", [0, -1])
    def test_a_limit_below_one_gives_nothing(self, index, limit):
        index.put("a", numbered(3), unit_vectors(3))
        assert index.search("a", unit_vectors(1)[0], limit).keys.size == 0

    def test_equal_scores_are_ordered_by_the_lower_key(self, index):
        same = np.repeat(unit_vectors(1), 50, axis=0)
        order = np.random.default_rng(1).permutation(numbered(50))
        index.put("a", order, same)
        assert index.search("a", same[0], 7).keys.tolist() == [1, 2, 3, 4, 5, 6, 7]
        chosen = index.search("a", same[0], 3, Selection(keys_of(9, 20, 31, 44)))
        assert chosen.keys.tolist() == [9, 20, 31]

    def test_a_key_put_again_is_replaced(self, index):
        first, second = unit_vectors(2)
        index.put("a", keys_of(7), first[None])
        index.put("a", keys_of(7), second[None])
        assert index.count("a") == 1
        assert index.search("a", second, 5).scores == pytest.approx([1], abs=2e-3)

    def test_of_a_key_given_twice_the_last_vector_counts(self, index):
        first, second = unit_vectors(2)
        index.put("a", keys_of(7, 7), np.stack([first, second]))
        assert index.count("a") == 1
        assert index.similarities("a", second, keys_of(7)) == pytest.approx([1], abs=2e-3)

    def test_removed_keys_are_never_found(self, index):
        vectors = unit_vectors(300)
        index.put("a", numbered(300), vectors)
        index.remove("a", keys_of(*range(1, 300, 2), 9_999))
        found = index.search("a", vectors[0], 300).keys
        assert sorted(found) == list(range(2, 301, 2))
        assert index.count("a") == 150

    def test_a_selection_is_searched_in_full(self, index):
        vectors = unit_vectors(2_000)
        index.put("a", numbered(2_000), vectors)
        worst = np.sort(np.argsort(vectors @ vectors[0])[:15]) + 1
        found = index.search("a", vectors[0], 15, Selection(worst))
        assert sorted(found.keys) == worst.tolist()

    def test_an_excluding_selection_leaves_all_others(self, index):
        vectors = unit_vectors(20)
        index.put("a", numbered(20), vectors)
        left_out = Selection(keys_of(1, 2, 3, 77), exclude=True)
        assert sorted(index.search("a", vectors[0], 50, left_out).keys) == list(range(4, 21))

    def test_an_empty_selection_finds_nothing(self, index):
        index.put("a", numbered(5), unit_vectors(5))
        assert index.search("a", unit_vectors(1)[0], 5, Selection(keys_of())).keys.size == 0

    def test_similarities_keep_the_order_of_the_keys(self, index):
        vectors = unit_vectors(50)
        index.put("a", numbered(50), vectors)
        found = index.similarities("a", vectors[3], keys_of(9, 999, 4, 9))
        expected = [vectors[8] @ vectors[3], np.nan, 1, vectors[8] @ vectors[3]]
        assert found == pytest.approx(expected, abs=2e-3, nan_ok=True)
        assert found.dtype == np.float32

    def test_a_namespace_sees_and_loses_only_its_own(self, index):
        index.put("a", keys_of(1), unit_vectors(1))
        index.put("b", keys_of(2), unit_vectors(1))
        index.clear("a")
        assert index.count("a") == 0
        assert index.search("a", unit_vectors(1)[0], 5).keys.size == 0
        assert index.search("b", unit_vectors(1)[0], 5).keys.tolist() == [2]

    def test_many_namespaces_do_not_crowd_out_a_small_one(self, index):
        for number in range(1_000):
            index.put(f"n{number}", keys_of(number), unit_vectors(1, seed=number))
        vectors = unit_vectors(20, seed=5_000)
        index.put("mine", numbered(20, first=10_000), vectors)
        found = index.search("mine", vectors[4], 20)
        assert found.keys[0] == 10_004
        assert sorted(found.keys) == list(range(10_000, 10_020))

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_a_vector_that_is_not_finite_is_refused(self, index, bad):
        vectors = unit_vectors(3)
        vectors[1, 4] = bad
        with pytest.raises(InvalidInput):
            index.put("a", numbered(3), vectors)
        with pytest.raises(InvalidInput):
            index.search("a", vectors[1], 3)
        assert index.count("a") == 0

    def test_another_dimension_or_number_is_refused(self, index):
        with pytest.raises(InvalidInput):
            index.put("a", numbered(2), unit_vectors(2, dimension=DIMENSION + 1))
        with pytest.raises(InvalidInput):
            index.put("a", numbered(3), unit_vectors(2))
        with pytest.raises(InvalidInput):
            index.search("a", unit_vectors(1, dimension=DIMENSION - 1)[0], 3)
        with pytest.raises(InvalidInput):
            index.similarities("a", unit_vectors(1, dimension=3)[0], keys_of(1))

    def test_putting_nothing_changes_nothing(self, index):
        index.put("a", keys_of(), unit_vectors(0))
        assert index.count("a") == 0

    def test_threads_may_write_and_search_at_the_same_time(self, index):
        vectors = unit_vectors(400)

        def work(part):
            keys = numbered(50, first=1 + 50 * part)
            index.put("a", keys, vectors[keys - 1])
            index.search("a", vectors[0], 5)
            index.remove("a", keys[::2])
            return index.similarities("a", vectors[0], keys).size

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(work, range(8), timeout=60)) == 400
        assert index.search("a", vectors[0], 400).keys.size == index.count("a") == 200
