"""The features of candidates: what is known of each record beside one query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from memory.ports import Encoding, Floats, Keys, LexicalIndex, VectorIndex
from memory.recall.late_interaction import LateInteraction
from memory.recall.projection import dates_of
from memory.recall.ranking import Candidates, length_features
from memory.recall.view import NamespaceView

__all__ = ["FeatureMaker", "Query"]

_BEST_OF_SITTING = 3

QUESTION_TOKENS_MAX = 64
"""Of a longer question only this many tokens, those that tell most, are compared one by one."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query as the indexes understand it; ``encoding`` is ``None`` without an embedder."""

    terms: tuple[str, ...]
    encoding: Encoding | None


@dataclass(frozen=True, slots=True)
class _Group:
    """Candidates with their neighbours: unique keys, and for each candidate the places of its own.

    ``places`` has shape (n, 3): the candidate, the record before, the record after.
    """

    keys: Keys
    places: Keys


class FeatureMaker:
    """Computes features over the indexes. Thread-safe."""

    def __init__(self, vectors: VectorIndex, words: LexicalIndex, late: LateInteraction) -> None:
        self._vectors = vectors
        self._words = words
        self._late = late

    def candidates(self, view: NamespaceView, query: Query, keys: Keys) -> Candidates:
        """All features of these records; the caller holds the view."""
        plain = keys.tolist()
        words = self._words.scores(view.namespace, query.terms, keys)
        lengths = view.lengths(plain)
        named = view.speakers.named_in(query.terms)
        features = {
            "words": words,
            "date": self._words.scores(dates_of(view.namespace), query.terms, keys),
            "speaker": view.speakers.spoken_by(plain, named),
            "session": _best_of_each(words, view.sittings(plain)),
            **length_features(lengths),
        }
        if query.encoding is not None and len(keys):
            group = _group(keys, view.neighbours(plain))
            features |= self._closeness(view.namespace, query.encoding.vector, group)
            features |= self._lateness(query.encoding, group)
        return Candidates(keys, lengths, features)

    def _closeness(self, namespace: str, vector: Floats, group: _Group) -> dict[str, Floats]:
        """The cosine of each record, and the mean over it and its neighbours."""
        similar = self._vectors.similarities(namespace, vector, group.keys)
        cosines = similar[group.places]
        known = np.isfinite(cosines)
        count = known.sum(axis=1)
        total = np.where(known, cosines, 0).sum(axis=1, dtype=np.float32)
        window = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
        return {"dense": cosines[:, 0], "window": window}

    def _lateness(self, query: Encoding, group: _Group) -> dict[str, Floats]:
        """How well the record answers each token of the query, and so with its neighbours."""
        if not len(query.tokens):
            return {}
        telling = np.sort(np.argsort(-query.weights, kind="stable")[:QUESTION_TOKENS_MAX])
        weights = query.weights[telling] / query.weights[telling].sum()
        best = self._late.best_products(query.tokens[telling], group.keys)[group.places]
        return {
            "late": best[:, 0] @ weights,
            "late_window": np.fmax.reduce(best, axis=1) @ weights,
        }


def _group(keys: Keys, beside: Keys) -> _Group:
    unique, places = np.unique(np.concatenate([keys[:, None], beside], axis=1), return_inverse=True)
    return _Group(unique, places.reshape(len(keys), -1))


def _best_of_each(scores: Floats, groups: Keys) -> Floats:
    """For each record the mean of the best three scores of its group (what lacks counts 0)."""
    if not len(scores):
        return scores
    order = np.lexsort((-scores, groups))
    starts = np.flatnonzero(np.diff(groups[order], prepend=groups[order][0] - 1))
    rank_within = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    kept = np.where(rank_within < _BEST_OF_SITTING, scores[order], 0)
    means = np.add.reduceat(kept, starts) / _BEST_OF_SITTING
    spread = np.empty(len(order), np.float32)
    spread[order] = np.repeat(means, np.diff(starts, append=len(order)))
    return spread
