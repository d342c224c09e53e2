"""Metrics against cases computed by hand, and what must hold for any ranking."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.metrics import (
    auroc,
    ndcg_at,
    ranking_metrics,
    recall_at,
    reciprocal_rank,
    session_metrics,
)

RANKING = ["a", "b", "c", "d", "e", "f"]
NAMES = st.sampled_from([f"t{number}" for number in range(30)])
RANKINGS = st.lists(NAMES, unique=True, max_size=25)
EVIDENCE = st.sets(NAMES, min_size=1, max_size=6)


def test_recall_is_the_share_of_all_evidence_and_not_of_any() -> None:
    assert recall_at(RANKING, ["b", "f", "x", "y"], 5) == 0.25
    assert recall_at(RANKING, ["b", "f", "x", "y"], 6) == 0.5


def test_ndcg_of_two_pieces_of_evidence_at_places_one_and_three() -> None:
    expected = (1 + 1 / 2) / (1 + 1 / math.log2(3))
    assert ndcg_at(RANKING, ["a", "c"], 10) == pytest.approx(expected)


def test_ndcg_expects_no_more_evidence_than_fits_in_front() -> None:
    assert ndcg_at(RANKING[:2], ["a", "b", "c"], 2) == pytest.approx(1.0)


def test_a_turn_that_is_ranked_twice_gains_once() -> None:
    assert ndcg_at(["a", "a", "b"], ["a", "b"], 10) < 1
    assert ndcg_at(["a", "a"], ["a"], 10) == 1


def test_reciprocal_rank_counts_from_one_and_is_zero_without_evidence() -> None:
    assert reciprocal_rank(RANKING, ["c", "e"]) == pytest.approx(1 / 3)
    assert reciprocal_rank(RANKING, ["x"]) == 0


def test_a_session_ranks_where_its_first_hit_does() -> None:
    found = session_metrics(["s1", "s1", "s2", "s1", "s3"], ["s2", "s2"])
    assert found["session nDCG@10"] == pytest.approx(1 / math.log2(3))
    assert found["session recall@5"] == 1


@given(RANKINGS, EVIDENCE)
def test_every_metric_lies_between_nothing_and_all(ranking: list[str], evidence: set[str]) -> None:
    assert all(0 <= value <= 1 + 1e-9 for value in ranking_metrics(ranking, evidence).values())


@given(RANKINGS, EVIDENCE)
def test_recall_never_falls_when_more_is_read(ranking: list[str], evidence: set[str]) -> None:
    found = ranking_metrics(ranking, evidence)
    assert found["recall@5"] <= found["recall@10"] <= found["recall@20"]


@given(RANKINGS, EVIDENCE)
def test_evidence_in_front_is_perfect(ranking: list[str], evidence: set[str]) -> None:
    perfect = [*sorted(evidence), *(name for name in ranking if name not in evidence)]
    found = ranking_metrics(perfect, evidence)
    assert (found["nDCG@10"], found["MRR"]) == (pytest.approx(1), 1)


def test_auroc_counts_a_tie_as_one_half() -> None:
    # pairs: 0.9 beats both; 0.5 ties with 0.5 and beats 0.1
    assert auroc([0.9, 0.5], [0.5, 0.1]) == pytest.approx(3.5 / 4)


def test_auroc_of_equal_scores_is_one_half_and_of_separate_ones_is_one() -> None:
    assert auroc([1, 1, 1], [1, 1]) == 0.5
    assert auroc([2, 3], [0, 1]) == 1


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=12),
    st.lists(st.integers(0, 5), min_size=1, max_size=12),
)
def test_auroc_equals_counting_every_pair(above: list[int], below: list[int]) -> None:
    pairs = [(a > b) + 0.5 * (a == b) for a in above for b in below]
    assert auroc(above, below) == pytest.approx(sum(pairs) / len(pairs))
