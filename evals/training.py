"""Training on internals: the weights of the ranking from data sets, and what they are worth.

Their worth is measured with one conversation left out at a time: its questions are ranked by
weights that were learned from all the others.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

import numpy as np
import numpy.typing as npt

from evals.candidates import Example, mean_scores, scores_of
from evals.learning import TOKEN_FEATURES, Lists, as_weights, fit, lists_of
from evals.reports import DataUsed, LearnedWeights, TrainingReport
from memory.errors import InvalidInput
from memory.recall.ranking import FEATURES, Weights
from memory.recall.weights import WITH_TOKENS, WITHOUT_TOKENS

__all__ = ["train"]

DIGITS = 2
"""To how many places the learned weights are given."""

Numbers = npt.NDArray[np.float64]
Conversation = tuple[str, str]


def train(
    examples: Sequence[Example],
    used: Sequence[DataUsed],
    advance: Callable[[int, int], None],
) -> TrainingReport:
    """Learns both sets of weights; the one with token vectors where the embedder gives them.

    Args:
        examples: All questions with their candidates.
        used: The data sets, and how much each counts in total beside the others.
        advance: Is told how many fits are done, and of how many.

    Raises:
        InvalidInput: Evidence is among the candidates in fewer than two conversations.
    """
    if len(_conversations([one for one in examples if one.relevant.any()])) < 2:
        raise InvalidInput("Leaving one conversation out needs two with evidence; give more data.")
    importance = _importance(examples, used)
    with_tokens = any(example.has_tokens for example in examples)
    shipped = [WITH_TOKENS, WITHOUT_TOKENS] if with_tokens else [WITHOUT_TOKENS]
    fits = len(shipped) * (1 + len(_conversations(examples)))
    done = itertools.count(1)
    learned = [
        _learn(examples, importance, one, lambda: advance(next(done), fits)) for one in shipped
    ]
    return TrainingReport(version=version("memoryd"), sets=list(used), weights=learned)


def _learn(
    examples: Sequence[Example],
    importance: Numbers,
    shipped: Weights,
    advance: Callable[[], None],
) -> LearnedWeights:
    names = tuple(name for name in FEATURES if shipped is WITH_TOKENS or name not in TOKEN_FEATURES)
    lists = lists_of(examples, names)
    weights = _rounded(as_weights(shipped.version, names, fit(lists, importance)))
    advance()
    return LearnedWeights(
        with_tokens=shipped is WITH_TOKENS,
        short_data=dict(weights.short_data),
        long_data=dict(weights.long_data),
        left_out=mean_scores(examples, _left_out(examples, importance, lists, advance)),
        in_sample=mean_scores(examples, [scores_of(one, weights) for one in examples]),
        shipped=mean_scores(examples, [scores_of(one, shipped) for one in examples]),
    )


def _left_out(
    examples: Sequence[Example],
    importance: Numbers,
    lists: Lists,
    advance: Callable[[], None],
) -> list[Mapping[str, float]]:
    """The scores of each question by weights that were learned without its conversation."""
    by_conversation = {}
    for conversation in _conversations(examples):
        others = np.array([_conversation(one) != conversation for one in examples])
        values = fit(lists, np.where(others, importance, 0))
        by_conversation[conversation] = as_weights("left out", lists.features, values)
        advance()
    return [scores_of(one, by_conversation[_conversation(one)]) for one in examples]


def _importance(examples: Sequence[Example], used: Sequence[DataUsed]) -> Numbers:
    """How much each question counts: its set's weight, in equal parts."""
    each = {one.set_name: one.weight / max(one.questions, 1) for one in used}
    return np.array([each[example.set_name] for example in examples])


def _conversation(example: Example) -> Conversation:
    return example.set_name, example.conversation


def _conversations(examples: Sequence[Example]) -> list[Conversation]:
    return list(dict.fromkeys(map(_conversation, examples)))


def _rounded(weights: Weights) -> Weights:
    """To the places that are written down; what is then 0 is left out."""
    short, long = (
        {name: round(value, DIGITS) for name, value in some.items() if round(value, DIGITS)}
        for some in (weights.short_data, weights.long_data)
    )
    return Weights(version=weights.version, short_data=short, long_data=long)
