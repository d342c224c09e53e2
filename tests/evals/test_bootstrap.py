"""Intervals and paired tests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.bootstrap import estimate, paired_difference

SCORES = st.lists(st.floats(0, 1), min_size=2, max_size=30)


@settings(max_examples=15, deadline=None)
@given(SCORES)
def test_the_interval_lies_within_the_values(values: list[float]) -> None:
    found = estimate(values, seed=1)
    assert min(values) - 1e-6 <= found.low <= found.high <= max(values) + 1e-6
    assert found.mean == pytest.approx(np.mean(values), abs=1e-6)


def test_the_interval_is_that_of_the_normal_approximation_for_many_values() -> None:
    values = np.random.default_rng(5).random(400)
    found = estimate(values, seed=2)
    half = 1.96 * values.std() / np.sqrt(values.size)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.05)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = [0.0, 0.5, 1.0, 1.0]
    assert estimate(values, seed=3) == estimate(values, seed=3)
    assert estimate(values, seed=3) != estimate([*values, 0.0], seed=3)


def test_no_difference_is_certain_chance() -> None:
    found = paired_difference([0.2, 0.8, 0.5], [0.2, 0.8, 0.5], seed=0)
    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_being_better_on_every_question_is_hardly_chance() -> None:
    second = np.linspace(0, 0.5, 40)
    found = paired_difference(second + 0.1, second, seed=0)
    assert found.mean == pytest.approx(0.1)
    assert found.p < 0.001


def test_differences_that_cancel_out_prove_nothing() -> None:
    found = paired_difference([1, 0] * 20, [0, 1] * 20, seed=0)
    assert found.low < 0 < found.high
    assert found.p > 0.5


def test_the_order_of_the_two_only_turns_the_sign() -> None:
    first, second = [0.9, 0.4, 0.7, 0.6], [0.5, 0.5, 0.1, 0.6]
    there = paired_difference(first, second, seed=4)
    back = paired_difference(second, first, seed=4)
    assert (back.mean, back.low, back.p) == (-there.mean, -there.high, there.p)
