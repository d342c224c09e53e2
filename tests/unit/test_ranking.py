"""The weighted sum of scaled features."""

from __future__ import annotations

import numpy as np

from memory.recall.ranking import Candidates, Weights, rank

WEIGHTS = Weights(version="test", words=0.5, dense=0.5, window=0.0)
UNKNOWN = np.full(3, np.nan, np.float32)


def features(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def candidates(words: np.ndarray, dense: np.ndarray, window: np.ndarray = UNKNOWN) -> Candidates:
    return Candidates(np.array([7, 8, 9], np.int64), words, dense, window)


def test_agreement_of_words_and_meaning_wins() -> None:
    ranking = rank(candidates(features(0, 4, 5), features(0.9, 0.8, 0.1)), WEIGHTS)
    assert ranking.keys.tolist() == [8, 7, 9]


def test_scores_stay_between_zero_and_one() -> None:
    ranking = rank(candidates(features(3, 2, 1), features(0.9, 0.5, 0.1)), WEIGHTS)
    assert ranking.scores.tolist()[0] == 1.0
    assert ranking.scores.min() >= 0


def test_ties_go_to_the_lower_key() -> None:
    ranking = rank(candidates(features(1, 1, 1), features(0.5, 0.5, 0.5)), WEIGHTS)
    assert ranking.keys.tolist() == [7, 8, 9]


def test_a_missing_feature_leaves_its_weight_to_the_others() -> None:
    ranking = rank(candidates(features(4, 2, 0), UNKNOWN), WEIGHTS)
    assert ranking.scores.tolist() == [1.0, 0.5, 0.0]


def test_a_record_without_a_vector_is_not_preferred_for_it() -> None:
    ranking = rank(candidates(features(1, 1, 1), features(0.2, np.nan, 0.4)), WEIGHTS)
    assert ranking.keys.tolist() == [9, 7, 8]


def test_no_candidates_give_no_ranking() -> None:
    none = np.empty(0, np.float32)
    assert not len(rank(Candidates(np.empty(0, np.int64), none, none, none)).keys)
