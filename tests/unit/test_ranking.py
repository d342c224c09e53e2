"""The weighted sum of scaled features."""

from __future__ import annotations

import numpy as np
import pytest

from memory.recall.ranking import FEATURES, Candidates, Weights, length_features, rank
from memory.recall.weights import WITH_TOKENS, WITHOUT_TOKENS

WEIGHTS = Weights(
    version="test",
    short_data={"words": 0.5, "dense": 0.5},
    long_data={"words": 0.0, "dense": 1.0},
)


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def candidates(length: float = 10, **features: np.ndarray) -> Candidates:
    lengths = np.full(3, length, np.float32)
    return Candidates(np.array([7, 8, 9], np.int64), lengths, features)


def test_agreement_of_words_and_meaning_wins() -> None:
    ranking = rank(candidates(words=column(0, 4, 5), dense=column(0.9, 0.8, 0.1)), WEIGHTS)
    assert ranking.keys.tolist() == [8, 7, 9]


def test_scores_stay_between_zero_and_one() -> None:
    ranking = rank(candidates(words=column(3, 2, 1), dense=column(0.9, 0.5, 0.1)), WEIGHTS)
    assert ranking.scores.tolist()[0] == 1.0
    assert ranking.scores.min() >= 0


def test_what_speaks_against_a_record_orders_too() -> None:
    against = Weights(version="t", short_data={"short": -1.0}, long_data={})
    ranking = rank(candidates(short=column(2, 0, 1)), against)
    assert ranking.keys.tolist() == [8, 9, 7]
    assert ranking.scores.tolist() == [1.0, 0.5, 0.0]


def test_ties_go_to_the_lower_key() -> None:
    ranking = rank(candidates(words=column(1, 1, 1), dense=column(0.5, 0.5, 0.5)), WEIGHTS)
    assert ranking.keys.tolist() == [7, 8, 9]


def test_an_unknown_feature_leaves_the_order_to_the_others() -> None:
    unknown = column(np.nan, np.nan, np.nan)
    ranking = rank(candidates(words=column(4, 2, 0), dense=unknown), WEIGHTS)
    assert ranking.scores.tolist() == [1.0, 0.5, 0.0]


def test_a_record_without_a_vector_is_not_preferred_for_it() -> None:
    ranking = rank(candidates(words=column(1, 1, 1), dense=column(0.2, np.nan, 0.4)), WEIGHTS)
    assert ranking.keys.tolist() == [9, 7, 8]


def test_long_records_are_weighed_as_such() -> None:
    features = {"words": column(9, 1, 0), "dense": column(0.1, 0.2, 0.9)}
    assert rank(candidates(10, **features), WEIGHTS).keys[0] == 7
    assert rank(candidates(400, **features), WEIGHTS).keys[0] == 9


def test_shares_add_up_to_the_order() -> None:
    ranking = rank(candidates(words=column(4, 2, 0), dense=column(0.1, 0.9, 0.5)), WEIGHTS)
    sums = sum(ranking.shares.values())
    assert np.all(np.diff(sums) <= 0)


def test_no_candidates_give_no_ranking() -> None:
    none = np.empty(0, np.float32)
    empty = Candidates(np.empty(0, np.int64), none, {"words": none})
    assert not len(rank(empty, WEIGHTS).keys)


def test_only_what_is_too_short_or_too_long_is_told() -> None:
    features = length_features(column(3, 30, 600))
    assert (features["short"] > 0).tolist() == [True, False, False]
    assert (features["long"] > 0).tolist() == [False, False, True]


@pytest.mark.parametrize("weights", [WITH_TOKENS, WITHOUT_TOKENS])
def test_shipped_weights_name_features_and_make_sense(weights: Weights) -> None:
    for one in (weights.short_data, weights.long_data):
        assert set(one) <= set(FEATURES)
        assert all((value < 0) == (name in ("short", "long")) for name, value in one.items())
