"""Search: from a query to the records that answer it best.

Candidates are the best by vector and the best by words (whose text includes the neighbours in the
conversation), every filter applied inside the indexes; then all candidates get all features and
are ranked together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from memory.errors import EmbedderUnavailable
from memory.ports import Embedder, LexicalIndex, RecordStore, Selection, VectorIndex
from memory.recall.confidence import hit_confidence, query_relevance
from memory.recall.features import FeatureMaker, Query
from memory.recall.projection import Projections
from memory.recall.ranking import Candidates, Ranking, rank
from memory.recall.view import NamespaceView
from memory.recall.weights import weights_for
from memory.records import Filter, MemoryRecord, Status
from memory.text.analysis import query_terms

__all__ = ["Found", "Search", "SearchOutcome", "found_at"]

CANDIDATES_MIN = 80
CANDIDATES_PER_HIT = 4
WORDS_ONLY = "words_only"
IN_VIEW = ((Status.ACTIVE,), (Status.ACTIVE, Status.SUPERSEDED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A record that answers the query, with what speaks for it."""

    record: MemoryRecord
    score: float
    confidence: float
    why: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOutcome:
    """The best records, best first, and what was not at full quality."""

    found: list[Found]
    degraded: tuple[str, ...] = ()

    @classmethod
    def of_recent(cls, records: list[MemoryRecord]) -> SearchOutcome:
        """Records that are there for being the most recent, not for answering a query."""
        return cls(
            found=[
                Found(record=record, score=1.0, confidence=1.0, why={"recent": 1.0})
                for record in records
            ]
        )


class Search:
    """Finds records of one namespace by meaning and by words. Thread-safe."""

    def __init__(
        self,
        store: RecordStore,
        embedder: Embedder,
        vectors: VectorIndex,
        words: LexicalIndex,
        projections: Projections,
        features: FeatureMaker,
    ) -> None:
        self._store = store
        self._features = features
        self._embedder = embedder
        self._vectors = vectors
        self._words = words
        self._projections = projections

    def find(
        self, namespace: str, text: str, where: Filter, at: datetime, limit: int
    ) -> SearchOutcome:
        """The ``limit`` records that answer the text best among those that match ``where``.

        When the embedder cannot answer, words alone decide and the outcome says so.
        """
        query, degraded = self._analyse(text)
        allowed = self._allowed(namespace, where, at)
        with self._projections.reading(namespace) as view:
            selection = self._selection(view, where, at) if allowed is None else allowed
            candidates = self._candidates(view, query, selection, limit)
            size = self._words.count(namespace)
        ranking = rank(candidates, weights_for(query.encoding))
        midpoint = self._embedder.identity.relevance_midpoint
        relevance = query_relevance(candidates, len(set(query.terms)), size, midpoint)
        best = self._fetch(namespace, ranking, where, at, limit)
        found = [found_at(record, ranking, place, relevance) for place, record in best]
        return SearchOutcome(found=found, degraded=degraded)

    def _analyse(self, text: str) -> tuple[Query, tuple[str, ...]]:
        terms = query_terms(text)
        try:
            return Query(terms, self._embedder.encode([text])[0]), ()
        except EmbedderUnavailable:
            return Query(terms, None), (WORDS_ONLY,)

    def _allowed(self, namespace: str, where: Filter, at: datetime) -> Selection | None:
        """The keys that match, asked of the store where the view alone cannot tell."""
        simple = Filter(
            tiers=where.tiers, statuses=where.statuses, include_expired=where.include_expired
        )
        if where == simple and where.statuses in IN_VIEW and not where.include_expired:
            return None
        return Selection(self._store.keys(namespace, where, at))

    @staticmethod
    def _selection(view: NamespaceView, where: Filter, at: datetime) -> Selection | None:
        superseded = Status.SUPERSEDED in where.statuses
        return view.selection(where.tiers, include_superseded=superseded, at=at)

    def _candidates(
        self, view: NamespaceView, query: Query, selection: Selection | None, limit: int
    ) -> Candidates:
        depth = max(CANDIDATES_MIN, CANDIDATES_PER_HIT * limit)
        namespace = view.namespace
        keys = self._words.search(namespace, query.terms, depth, selection).keys
        if query.encoding is not None:
            near = self._vectors.search(namespace, query.encoding.vector, depth, selection).keys
            keys = np.union1d(keys, near)
        return self._features.candidates(view, query, np.sort(keys))

    def _fetch(
        self, namespace: str, ranking: Ranking, where: Filter, at: datetime, limit: int
    ) -> Iterator[tuple[int, MemoryRecord]]:
        """Reads the best records; one that changed and no longer matches is passed over."""
        start = 0
        missing = limit
        while missing > 0 and start < len(ranking.keys):
            keys = ranking.keys[start : start + missing].tolist()
            records = self._store.by_keys(namespace, keys, where, at)
            for place, key in enumerate(keys, start):
                if key in records:
                    missing -= 1
                    yield place, records[key]
            start += len(keys)


def found_at(record: MemoryRecord, ranking: Ranking, place: int, relevance: float) -> Found:
    """The record at this place of a ranking; ``relevance`` is that of the whole query."""
    score = float(ranking.scores[place])
    best = float(ranking.scores[0])
    return Found(
        record=record,
        score=score,
        confidence=hit_confidence(relevance, score / best if best else 0.0),
        why=_explanation(ranking, place),
    )


def _explanation(ranking: Ranking, place: int) -> dict[str, float]:
    """How much each feature adds to the score."""
    return {name: round(float(share[place]), 4) for name, share in ranking.shares.items()}
