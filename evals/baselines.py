"""What everybody else does, over the same words and vectors: the rankings to beat.

Each record stands alone, without its neighbours or its date. Fusion takes the best of both lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from evals.datasets.conversation import Turn
from memory.backends.bm25 import Bm25Index
from memory.ports import Embedder, Floats, Keys, LexicalDocument
from memory.text.analysis import query_terms, terms

__all__ = ["BASELINES", "Baselines", "indexed_text"]

DEPTH = 100
"""How many of each list are fused."""

RRF_K = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke & Büttcher 2009)."""

BASELINES: Mapping[str, str] = MappingProxyType(
    {
        "words": "words only (BM25)",
        "dense": "dense only",
        "rrf": "reciprocal rank fusion",
        "minmax": "min-max fusion",
    }
)

_NAMESPACE = "baselines"


class Baselines:
    """The baselines over the records of one conversation.

    Args:
        turns: What is stored.
        vectors: Their vectors, shape (n, dimension), in the same order.
        embedder: What made the vectors; embeds the questions.
    """

    def __init__(self, turns: Sequence[Turn], vectors: Floats, embedder: Embedder) -> None:
        self._gold_ids = [turn.gold_id for turn in turns]
        self._vectors = vectors
        self._embedder = embedder
        self._keys = np.arange(len(turns), dtype=np.int64)
        self._words = Bm25Index(neighbours_weight=0, date_weight=0)
        self._words.put(
            _NAMESPACE,
            [LexicalDocument(key, terms(indexed_text(turn))) for key, turn in enumerate(turns)],
        )

    def rankings(self, query: str, limit: int) -> dict[str, list[str]]:
        """The first ``limit`` gold ids by each of ``BASELINES``."""
        words = self._words.scores(_NAMESPACE, query_terms(query), self._keys)
        dense = self._vectors @ self._embedder.embed([query])[0]
        by_words = _best(words, DEPTH)
        by_words = by_words[words[by_words] > 0]
        by_dense = _best(dense, DEPTH)
        fused = {
            "words": by_words,
            "dense": by_dense,
            "rrf": _reciprocal_rank_fusion(by_words, by_dense),
            "minmax": _min_max_fusion(words, dense, np.union1d(by_words, by_dense)),
        }
        return {
            name: [self._gold_ids[place] for place in places[:limit]]
            for name, places in fused.items()
        }


def indexed_text(turn: Turn) -> str:
    """The text of the record that is embedded and searched, as the memory makes it."""
    return f"{turn.speaker}: {turn.content}" if turn.speaker else turn.content


def _best(scores: Floats, limit: int) -> Keys:
    """The places of the highest scores, best first, ties by place."""
    return np.lexsort((np.arange(len(scores)), -scores))[:limit].astype(np.int64)


def _reciprocal_rank_fusion(*rankings: Keys) -> Keys:
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, place in enumerate(ranking.tolist(), start=1):
            scores[place] = scores.get(place, 0.0) + 1 / (RRF_K + rank)
    best = sorted(scores, key=lambda place: (-scores[place], place))
    return np.array(best, dtype=np.int64)


def _min_max_fusion(words: Floats, dense: Floats, candidates: Keys) -> Keys:
    """Half of each score, scaled to 0..1 over the candidates (Fox & Shaw 1994)."""
    total = _scaled(words[candidates]) + _scaled(dense[candidates])
    return candidates[_best(total.astype(np.float32), len(candidates))]


def _scaled(scores: Floats) -> Floats:
    spread = float(np.ptp(scores)) if len(scores) else 0.0
    return (scores - scores.min()) / np.float32(spread) if spread else np.zeros_like(scores)
