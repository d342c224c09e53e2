"""Fitting what was found into a budget of tokens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memory.recall.packing import HIT_OVERHEAD_TOKENS, estimate_tokens, fit, shorten


def test_no_budget_keeps_everything() -> None:
    assert fit(["a" * 10_000, "b"], None) == ["a" * 10_000, "b"]


def test_short_texts_leave_their_share_to_long_ones() -> None:
    short, long = fit(["tea", "word " * 400], 200)
    assert short == "tea"
    assert long is not None
    assert 100 < estimate_tokens(long) <= 200 - HIT_OVERHEAD_TOKENS * 2


def test_what_does_not_fit_at_all_is_left_out_from_the_end() -> None:
    fitting = fit(["word " * 100] * 10, 100)
    assert fitting[0] is not None
    assert fitting[-1] is None


def test_what_comes_beside_a_text_counts_too() -> None:
    assert fit(["tea", "coffee"], 60, [0, 10]) == ["tea", "coffee"]
    assert fit(["tea", "coffee"], 60, [10_000, 0]) == [None, "coffee"]


def test_a_shortened_text_ends_at_a_word_and_says_so() -> None:
    assert shorten("alpha beta gamma delta epsilon", 5) == "alpha beta…"


def test_wide_scripts_cost_a_token_a_character() -> None:
    assert estimate_tokens("猫が好きです") == 6


@given(st.lists(st.text(max_size=400), max_size=12), st.integers(1, 600))
def test_never_exceeds_the_budget(texts: list[str], budget: int) -> None:
    kept = [text for text in fit(texts, budget) if text is not None]
    assert sum(estimate_tokens(text) + HIT_OVERHEAD_TOKENS for text in kept) <= budget


@given(st.lists(st.text(max_size=200), max_size=8), st.integers(1, 300))
def test_each_kept_text_is_itself_or_a_beginning(texts: list[str], budget: int) -> None:
    for text, kept in zip(texts, fit(texts, budget), strict=True):
        assert kept in (None, text) or text.startswith(kept.removesuffix("…"))
