"""Search in the past: what recall would have found at an earlier time.

The states of that time are read from the change log and searched by words in an index of their
own; the best are compared by meaning too. It costs a pass over the namespace's history.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import count

import numpy as np

from memory.errors import EmbedderUnavailable
from memory.filtering import matches
from memory.ports import Embedder, Floats, Keys, LexicalDocument, LexicalIndex, RecordStore
from memory.recall.confidence import query_relevance
from memory.recall.ranking import Candidates, length_features, rank
from memory.recall.search import SearchOutcome, found_at
from memory.recall.weights import weights_for
from memory.records import Filter, MemoryRecord
from memory.text.analysis import date_terms, query_terms, terms

__all__ = ["PastSearch"]

EMBEDDED_MAX = 256
"""How many states are compared by meaning; of more, those that words rank best."""

WORDS_FIRST = "as_of_words_first"
WORDS_ONLY = "words_only"


class PastSearch:
    """Finds records of one namespace as they stood at an earlier time. Thread-safe."""

    def __init__(self, store: RecordStore, embedder: Embedder, words: LexicalIndex) -> None:
        self._store = store
        self._embedder = embedder
        self._words = words
        self._numbers = count()

    def find(
        self, namespace: str, text: str, where: Filter, at: datetime, limit: int
    ) -> SearchOutcome:
        """The ``limit`` states that answer the text best among those that matched at that time.

        An empty text gives the most recent ones.
        """
        states = [one for one in self._store.states_at(namespace, at) if matches(one, where, at)]
        if not text:
            states.sort(key=lambda one: (one.occurred_at or one.created_at, one.id), reverse=True)
            return SearchOutcome.of_recent(states[:limit])
        every = np.arange(len(states), dtype=np.int64)
        words = self._word_scores(states, query_terms(text), every)
        best = np.sort(np.argsort(-words, kind="stable")[:EMBEDDED_MAX])
        closeness = self._closeness(text, [states[place] for place in best])
        lengths = np.array([len(terms(states[place].indexed_text)) for place in best], np.float32)
        features = {"words": words[best], **length_features(lengths)}
        if closeness is not None:
            features["dense"] = closeness
        candidates = Candidates(best, lengths, features)
        ranking = rank(candidates, weights_for(None))
        midpoint = self._embedder.identity.relevance_midpoint
        asked = len(set(query_terms(text)))
        relevance = query_relevance(candidates, asked, len(states), midpoint)
        degraded = [WORDS_ONLY] if closeness is None else []
        degraded += [WORDS_FIRST] if len(best) < len(states) else []
        found = [
            found_at(states[key], ranking, place, relevance)
            for place, key in enumerate(ranking.keys[:limit].tolist())
        ]
        return SearchOutcome(found=found, degraded=tuple(degraded))

    def _word_scores(
        self, states: Sequence[MemoryRecord], query: Sequence[str], every: Keys
    ) -> Floats:
        """BM25 over the states alone, in an index that exists for this call."""
        # No caller's namespace can hold a control character, so this name is free.
        scratch = f"\x00past-{next(self._numbers)}"
        documents = [
            LexicalDocument(
                place, terms(one.indexed_text), (), date_terms(one.occurred_at or one.created_at)
            )
            for place, one in enumerate(states)
        ]
        try:
            self._words.put(scratch, documents)
            return self._words.scores(scratch, query, every)
        finally:
            self._words.clear(scratch)

    def _closeness(self, text: str, states: Sequence[MemoryRecord]) -> Floats | None:
        try:
            vectors = self._embedder.embed([text, *(one.indexed_text for one in states)])
        except EmbedderUnavailable:
            return None
        closeness: Floats = vectors[1:] @ vectors[0]
        return closeness
