"""Measures of a ranking and of a classifier, as the field defines them.

Relevance is binary: a turn is evidence or it is not.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

__all__ = [
    "CUTOFFS",
    "METRICS",
    "SESSION_METRICS",
    "auroc",
    "ndcg_at",
    "ranking_metrics",
    "recall_at",
    "reciprocal_rank",
    "session_metrics",
]

CUTOFFS = (5, 10, 20)
NDCG_CUTOFF = 10
METRICS = (*(f"recall@{k}" for k in CUTOFFS), f"nDCG@{NDCG_CUTOFF}", "MRR")
SESSION_CUTOFFS = (5, 10)
SESSION_METRICS = (
    *(f"session recall@{k}" for k in SESSION_CUTOFFS),
    f"session nDCG@{NDCG_CUTOFF}",
)


def recall_at(ranking: Sequence[str], evidence: Collection[str], k: int) -> float:
    """The share of all the evidence that is among the first k."""
    return len(set(ranking[:k]) & set(evidence)) / len(set(evidence))


def ndcg_at(ranking: Sequence[str], evidence: Collection[str], k: int) -> float:
    """Normalised discounted cumulative gain (Järvelin & Kekäläinen 2002) of the first k.

    The gain at place i, from 1, is discounted by log2(i + 1); the ideal has all the evidence that
    fits in front. A turn that is ranked twice counts once.
    """
    wanted = set(evidence)
    places = {
        name: place for place, name in reversed(list(enumerate(ranking[:k]))) if name in wanted
    }
    gained = sum(1 / math.log2(place + 2) for place in places.values())
    ideal = sum(1 / math.log2(place + 2) for place in range(min(k, len(wanted))))
    return gained / ideal


def reciprocal_rank(ranking: Sequence[str], evidence: Collection[str]) -> float:
    """One over the place of the first evidence, from 1; 0 when there is none."""
    wanted = set(evidence)
    return next((1 / place for place, name in enumerate(ranking, start=1) if name in wanted), 0.0)


def ranking_metrics(ranking: Sequence[str], evidence: Collection[str]) -> Mapping[str, float]:
    """All of ``METRICS`` for one question."""
    return {
        **{f"recall@{k}": recall_at(ranking, evidence, k) for k in CUTOFFS},
        f"nDCG@{NDCG_CUTOFF}": ndcg_at(ranking, evidence, NDCG_CUTOFF),
        "MRR": reciprocal_rank(ranking, evidence),
    }


def session_metrics(sessions: Sequence[str], evidence: Sequence[str]) -> Mapping[str, float]:
    """All of ``SESSION_METRICS`` for one question.

    Args:
        sessions: The session of each hit, best first; a session ranks where its first hit does.
        evidence: The sessions that hold evidence.
    """
    ranking = list(dict.fromkeys(sessions))
    return {
        **{f"session recall@{k}": recall_at(ranking, evidence, k) for k in SESSION_CUTOFFS},
        f"session nDCG@{NDCG_CUTOFF}": ndcg_at(ranking, evidence, NDCG_CUTOFF),
    }


def auroc(positives: npt.ArrayLike, negatives: npt.ArrayLike) -> float:
    """The area under the ROC curve: how often a positive scores above a negative.

    Ties count one half (the Mann-Whitney statistic). Neither side may be empty.
    """
    above = np.asarray(positives, np.float64)
    below = np.sort(np.asarray(negatives, np.float64))
    fewer = np.searchsorted(below, above, side="left")
    fewer_or_equal = np.searchsorted(below, above, side="right")
    return float((fewer + fewer_or_equal).mean() / (2 * below.size))
