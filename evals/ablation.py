"""What each feature and each stage of the ranking is worth: what is lost without it.

The weights stay as shipped, apart from what is left out; nothing is learned again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

import numpy as np

from evals.bootstrap import Estimate, estimates
from evals.candidates import Example, mean_scores, scores_of
from evals.learning import PENALTIES, TOKEN_FEATURES
from evals.reports import AblationReport, DataUsed, VariantScores
from memory.recall.ranking import FEATURES, Weights
from memory.recall.weights import WITH_TOKENS, WITHOUT_TOKENS

__all__ = ["ALONE", "CHANGE_IN", "LEFT_OUT", "SHIPPED", "STAGE", "measure_ablation"]

SHIPPED = "as shipped"
LEFT_OUT = "without the feature"
STAGE = "without a stage"
ALONE = "one feature alone"

CHANGE_IN = "recall@10"
"""The metric whose change has an interval."""

SEED = 0

Scores = Sequence[Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variant:
    """A way to rank: weights with and without token vectors, and which candidates take part."""

    group: str
    name: str
    with_tokens: Weights = WITH_TOKENS
    without_tokens: Weights = WITHOUT_TOKENS
    found: Literal["by words", "by vector"] | None = None

    def scores(self, example: Example) -> Mapping[str, float]:
        weights = self.with_tokens if example.has_tokens else self.without_tokens
        if self.found is None:
            return scores_of(example, weights)
        among = example.by_words if self.found == "by words" else example.by_vector
        return scores_of(example, weights, among)


def measure_ablation(
    examples: Sequence[Example],
    used: Sequence[DataUsed],
    advance: Callable[[int, int], None],
) -> AblationReport:
    """Ranks the candidates of all questions in each way.

    Args:
        examples: All questions with their candidates.
        used: The data sets.
        advance: Is told how many ways are done, and of how many.
    """
    variants = list(_variants(_known_features(examples)))
    scores = []
    for done, variant in enumerate(variants, start=1):
        scores.append([variant.scores(example) for example in examples])
        advance(done, len(variants))
    changes = _changes(examples, scores) if examples else [{} for _ in variants]
    return AblationReport(
        version=version("memoryd"),
        sets=list(used),
        variants=[
            VariantScores(
                group=variant.group,
                name=variant.name,
                scores=mean_scores(examples, found),
                change=change,
            )
            for variant, found, change in zip(variants, scores, changes, strict=True)
        ],
    )


def _known_features(examples: Sequence[Example]) -> list[str]:
    """The features that any question has; some need an embedder that gives token vectors."""
    known = {name for example in examples for name in example.candidates.features}
    return [name for name in FEATURES if name in known]


def _variants(features: Sequence[str]) -> Iterator[_Variant]:
    yield _Variant(group=SHIPPED, name="all features, all candidates")
    if set(TOKEN_FEATURES) & set(features):
        yield _Variant(group=STAGE, name="no late interaction", with_tokens=WITHOUT_TOKENS)
    yield _Variant(group=STAGE, name="candidates by words alone", found="by words")
    yield _Variant(group=STAGE, name="candidates by vector alone", found="by vector")
    for name in features:
        yield _Variant(
            group=LEFT_OUT,
            name=name,
            with_tokens=_without(WITH_TOKENS, name),
            without_tokens=_without(WITHOUT_TOKENS, name),
        )
    for name in features:
        if name not in PENALTIES:
            alone = Weights(version=name, short_data={name: 1.0}, long_data={name: 1.0})
            yield _Variant(group=ALONE, name=name, with_tokens=alone, without_tokens=alone)


def _without(weights: Weights, feature: str) -> Weights:
    return Weights(
        version=f"{weights.version} without {feature}",
        short_data={**weights.short_data, feature: 0.0},
        long_data={**weights.long_data, feature: 0.0},
    )


def _changes(examples: Sequence[Example], scores: Sequence[Scores]) -> list[dict[str, Estimate]]:
    """For each variant the change against the first, by data set."""
    values = np.array([[one[CHANGE_IN] for one in found] for found in scores]).T
    gaps = values - values[:, :1]
    sets = list(dict.fromkeys(example.set_name for example in examples))
    by_set = {
        name: estimates(gaps[[example.set_name == name for example in examples]], SEED)
        for name in sets
    }
    return [{name: by_set[name][place] for name in sets} for place in range(len(scores))]
