"""What every LexicalIndex must do; a subclass says how to make one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from memory.ports import LexicalDocument, LexicalIndex, Selection


def keys_of(*keys):
    return np.array(keys, dtype=np.int64)


def document(key, text, neighbours="", date=""):
    return LexicalDocument(key, tuple(text.split()), tuple(neighbours.split()), tuple(date.split()))


DOCUMENTS = [
    document(1, "the cat sat on the mat", "a dog barked", "8 may 2023 monday"),
    document(2, "a dog barked", "the cat sat on the mat", "8 may 2023 monday"),
    document(3, "dog dog dog and no other animal", "", "9 may 2023 tuesday"),
    document(4, "nothing of interest", "", "1 june 2022 wednesday"),
]


class LexicalIndexContract:
    """Subclass it and give the fixture ``index``: a fresh index with the default weights."""

    @pytest.fixture
    def index(self) -> LexicalIndex:
        raise NotImplementedError

    @pytest.fixture
    def filled(self, index):
        index.put("a", DOCUMENTS)
        return index

    def test_only_documents_with_a_term_are_found(self, filled):
        assert set(filled.search("a", ["cat"], 10).keys) == {1, 2}
        assert filled.search("a", ["unheard"], 10).keys.size == 0
        assert filled.search("a", [], 10).keys.size == 0

    def test_repetition_and_the_own_text_rank_above_the_neighbours(self, filled):
        assert filled.search("a", ["dog"], 10).keys.tolist() == [3, 2, 1]

    def test_a_date_is_found_by_its_words(self, filled):
        assert filled.search("a", ["june", "2022"], 10).keys.tolist() == [4]

    def test_a_rare_term_counts_more_than_a_frequent_one(self, index):
        words = [document(key, "common filler") for key in range(1, 20)]
        index.put("a", [*words, document(20, "rare filler")])
        assert index.search("a", ["common", "rare"], 1).keys.tolist() == [20]

    def test_a_term_that_all_documents_hold_still_scores_above_zero(self, index):
        index.put("a", [document(key, "same words") for key in range(1, 6)])
        assert np.all(index.search("a", ["same"], 5).scores > 0)

    def test_results_are_int64_keys_and_float32_scores_best_first(self, filled):
        found = filled.search("a", ["dog", "cat", "may"], 3)
        assert (found.keys.dtype, found.scores.dtype) == (np.int64, np.float32)
        assert found.keys.shape == found.scores.shape == (3,)
        assert np.all(np.diff(found.scores) <= 0)

    def test_equal_scores_are_ordered_by_the_lower_key(self, index):
        for key in (9, 2, 7, 4, 5):
            index.put("a", [document(key, "same words")])
        assert index.search("a", ["same"], 3).keys.tolist() == [2, 4, 5]

    @pytest.mark.parametrize("limit", [0, -1])
    def test_a_limit_below_one_gives_nothing(self, filled, limit):
        assert filled.search("a", ["dog"], limit).keys.size == 0

    def test_an_unknown_namespace_is_empty(self, index):
        assert index.search("none", ["cat"], 5).keys.size == 0
        assert index.scores("none", ["cat"], keys_of(1)).tolist() == [0]
        assert index.count("none") == 0
        index.remove("none", keys_of(1))
        index.clear("none")

    def test_a_key_put_again_is_replaced(self, filled):
        filled.put("a", [document(1, "a bird sang")])
        assert filled.count("a") == 4
        assert filled.search("a", ["mat"], 10).keys.tolist() == [2]
        assert filled.search("a", ["bird"], 10).keys.tolist() == [1]

    def test_of_a_key_given_twice_the_last_document_counts(self, index):
        index.put("a", [document(1, "first"), document(1, "second")])
        assert index.count("a") == 1
        assert index.search("a", ["first"], 5).keys.size == 0
        assert index.search("a", ["second"], 5).keys.tolist() == [1]

    def test_removed_documents_leave_no_trace_in_the_scores(self, filled, index):
        filled.put("b", DOCUMENTS[:2])
        filled.remove("a", keys_of(3, 4, 99))
        left, never_more = filled.search("a", ["dog"], 9), filled.search("b", ["dog"], 9)
        assert left.keys.tolist() == never_more.keys.tolist()
        assert left.scores.tolist() == never_more.scores.tolist()

    def test_a_selection_is_applied_before_ranking(self, filled):
        chosen = Selection(keys_of(1, 4, 77))
        assert filled.search("a", ["dog"], 1, chosen).keys.tolist() == [1]
        others = Selection(keys_of(3), exclude=True)
        assert filled.search("a", ["dog"], 1, others).keys.tolist() == [2]
        assert filled.search("a", ["dog"], 9, Selection(keys_of())).keys.size == 0

    def test_a_selection_does_not_change_scores(self, filled):
        everything = filled.search("a", ["dog", "may"], 9)
        score = dict(zip(everything.keys.tolist(), everything.scores.tolist(), strict=True))
        chosen = filled.search("a", ["dog", "may"], 9, Selection(keys_of(1, 2)))
        assert chosen.scores.tolist() == [score[key] for key in chosen.keys.tolist()]

    def test_scores_are_those_of_a_search_in_the_order_of_the_keys(self, filled):
        found = filled.search("a", ["dog", "cat"], 9)
        score = dict(zip(found.keys.tolist(), found.scores.tolist(), strict=True))
        scores = filled.scores("a", ["dog", "cat"], keys_of(2, 4, 99, 1, 2))
        assert scores.dtype == np.float32
        assert scores.tolist() == [score[2], 0, 0, score[1], score[2]]

    def test_a_document_without_terms_counts_and_is_not_found(self, index):
        index.put("a", [document(1, ""), document(2, "word")])
        assert index.count("a") == 2
        assert index.search("a", ["word"], 5).keys.tolist() == [2]
        assert index.scores("a", ["word"], keys_of(1)).tolist() == [0]

    def test_a_namespace_sees_and_loses_only_its_own(self, filled):
        filled.put("b", [document(50, "cat")])
        filled.clear("a")
        assert filled.count("a") == 0
        assert filled.search("a", ["cat"], 5).keys.size == 0
        assert filled.search("b", ["cat"], 5).keys.tolist() == [50]

    def test_threads_may_write_and_search_at_the_same_time(self, index):
        def work(part):
            keys = range(1 + 50 * part, 51 + 50 * part)
            index.put("a", [document(key, f"shared own{key}") for key in keys])
            index.search("a", ["shared"], 5)
            index.remove("a", keys_of(*keys[::2]))
            return index.scores("a", ["shared"], keys_of(*keys)).size

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(work, range(8), timeout=60)) == 400
        assert index.search("a", ["shared"], 400).keys.size == index.count("a") == 200
