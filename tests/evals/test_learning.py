"""Learning weights: from made-up questions whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.candidates import Example
from evals.datasets.conversation import Question
from evals.learning import PENALTIES, as_weights, fit, lists_of
from evals.reports import DataUsed
from evals.training import train
from memory.errors import InvalidInput
from memory.recall.ranking import FEATURES, Candidates, rank
from tests.evals.conftest import silent

NAMES = tuple(FEATURES)
CANDIDATES = 12


def example(number: int, *, telling: str = "dense", terms: float = 10) -> Example:
    """A question whose evidence has by far the highest value of one feature; the rest is chance."""
    random = np.random.default_rng(number)
    features = {name: random.random(CANDIDATES).astype(np.float32) for name in NAMES}
    evidence = int(random.integers(CANDIDATES))
    features[telling][evidence] = 3
    keys = np.arange(CANDIDATES, dtype=np.int64)
    everything = np.ones(CANDIDATES, np.bool_)
    return Example(
        set_name="made-up",
        conversation=str(number % 3),
        question=Question(id=str(number), text="?", category="", evidence=(str(evidence),)),
        candidates=Candidates(keys, np.full(CANDIDATES, terms, np.float32), features),
        by_words=everything,
        by_vector=everything,
        gold_ids={key: str(key) for key in range(CANDIDATES)},
    )


def weights_from(examples: list[Example]) -> np.ndarray:
    return fit(lists_of(examples, NAMES), np.ones(len(examples)))


def test_the_feature_that_tells_the_evidence_gets_the_most_weight() -> None:
    short_data = weights_from([example(number) for number in range(40)])[: len(NAMES)]
    assert NAMES[short_data.argmax()] == "dense"
    assert short_data.max() > 3 * np.sort(short_data)[-2]


def test_short_and_long_data_get_weights_of_their_own() -> None:
    short = [example(number, telling="words", terms=10) for number in range(30)]
    long = [example(number, telling="late", terms=500) for number in range(30, 60)]
    learned = as_weights("learned", NAMES, weights_from(short + long))
    assert max(learned.short_data, key=learned.short_data.__getitem__) == "words"
    assert max(learned.long_data, key=learned.long_data.__getitem__) == "late"


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), telling=st.sampled_from(NAMES))
def test_signs_are_kept_whatever_the_data_say(seed: int, telling: str) -> None:
    values = weights_from([example(seed + number, telling=telling) for number in range(5)])
    for name, value in zip(NAMES * 2, values, strict=True):
        assert value <= 0 if name in PENALTIES else value >= 0


def test_what_counts_nothing_has_no_influence() -> None:
    few = [example(number) for number in range(10)]
    many = [*few, *(example(number, telling="words") for number in range(10, 20))]
    masked = fit(lists_of(many, NAMES), np.repeat([2.0, 0.0], 10))
    assert masked == pytest.approx(weights_from(few), abs=1e-9)


def test_questions_without_evidence_among_their_candidates_teach_nothing() -> None:
    lost = replace(
        example(99), question=Question(id="99", text="?", category="", evidence=("elsewhere",))
    )
    few = [example(number) for number in range(5)]
    assert np.array_equal(weights_from([lost, *few]), weights_from(few))


@given(st.lists(st.floats(0, 1, width=32), min_size=20, max_size=20), st.floats(5, 500))
def test_numbers_give_the_same_order_as_the_ranking(values: list[float], terms: float) -> None:
    one = example(7, terms=terms)
    sums = lists_of([one], NAMES).rows @ np.array(values)
    ranked = rank(one.candidates, as_weights("given", NAMES, np.array(values))).keys
    assert np.all(np.diff(sums[ranked]) <= 1e-5)


def used(questions: int, set_name: str = "made-up", weight: float = 1) -> list[DataUsed]:
    return [
        DataUsed(
            set_name=set_name, embedder="none", conversations=3, questions=questions, weight=weight
        )
    ]


def test_training_tells_what_the_weights_are_worth_on_what_they_have_not_seen() -> None:
    examples = [example(number) for number in range(30)]
    report = train(examples, used(30), silent)
    with_tokens, without = report.weights
    assert (with_tokens.with_tokens, without.with_tokens) == (True, False)
    assert with_tokens.left_out["made-up"]["recall@5"] == 1
    assert with_tokens.left_out["made-up"]["MRR"] > with_tokens.shipped["made-up"]["MRR"]
    assert not {"late", "late_window"} & without.short_data.keys()


def test_a_conversation_left_out_is_ranked_by_the_others_alone() -> None:
    """Each conversation has a feature of its own, of which the others know nothing."""
    telling = ("words", "dense", "date")
    examples = [example(number, telling=telling[number % 3]) for number in range(30)]
    learned = train(examples, used(30), silent).weights[0]
    assert learned.left_out["made-up"]["MRR"] < learned.in_sample["made-up"]["MRR"] - 0.2


def test_the_same_examples_give_the_same_report() -> None:
    examples = [example(number) for number in range(9)]
    first, second = (train(examples, used(9), silent) for _ in range(2))
    assert first == second


def test_one_conversation_alone_is_refused() -> None:
    with pytest.raises(InvalidInput, match="needs two"):
        train([example(0), example(3)], used(2), silent)


def test_a_set_that_counts_more_pulls_the_weights() -> None:
    examples = [example(number, telling="words") for number in range(9)] + [
        replace(example(number, telling="dense"), set_name="other") for number in range(9, 18)
    ]
    reports = [
        train(examples, used(9, weight=weight) + used(9, "other", 10 - weight), silent)
        for weight in (1, 9)
    ]
    little, much = (report.weights[0].short_data["words"] for report in reports)
    assert little < much
