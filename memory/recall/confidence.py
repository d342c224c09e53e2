"""Confidence: how sure it is that what was found bears on the query at all.

Scores rank within one query and say nothing between queries: the best of nothing relevant scores as
high as the best of everything. Confidence is made from measures that can be compared: the highest
cosine among the candidates, how well the tokens of the query are answered by some record and its
neighbours (late interaction, where there are token vectors), and the share of the query's
information that one candidate's words cover (its BM25 score beside what a full match of terms that
occur once would score).

The coefficients are those of a logistic regression on the ten long conversations of LoCoMo
(Maharana et al. 2024) and this repository's own sets, each memory asked as many questions of its
own as of others. The two differ: questions of LoCoMo name their people and come far nearer to what
answers them. Fitted to both, the default threshold leaves out less than it could on either alone.
"""

from __future__ import annotations

import math

import numpy as np

from memory.ports import Floats
from memory.recall.ranking import Candidates

__all__ = ["hit_confidence", "query_relevance"]

_DENSE, _LATE, _COVERAGE, _BIAS = 15.8, 20.8, 5.5, -22.35
_LATE_SLOPE, _LATE_MIDPOINT = 30.0, 0.70
_SLOPE = 25.0
_COVERAGE_WEIGHT = 0.45


def query_relevance(candidates: Candidates, terms: int, records: int, midpoint: float) -> float:
    """How likely any of the candidates bears on the query, 0..1.

    Args:
        candidates: What was found, with raw features.
        terms: How many distinct terms the query has.
        records: How many records the namespace holds.
        midpoint: The embedder's cosine of even odds; used where there are no token vectors.
    """
    if not len(candidates.keys):
        return 0.0
    most = max(terms, 1) * math.log(1 + records)
    coverage = min(1.0, float(candidates.features["words"].max()) / most)
    dense = _highest(candidates.features.get("dense"))
    late = _highest(candidates.features.get("late_window"))
    if dense is None:
        return coverage
    if late is None:
        return _logistic(_SLOPE * (dense + _COVERAGE_WEIGHT * coverage - midpoint))
    together = _logistic(_DENSE * dense + _LATE * late + _COVERAGE * coverage + _BIAS)
    # The cosine knows the beginning of a long record alone; an answer further on has tokens only.
    return max(together, _logistic(_LATE_SLOPE * (late - _LATE_MIDPOINT)))


def hit_confidence(relevance: float, share_of_best: float) -> float:
    """The confidence of one hit: the query's relevance, up to halved for hits behind the best.

    Args:
        relevance: See ``query_relevance``.
        share_of_best: The hit's score as a share of the best one's, 0..1.
    """
    return relevance * (0.5 + 0.5 * share_of_best)


def _highest(values: Floats | None) -> float | None:
    """The highest known value; ``None`` when nothing is known."""
    if values is None or not np.isfinite(values).any():
        return None
    return float(np.nanmax(values))


def _logistic(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))
