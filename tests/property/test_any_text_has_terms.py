"""What holds of the terms of any text at all."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.text.analysis import MAX_TERM_LENGTH, query_terms, terms

any_text = st.text(st.characters(), max_size=200)
connected = st.text("aB3._@-',' \u0301你วन\u093fй", max_size=120)

HOSTILE = ["a", "好", "\u0300", "\u0300\u0316", "a.", "aB", "1,", "'", "_", "\u200d", "\ufdfa", "กั"]


@given(st.one_of(any_text, connected))
def test_terms_are_short_whole_and_without_white_space(text):
    for term in (*terms(text), *query_terms(text)):
        assert 0 < len(term) <= MAX_TERM_LENGTH
        assert not any(character.isspace() for character in term)


@given(st.one_of(any_text, connected))
def test_a_question_has_only_terms_that_the_same_text_stored_has(text):
    assert set(query_terms(text)) <= set(terms(text))
    assert bool(query_terms(text)) == bool(terms(text))


@given(st.one_of(any_text, connected))
def test_the_same_text_has_the_same_terms_again(text):
    assert terms(text) == terms(text)


@given(st.text("abcXYZ éü", max_size=60))
def test_upper_and_lower_case_have_the_same_terms(text):
    lower = text.lower()
    assert terms(lower) == terms(lower.upper())


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_long_repetition_is_analysed_in_linear_time(unit):
    start = time.thread_time()
    terms(unit * (100_000 // len(unit)))
    assert time.thread_time() - start < 5
