"""Whether recall says nothing when it knows nothing, and still answers when it knows.

Two kinds of queries that nothing stored answers are told apart: those made to sound like the
conversation (the set's own unanswerable questions), and questions about other conversations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evals.bootstrap import RESAMPLES, Estimate, estimate
from evals.datasets.conversation import Conversation, Question
from evals.feeding import Fed
from evals.laboratory import Laboratory
from evals.metrics import auroc
from evals.reports import AbstentionReport, Kind
from evals.retrieval import describe_run

__all__ = ["FOREIGN", "LOOKALIKE", "measure_abstention"]

ANSWERABLE = "answerable"
LOOKALIKE = "unanswerable, about this conversation"
FOREIGN = "about another conversation"

AUROC_RESAMPLES = RESAMPLES // 10


@dataclass(frozen=True, slots=True)
class _Query:
    kind: str
    namespace: str
    text: str


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The best confidence that any hit has, and whether the default threshold lets one through."""

    kind: str
    confidence: float
    answered: bool


def measure_abstention(
    laboratory: Laboratory,
    conversations: Sequence[Conversation],
    fed: Sequence[Fed],
    *,
    set_name: str,
    foreign: int,
    seed: int,
    advance: Callable[[int, int], None],
) -> AbstentionReport:
    """Asks answerable and never-stored questions, and compares how sure recall is of each.

    Args:
        laboratory: The memory.
        conversations: What was stored, and what to ask.
        fed: Where each conversation is.
        set_name: The data set, for the report.
        foreign: How many questions of other conversations to ask of each.
        seed: Which of those are drawn, and the bootstrap.
        advance: Is told how many queries are done, and of how many.
    """
    queries = list(_queries(conversations, fed, foreign, seed))
    outcomes = []
    for done, query in enumerate(queries, start=1):
        outcomes.append(_ask(laboratory, query))
        advance(done, len(queries))
    by_kind = {
        kind: [one for one in outcomes if one.kind == kind]
        for kind in (ANSWERABLE, LOOKALIKE, FOREIGN)
    }
    answerable = by_kind[ANSWERABLE]
    return AbstentionReport(
        run=describe_run(laboratory, conversations, set_name, seed, len(queries)),
        answered=estimate([one.answered for one in answerable], seed),
        kinds=[
            _kind(kind, answerable, by_kind[kind], seed)
            for kind in (LOOKALIKE, FOREIGN)
            if by_kind[kind]
        ],
    )


def _queries(
    conversations: Sequence[Conversation], fed: Sequence[Fed], foreign: int, seed: int
) -> Iterator[_Query]:
    random = np.random.default_rng(seed)
    for conversation, place in zip(conversations, fed, strict=True):
        for question in conversation.scored_questions:
            yield _Query(ANSWERABLE, place.namespace, question.text)
        for question in conversation.unanswerable_questions:
            yield _Query(LOOKALIKE, place.namespace, question.text)
        others = _foreign_questions(conversation, conversations)
        count = min(foreign, len(others))
        for index in sorted(random.choice(len(others), count, replace=False)) if count else ():
            yield _Query(FOREIGN, place.namespace, others[index].text)


def _foreign_questions(
    conversation: Conversation, conversations: Sequence[Conversation]
) -> list[Question]:
    """Questions of the others, without those whose evidence happens to be stored here too."""
    here = conversation.sessions.keys()
    return [
        question
        for other in conversations
        if other.id != conversation.id
        for question in other.scored_questions
        if not here & set(question.evidence)
    ]


def _ask(laboratory: Laboratory, query: _Query) -> _Outcome:
    everything = laboratory.subject.recall(query.namespace, query.text, 10, 0.0)
    shown = laboratory.subject.recall(query.namespace, query.text, 10)
    confidence = max((hit.confidence for hit in everything.hits), default=0.0)
    return _Outcome(query.kind, confidence, bool(shown.hits))


def _kind(
    name: str, answerable: Sequence[_Outcome], never_stored: Sequence[_Outcome], seed: int
) -> Kind:
    return Kind(
        name=name,
        queries=len(never_stored),
        auroc=_auroc_estimate(
            np.array([one.confidence for one in answerable]),
            np.array([one.confidence for one in never_stored]),
            seed,
        ),
        false_answers=estimate([one.answered for one in never_stored], seed),
    )


def _auroc_estimate(
    positives: np.ndarray[tuple[int], np.dtype[np.float64]],
    negatives: np.ndarray[tuple[int], np.dtype[np.float64]],
    seed: int,
) -> Estimate:
    """The area under the curve; its interval draws both kinds of queries anew."""
    random = np.random.default_rng(seed)
    drawn = [
        auroc(
            random.choice(positives, len(positives)),
            random.choice(negatives, len(negatives)),
        )
        for _ in range(AUROC_RESAMPLES)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(
        mean=round(auroc(positives, negatives), 6),
        low=round(float(low), 6),
        high=round(float(high), 6),
    )
