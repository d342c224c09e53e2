"""Ranking: features of the candidates of one query, and their weighted sum.

Each feature is scaled to 0..1 over the candidates of its query (min-max fusion, Fox & Shaw 1994),
so that scores of different kinds can be added. Weights are data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from memory.ports import Floats, Keys

__all__ = ["DEFAULT_WEIGHTS", "Candidates", "Weights", "rank"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each feature counts; ``version`` names the set."""

    version: str
    words: float
    dense: float
    window: float


DEFAULT_WEIGHTS = Weights(version="1", words=0.5, dense=0.5, window=0.1)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The raw features of the candidates of one query, each of shape (n,).

    ``words`` is the BM25 score of text, neighbours and date; ``dense`` the cosine of the query
    and the record (NaN where the record has no vector); ``window`` the mean cosine over the record
    and its neighbours in the conversation (NaN likewise).
    """

    keys: Keys
    words: Floats
    dense: Floats
    window: Floats


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates, best first, with their scores (0..1) and the share of each feature."""

    keys: Keys
    scores: Floats
    words: Floats
    dense: Floats
    window: Floats


def rank(candidates: Candidates, weights: Weights = DEFAULT_WEIGHTS) -> Ranking:
    """Orders candidates by the weighted sum of their scaled features; ties by the lower key.

    A feature that is missing (NaN) counts as the lowest of its query; one that no candidate has
    leaves its weight to the others.
    """
    parts = {
        "words": _scaled(candidates.words, floor=0.0) * weights.words,
        "dense": _scaled(candidates.dense) * weights.dense,
        "window": _scaled(candidates.window) * weights.window,
    }
    total = sum(
        weight
        for weight, feature in (
            (weights.words, candidates.words),
            (weights.dense, candidates.dense),
            (weights.window, candidates.window),
        )
        if np.isfinite(feature).any()
    )
    scale = np.float32(1 / total) if total else np.float32(0)
    scores = (parts["words"] + parts["dense"] + parts["window"]) * scale
    order = np.lexsort((candidates.keys, -scores))
    return Ranking(
        candidates.keys[order],
        scores[order],
        *(parts[name][order] * scale for name in ("words", "dense", "window")),
    )


def _scaled(feature: Floats, floor: float | None = None) -> Floats:
    """The feature in 0..1: its highest value is 1, its lowest (or ``floor``) is 0."""
    known = np.isfinite(feature)
    if not known.any():
        return np.zeros_like(feature)
    low = np.float32(feature[known].min() if floor is None else floor)
    high = np.float32(feature[known].max())
    if high <= low:
        return np.where(known, np.float32(high > 0), np.float32(0))
    return np.where(known, (feature - low) / (high - low), np.float32(0)).astype(np.float32)
