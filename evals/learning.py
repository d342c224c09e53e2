"""Learning the weights of the ranking: listwise softmax regression (Cao et al., "ListNet", 2007).

The model is the ranking of the memory itself: a record's score is the weighted sum of its scaled
features, with two sets of weights that are blended by how long the candidates are
(``memory.recall.ranking``). The loss of a question is the cross entropy between its evidence, in
equal shares, and the softmax of ten times the scores. Its mean over the questions, plus a penalty
on the squares of the weights, is made small by Adam (Kingma & Ba 2015). After each step, weights of
features that speak for a record are kept at 0 or above, those of its length at 0 or below. There is
no chance in it: the same examples give the same weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evals.candidates import Example
from memory.recall.ranking import FEATURES, Candidates, Weights, rank

__all__ = ["PENALTIES", "TOKEN_FEATURES", "Lists", "as_weights", "fit", "lists_of"]

TOKEN_FEATURES = ("late", "late_window")
"""The features that need token vectors."""

PENALTIES = ("short", "long")
"""The features that speak against a record."""

STEPS = 200
RATE = 0.05
SHARPNESS = 10.0
DECAY = 3e-3
START = 0.3
_MEMORY_OF_MEAN = 0.9
_MEMORY_OF_SQUARE = 0.999
_TINY = 1e-8

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lists:
    """The candidates of all questions one below the other, as numbers.

    Attributes:
        features: The names of the features.
        rows: Shape (n, 2 f): what each feature adds to a candidate's score at a weight of one for
            short data, then for long data.
        target: Shape (n,): the share of each candidate in the evidence of its question.
        sizes: Shape (q,): how many candidates each question has.
        examples: Shape (q,): which of the examples each question is; those without any evidence
            among their candidates teach nothing and are not here.
    """

    features: tuple[str, ...]
    rows: Numbers
    target: Numbers
    sizes: npt.NDArray[np.int64]
    examples: npt.NDArray[np.int64]


def lists_of(examples: Sequence[Example], features: Sequence[str]) -> Lists:
    """The examples as numbers; at least one must have evidence among its candidates."""
    relevant = [example.relevant for example in examples]
    kept = [index for index, marks in enumerate(relevant) if marks.any()]
    return Lists(
        features=tuple(features),
        rows=np.concatenate([_rows(examples[index].candidates, features) for index in kept]),
        target=np.concatenate([relevant[index] / relevant[index].sum() for index in kept]),
        sizes=np.array([len(relevant[index]) for index in kept], np.int64),
        examples=np.array(kept, np.int64),
    )


def fit(lists: Lists, importance: Numbers) -> Numbers:
    """The weights that put the evidence first.

    Args:
        lists: What to learn from.
        importance: Shape (number of examples,): how much each counts; 0 leaves it out.

    Returns:
        Shape (2 f,): the weights for short data, then those for long data.
    """
    wanted = importance[lists.examples]
    shares = np.repeat(wanted / wanted.sum(), lists.sizes)
    penalty = np.array([name in PENALTIES for name in lists.features * 2])
    weights = np.full(len(penalty), START)
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        slope = _slope(lists, shares, weights) + DECAY * weights
        mean = _MEMORY_OF_MEAN * mean + (1 - _MEMORY_OF_MEAN) * slope
        square = _MEMORY_OF_SQUARE * square + (1 - _MEMORY_OF_SQUARE) * slope**2
        spread = np.sqrt(square / (1 - _MEMORY_OF_SQUARE**step)) + _TINY
        weights = weights - RATE * mean / (1 - _MEMORY_OF_MEAN**step) / spread
        weights = np.where(penalty, np.minimum(weights, 0), np.maximum(weights, 0))
    return weights


def as_weights(version: str, features: Sequence[str], values: Numbers) -> Weights:
    """The weights that ``fit`` gave, as the ranking takes them."""
    short, long = values.reshape(2, -1).tolist()
    return Weights(
        version=version,
        short_data=dict(zip(features, short, strict=True)),
        long_data=dict(zip(features, long, strict=True)),
    )


def _slope(lists: Lists, shares: Numbers, weights: Numbers) -> Numbers:
    """The gradient of the mean cross entropy."""
    starts = np.concatenate([[0], np.cumsum(lists.sizes)[:-1]])
    scores = SHARPNESS * (lists.rows @ weights)
    scores -= np.repeat(np.maximum.reduceat(scores, starts), lists.sizes)
    chances = np.exp(scores)
    chances /= np.repeat(np.add.reduceat(chances, starts), lists.sizes)
    return SHARPNESS * (lists.rows.T @ (shares * (chances - lists.target)))


def _rows(candidates: Candidates, features: Sequence[str]) -> Numbers:
    """What each feature adds at a weight of one, in the order of the candidates' keys."""
    ones = {name: 1.0 for name in FEATURES if name in features}
    nothing = np.zeros(len(candidates.keys))
    columns = []
    for short_data, long_data in ((ones, {}), ({}, ones)):
        weights = Weights(version="ones", short_data=short_data, long_data=long_data)
        ranking = rank(candidates, weights)
        back = np.argsort(ranking.keys)
        shares = {name: share[back] for name, share in ranking.shares.items()}
        columns += [shares.get(name, nothing) for name in features]
    return np.stack(columns, axis=1).astype(np.float64)
