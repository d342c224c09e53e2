"""The word index against a plain implementation of its formula, over any history of changes."""

from __future__ import annotations

from collections import Counter
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.backends.bm25 import Bm25Index
from memory.ports import LexicalDocument, Selection

WEIGHTS = (1.0, 0.5, 0.25)
K1, B = 1.2, 0.75

words = st.sampled_from(("red", "green", "blue", "sky", "sea", "rain", "sun", "day", "night"))
fields = st.lists(words, max_size=6).map(tuple)
documents = st.builds(LexicalDocument, st.integers(1, 12), fields, fields, fields)
removals = st.lists(st.integers(1, 14), min_size=1, max_size=4)
steps = st.lists(st.one_of(st.lists(documents, min_size=1, max_size=5), removals), max_size=12)
questions = st.lists(words, max_size=6)


def new_index():
    text, neighbours, date = WEIGHTS
    return Bm25Index(text_weight=text, neighbours_weight=neighbours, date_weight=date, k1=K1, b=B)


def apply(index, contents, step):
    """Does one step to the index and, plainly, to the contents it should have."""
    if isinstance(step[0], int):
        index.remove("a", np.array(step, dtype=np.int64))
        for key in step:
            contents.pop(key, None)
    else:
        index.put("a", step)
        contents.update((document.key, document) for document in step)


def frequencies(document):
    """The weighted frequency of each term of a document."""
    weighted = Counter()
    for weight, terms in zip(
        WEIGHTS, (document.text, document.neighbours, document.date), strict=True
    ):
        for term, count in Counter(terms).items():
            weighted[term] += weight * count
    return weighted


def reference(contents, terms):
    """BM25 as the formula says, in double precision: key to score, where above 0."""
    weighted = {key: frequencies(document) for key, document in contents.items()}
    length = {
        key: len(document.text) + len(document.neighbours) + len(document.date)
        for key, document in contents.items()
    }
    average = sum(length.values()) / len(length) if any(length.values()) else 1
    scores = Counter()
    for term in terms:
        holders = [key for key, counts in weighted.items() if counts[term]]
        idf = log(1 + (len(contents) - len(holders) + 0.5) / (len(holders) + 0.5))
        for key in holders:
            norm = K1 * (1 - B + B * length[key] / average)
            scores[key] += idf * weighted[key][term] * (K1 + 1) / (weighted[key][term] + norm)
    return dict(scores)


@given(steps=steps, terms=questions)
def test_scores_follow_the_formula_whatever_was_put_and_removed(steps, terms):
    index, contents = new_index(), {}
    for step in steps:
        apply(index, contents, step)
    found = index.search("a", terms, 100)
    assert index.count("a") == len(contents)
    scores = dict(zip(found.keys.tolist(), found.scores.tolist(), strict=True))
    assert scores == pytest.approx(reference(contents, terms), rel=1e-5)


@given(steps=steps, terms=questions, order=st.randoms(use_true_random=False))
def test_equal_contents_give_equal_scores_whatever_led_there(steps, terms, order):
    index, contents = new_index(), {}
    for step in steps:
        apply(index, contents, step)
    fresh, shuffled = new_index(), list(contents.values())
    order.shuffle(shuffled)
    for document in shuffled:
        fresh.put("a", [document])
    keys = np.arange(1, 15)
    assert index.scores("a", terms, keys).tolist() == fresh.scores("a", terms, keys).tolist()
    found, expected = index.search("a", terms, 5), fresh.search("a", terms, 5)
    assert found.keys.tolist() == expected.keys.tolist()
    assert found.scores.tolist() == expected.scores.tolist()


@given(
    contents=st.lists(documents, max_size=12),
    terms=questions,
    selected=st.sets(st.integers(1, 14)),
    exclude=st.booleans(),
)
def test_a_selection_leaves_exactly_what_it_says(contents, terms, selected, exclude):
    index = new_index()
    index.put("a", contents)
    everything = index.search("a", terms, 100)
    selection = Selection(np.array(sorted(selected), dtype=np.int64), exclude)
    kept = np.isin(everything.keys, selection.keys) != exclude
    found = index.search("a", terms, 100, selection)
    assert found.keys.tolist() == everything.keys[kept].tolist()
    assert found.scores.tolist() == everything.scores[kept].tolist()
