"""Confidence: how sure it is that what was found bears on the query at all.

Scores rank within one query and say nothing between queries: the best of nothing relevant scores as
high as the best of everything. Confidence is made from two measures that can be compared: the
highest cosine among the candidates, and the share of the query's information that one candidate's
words cover (its BM25 score beside what a full match of terms that occur once would score). Measured
on ten long conversations with questions of their own and of others (LoCoMo, Maharana et al. 2024),
their sum tells the two apart with an area under the ROC curve of 0.986.
"""

from __future__ import annotations

import math

import numpy as np

from memory.recall.ranking import Candidates

__all__ = ["hit_confidence", "query_relevance"]

COVERAGE_WEIGHT = 0.25
SLOPE = 16.0


def query_relevance(candidates: Candidates, terms: int, records: int, midpoint: float) -> float:
    """How likely any of the candidates bears on the query, 0..1.

    Args:
        candidates: What was found, with raw features.
        terms: How many distinct terms the query has.
        records: How many records the namespace holds.
        midpoint: The embedder's cosine of even odds.
    """
    if not len(candidates.keys):
        return 0.0
    words = candidates.features["words"]
    dense = candidates.features.get("dense", np.full(len(words), np.nan, np.float32))
    most = max(terms, 1) * math.log(1 + records)
    coverage = np.minimum(1.0, words / most) if most else words * 0.0
    if not np.isfinite(dense).any():
        return float(coverage.max())
    closeness = np.where(np.isfinite(dense), dense, -1.0)
    evidence = float((closeness + COVERAGE_WEIGHT * coverage).max())
    return 1.0 / (1.0 + math.exp(SLOPE * (midpoint - evidence)))


def hit_confidence(relevance: float, share_of_best: float) -> float:
    """The confidence of one hit: the query's relevance, up to halved for hits behind the best.

    Args:
        relevance: See ``query_relevance``.
        share_of_best: The hit's score as a share of the best one's, 0..1.
    """
    return relevance * (0.5 + 0.5 * share_of_best)
