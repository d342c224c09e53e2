"""What the BM25 index promises beyond the contract."""

from __future__ import annotations

import numpy as np
import pytest

from memory.backends.bm25 import Bm25Index
from memory.errors import InvalidInput
from memory.ports import LexicalDocument, Selection


def found(index, *terms):
    return index.search("a", terms, 10).keys.tolist()


def test_a_field_of_weight_zero_is_left_out():
    with_dates, without = Bm25Index(date_weight=0), Bm25Index(date_weight=0)
    with_dates.put("a", [LexicalDocument(1, ("walk",), date=("may", "2023"))])
    without.put("a", [LexicalDocument(1, ("walk",))])
    assert found(with_dates, "may") == []
    scores = [index.scores("a", ["walk"], np.array([1])) for index in (with_dates, without)]
    assert scores[0] == scores[1]


def test_without_length_discount_long_and_short_documents_score_alike():
    index = Bm25Index(b=0)
    index.put("a", [LexicalDocument(1, ("walk",)), LexicalDocument(2, ("walk",) + ("x",) * 50)])
    short, long = index.scores("a", ["walk"], np.array([1, 2]))
    assert short == long


def test_a_term_asked_twice_counts_twice():
    index = Bm25Index()
    index.put("a", [LexicalDocument(1, ("walk",)), LexicalDocument(2, ("run",))])
    once, twice = (index.scores("a", ["walk"] * times, np.array([1])) for times in (1, 2))
    assert twice == pytest.approx(2 * once)


def test_compaction_after_many_removals_keeps_what_is_left():
    index = Bm25Index()
    index.put("a", [LexicalDocument(key, ("shared", f"own{key}")) for key in range(1, 1_001)])
    index.remove("a", np.arange(1, 901))
    fresh = Bm25Index()
    fresh.put("a", [LexicalDocument(key, ("shared", f"own{key}")) for key in range(901, 1_001)])
    assert found(index, "own5") == []
    assert found(index, "own950") == [950]
    keys = np.arange(890, 1_001)
    scores = [one.scores("a", ["shared", "own950"], keys).tolist() for one in (index, fresh)]
    assert scores[0] == scores[1]


def test_documents_may_be_added_after_a_compaction():
    index = Bm25Index()
    index.put("a", [LexicalDocument(key, ("old",)) for key in range(1, 201)])
    index.remove("a", np.arange(1, 201))
    index.put("a", [LexicalDocument(7, ("new",))])
    assert found(index, "old", "new") == [7]


def test_large_and_small_selections_answer_alike():
    index = Bm25Index()
    index.put("a", [LexicalDocument(key, ("w",) * (1 + key % 7)) for key in range(1, 10_001)])
    small, large = np.arange(1, 10_001, 5), np.arange(1, 10_001)
    by_large = index.search("a", ["w"], 10_000, Selection(large))
    by_small = index.search("a", ["w"], 10_000, Selection(small))
    kept = np.isin(by_large.keys, small)
    assert by_small.keys.tolist() == by_large.keys[kept].tolist()


@pytest.mark.parametrize("wrong", [{"k1": -1}, {"b": 1.5}, {"text_weight": -0.1}, {"b": np.nan}])
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(InvalidInput):
        Bm25Index(**wrong)
