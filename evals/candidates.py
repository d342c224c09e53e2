"""What recall knows when it ranks: the candidates of each question with their raw features.

This looks inside. Measurements go through the public tools (``evals.retrieval``); learning weights,
and leaving parts out, needs what stands before the ranking. The memory's own classes make it, over
the store that was fed, so that ranking what is collected here gives what recall answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evals.datasets.conversation import Conversation, Question
from evals.feeding import Fed
from evals.laboratory import Laboratory, gold_ids_by_key
from evals.metrics import CUTOFFS, METRICS, ranking_metrics
from memory.embedded import embedded_vectors, embedded_words
from memory.errors import InvalidInput
from memory.ports import Embedder, Keys, RecordStore
from memory.recall.features import FeatureMaker, Query
from memory.recall.late_interaction import LateInteraction
from memory.recall.projection import Projections
from memory.recall.ranking import Candidates, Weights, rank
from memory.recall.search import CANDIDATES_MIN, CANDIDATES_PER_HIT
from memory.text.analysis import query_terms

__all__ = ["OVERALL", "Example", "collect_examples", "mean_scores", "scores_of"]

DEPTH = max(CANDIDATES_MIN, CANDIDATES_PER_HIT * max(CUTOFFS))
"""How many each search finds: as many as for a recall of the longest list that is scored."""

OVERALL = "all"
"""The name of the mean over the questions of all sets."""

Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One question with its candidates.

    ``by_words`` and ``by_vector`` say which search found each candidate, both of shape (n,).
    ``gold_ids`` names every record of the conversation by its key.
    """

    set_name: str
    conversation: str
    question: Question
    candidates: Candidates
    by_words: Marks
    by_vector: Marks
    gold_ids: Mapping[int, str]

    @property
    def relevant(self) -> Marks:
        """Which candidates are evidence, shape (n,)."""
        evidence = set(self.question.evidence)
        keys = self.candidates.keys.tolist()
        return np.array([self.gold_ids[key] in evidence for key in keys], np.bool_)

    @property
    def has_tokens(self) -> bool:
        """Whether the features of late interaction are known."""
        return "late" in self.candidates.features


def scores_of(
    example: Example, weights: Weights, among: Marks | None = None
) -> Mapping[str, float]:
    """All of ``evals.metrics.METRICS`` when the candidates are ranked by these weights.

    Args:
        example: The question.
        weights: What each feature counts.
        among: Rank only these candidates, shape (n,); their features stay as they are.
    """
    candidates = example.candidates if among is None else _only(example.candidates, among)
    best = rank(candidates, weights).keys[: max(CUTOFFS)]
    return ranking_metrics(
        [example.gold_ids[key] for key in best.tolist()], example.question.evidence
    )


def mean_scores(
    examples: Sequence[Example], scores: Sequence[Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """The mean of each metric over the questions of each set, and of all when there are several."""
    sets = list(dict.fromkeys(example.set_name for example in examples))
    members = {name: [example.set_name == name for example in examples] for name in sets}
    if len(sets) > 1:
        members[OVERALL] = [True] * len(examples)
    table = np.array([[one[metric] for metric in METRICS] for one in scores])
    return {
        name: dict(zip(METRICS, np.round(table[marks].mean(axis=0), 6).tolist(), strict=True))
        for name, marks in members.items()
    }


def collect_examples(
    laboratory: Laboratory,
    conversations: Sequence[Conversation],
    fed: Sequence[Fed],
    set_name: str,
    advance: Callable[[int, int], None],
) -> list[Example]:
    """The candidates of every scored question.

    Args:
        laboratory: The memory; it must be in this process.
        conversations: What was stored, and what to ask.
        fed: Where each conversation is.
        set_name: The data set.
        advance: Is told how many questions are done, and of how many.

    Raises:
        InvalidInput: The memory is not in this process.
    """
    if laboratory.store is None:
        raise InvalidInput("server: the inside of a running server cannot be seen", "server")
    collector = _Collector(laboratory.store, laboratory.embedder)
    total = sum(len(one.scored_questions) for one in conversations)
    examples: list[Example] = []
    for conversation, place in zip(conversations, fed, strict=True):
        for example in collector.examples(set_name, conversation, place.namespace):
            examples.append(example)
            advance(len(examples), total)
    return examples


class _Collector:
    """The search of a memory up to the ranking, over projections of its own."""

    def __init__(self, store: RecordStore, embedder: Embedder) -> None:
        model = embedder.identity.name
        late = LateInteraction(store, model)
        self._store = store
        self._embedder = embedder
        self._vectors = embedded_vectors(embedder.identity.dimension)
        self._words = embedded_words()
        self._projections = Projections(store, self._vectors, self._words, late, model)
        self._features = FeatureMaker(self._vectors, self._words, late)

    def examples(
        self, set_name: str, conversation: Conversation, namespace: str
    ) -> Iterator[Example]:
        gold_ids = gold_ids_by_key(self._store, namespace)
        for question in conversation.scored_questions:
            encoding = self._embedder.encode([question.text])[0]
            query = Query(query_terms(question.text), encoding)
            with self._projections.reading(namespace) as view:
                by_words, by_vector = self._found(namespace, query)
                keys = np.union1d(by_words, by_vector)
                candidates = self._features.candidates(view, query, keys)
            yield Example(
                set_name=set_name,
                conversation=conversation.id,
                question=question,
                candidates=candidates,
                by_words=np.isin(keys, by_words),
                by_vector=np.isin(keys, by_vector),
                gold_ids=gold_ids,
            )

    def _found(self, namespace: str, query: Query) -> tuple[Keys, Keys]:
        """The keys found by words and those found by vector."""
        by_words = self._words.search(namespace, query.terms, DEPTH, None).keys
        if query.encoding is None:
            return by_words, by_words[:0]
        vector = query.encoding.vector
        return by_words, self._vectors.search(namespace, vector, DEPTH, None).keys


def _only(candidates: Candidates, among: Marks) -> Candidates:
    return Candidates(
        candidates.keys[among],
        candidates.lengths[among],
        {name: values[among] for name, values in candidates.features.items()},
    )
