"""Confidence, which can be compared between queries."""

from __future__ import annotations

import numpy as np
import pytest

from memory.recall.confidence import hit_confidence, query_relevance
from memory.recall.ranking import Candidates
from memory.records import MIN_CONFIDENCE


def relevance(words: float, cosine: float, late: float | None = None) -> float:
    one = np.ones(1, np.float32)
    features = {"words": one * np.float32(words), "dense": one * np.float32(cosine)}
    if late is not None:
        features["late_window"] = one * np.float32(late)
    found = Candidates(np.array([1], np.int64), one, features)
    return query_relevance(found, 2, 100, 0.5)


def test_a_near_record_is_trusted_and_a_far_one_is_not() -> None:
    assert relevance(0, 0.75) > 0.9
    assert relevance(0, 0.2) < MIN_CONFIDENCE / 2


def test_even_odds_at_the_embedders_midpoint() -> None:
    assert relevance(0, 0.5) == pytest.approx(0.5)


def test_words_that_match_in_full_raise_it() -> None:
    assert relevance(2 * np.log(101), 0.4) > 0.8 > relevance(0, 0.4)


def test_tokens_that_are_answered_count_beside_the_cosine() -> None:
    assert relevance(0, 0.6, 0.75) > 0.9
    assert relevance(0, 0.3, 0.5) < MIN_CONFIDENCE / 2
    assert relevance(0, 0.4, 0.9) > MIN_CONFIDENCE > relevance(0, 0.4, 0.5)


def test_without_vectors_words_alone_count() -> None:
    assert relevance(np.log(101), np.nan) == pytest.approx(0.5)


def test_nothing_found_means_no_confidence() -> None:
    none = np.empty(0, np.float32)
    nothing = Candidates(np.empty(0, np.int64), none, {"words": none})
    assert query_relevance(nothing, 3, 10, 0.48) == 0


def test_hits_behind_the_best_are_less_sure() -> None:
    assert hit_confidence(0.8, 1.0) == pytest.approx(0.8)
    assert hit_confidence(0.8, 0.0) == pytest.approx(0.4)
