"""Ranking: features of the candidates of one query, and their weighted sum.

Features of different kinds are scaled to 0..1 over the candidates of their query (min-max fusion,
Fox & Shaw 1994), so that they can be added. Weights are data, learned by listwise softmax
regression (Cao et al., "ListNet", 2007) and given by two sets: one for short records such as turns
of a chat, one for long ones such as answers of an assistant. How long the candidates are says how
much each set counts, so that the ranking adapts to the kind of data by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from memory.ports import Floats, Keys

__all__ = ["FEATURES", "Candidates", "Ranking", "Weights", "length_features", "rank"]

FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "words": "BM25 of the text, its neighbours' text and its date",
        "date": "BM25 of the date alone",
        "dense": "cosine of the query and the record",
        "window": "mean cosine over the record and its neighbours",
        "late": "how well each token of the query is answered by the record's tokens",
        "late_window": "the same over the record and its neighbours",
        "speaker": "whether the query names who speaks",
        "session": "mean of the three best BM25 scores of the sitting",
        "short": "how far the record is too short to say much",
        "long": "how far the record is longer than a paragraph",
    }
)
"""What is known of a candidate, in order."""

_FROM_ZERO = frozenset({"words", "date", "session"})
_UNSCALED = frozenset({"speaker", "short", "long"})
_SHORT_TERMS = 15.0
_LONG_TERMS = 60.0
_SHORT_DATA_TERMS = 30.0
_LONG_DATA_TERMS = 300.0


@dataclass(frozen=True, slots=True)
class Candidates:
    """The raw features of the candidates of one query.

    ``features`` has for each name of ``FEATURES`` an array of shape (n,), NaN where a value is not
    known; ``lengths`` are numbers of terms.
    """

    keys: Keys
    lengths: Floats
    features: Mapping[str, Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each feature counts where records are short and where they are long."""

    version: str
    short_data: Mapping[str, float]
    long_data: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates, best first, with their scores (0..1) and what each feature adds."""

    keys: Keys
    scores: Floats
    shares: Mapping[str, Floats]


def length_features(lengths: Floats) -> dict[str, Floats]:
    """How far records are shorter or longer than what tells best; logarithmic, 0 within."""
    terms = np.maximum(lengths, 1)
    return {
        "short": np.clip(np.log(_SHORT_TERMS / terms), 0, 2).astype(np.float32),
        "long": np.clip(np.log(terms / _LONG_TERMS), 0, 3).astype(np.float32),
    }


def rank(candidates: Candidates, weights: Weights) -> Ranking:
    """Orders candidates by the weighted sum of their scaled features; ties by the lower key.

    A value that is missing counts as the lowest of its query; a feature that no candidate has
    counts nothing.
    """
    if not len(candidates.keys):
        return Ranking(candidates.keys, np.empty(0, np.float32), {})
    long_share = _long_share(candidates.lengths)
    shares = {}
    for name, values in candidates.features.items():
        weight = (1 - long_share) * weights.short_data.get(name, 0.0)
        weight += long_share * weights.long_data.get(name, 0.0)
        if weight:
            shares[name] = _scaled(name, values) * np.float32(weight)
    total = sum(shares.values(), np.zeros(len(candidates.keys), np.float32))
    order = np.lexsort((candidates.keys, -total))
    return Ranking(
        candidates.keys[order],
        _to_unit(total[order]),
        {name: share[order] for name, share in shares.items()},
    )


def _long_share(lengths: Floats) -> float:
    """How much the records at hand are long ones: 0 for turns of a chat, 1 for pages."""
    median = max(float(np.median(lengths)), 1.0)
    span = np.log(_LONG_DATA_TERMS / _SHORT_DATA_TERMS)
    return float(np.clip(np.log(median / _SHORT_DATA_TERMS) / span, 0, 1))


def _scaled(name: str, values: Floats) -> Floats:
    """The feature in 0..1: its highest value is 1, its lowest (or zero) is 0."""
    known = np.isfinite(values)
    if name in _UNSCALED or not known.any():
        return np.where(known, values, np.float32(0))
    low = np.float32(0 if name in _FROM_ZERO else values[known].min())
    high = np.float32(values[known].max())
    if high <= low:
        return np.where(known, np.float32(high > 0), np.float32(0))
    return np.where(known, (values - low) / (high - low), np.float32(0)).astype(np.float32)


def _to_unit(total: Floats) -> Floats:
    """The sums as scores: the best is 1; 0 is a sum of nothing, or the lowest below that."""
    floor = min(float(total.min()), 0.0)
    span = float(total.max()) - floor
    return ((total - floor) / span).astype(np.float32) if span > 0 else np.ones_like(total)
