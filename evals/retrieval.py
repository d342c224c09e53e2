"""How much of the evidence recall finds, beside what others would find over the same records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from evals.baselines import BASELINES, Baselines
from evals.bootstrap import estimates, paired_difference
from evals.datasets.conversation import Conversation, Question
from evals.feeding import Fed
from evals.laboratory import Laboratory
from evals.metrics import METRICS, SESSION_METRICS, ranking_metrics, session_metrics
from evals.reports import (
    SUBJECT,
    Group,
    PairedTest,
    QuestionResult,
    RetrievalReport,
    Run,
    Speed,
)
from memory.recall.packing import estimate_tokens

__all__ = ["ALL", "RetrievalSettings", "describe_run", "measure_retrieval"]

ALL = "all"
"""The name of the group of all questions."""

HITS_READ = 10
"""Of how many hits the tokens are counted: as many as recall gives by default."""

WARM_UP = "warm up"

ALL_METRICS = (*METRICS, *SESSION_METRICS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalSettings:
    """How to measure: how many hits to ask for, the seed, and whether beside baselines."""

    set_name: str
    limit: int = 20
    seed: int = 0
    baselines: bool = True


@dataclass(frozen=True, slots=True)
class _Asked:
    result: QuestionResult
    seconds: float
    tokens: int


def measure_retrieval(
    laboratory: Laboratory,
    conversations: Sequence[Conversation],
    fed: Sequence[Fed],
    settings: RetrievalSettings,
    advance: Callable[[int, int], None],
) -> RetrievalReport:
    """Asks every question of its conversation's memory and scores what comes back.

    Args:
        laboratory: The memory.
        conversations: What was stored, and what to ask.
        fed: Where each conversation is.
        settings: How to measure.
        advance: Is told how many questions are done, and of how many.
    """
    total = sum(len(one.scored_questions) for one in conversations)
    asked: list[_Asked] = []
    for conversation, place in zip(conversations, fed, strict=True):
        for one in _ask_all(laboratory, conversation, place.namespace, settings):
            asked.append(one)
            advance(len(asked), total)
    results = [one.result for one in asked]
    return RetrievalReport(
        run=describe_run(laboratory, conversations, settings.set_name, settings.seed, len(results)),
        groups=_groups(results, settings.seed),
        tests=_tests(results, settings.seed),
        speed=_speed(asked, fed),
        results=results,
    )


def describe_run(
    laboratory: Laboratory,
    conversations: Sequence[Conversation],
    set_name: str,
    seed: int,
    questions: int,
) -> Run:
    """What was measured, and with what."""
    return Run(
        set_name=set_name,
        subject=laboratory.subject.description,
        version=version("memoryd"),
        embedder=laboratory.embedder.identity.name,
        seed=seed,
        conversations=len(conversations),
        records=sum(len(one.turns) for one in conversations),
        questions=questions,
    )


def _ask_all(
    laboratory: Laboratory, conversation: Conversation, namespace: str, settings: RetrievalSettings
) -> Iterator[_Asked]:
    """Asks the memory first, so that its times include the embedding of the question."""
    questions = conversation.scored_questions
    if not questions:
        return
    sessions = conversation.sessions
    laboratory.subject.recall(namespace, WARM_UP, settings.limit)
    baselines = laboratory.baselines(conversation, namespace) if settings.baselines else None
    for question in questions:
        answer = laboratory.subject.recall(namespace, question.text, settings.limit, 0.0)
        ranking = [hit.gold_id for hit in answer.hits]
        rankings = {SUBJECT: ranking, **_baseline_rankings(baselines, question, settings.limit)}
        places = [ranking.index(one) + 1 if one in ranking else None for one in question.evidence]
        yield _Asked(
            result=QuestionResult(
                id=question.id,
                category=question.category,
                question=question.text,
                places=places,
                scores={name: _scores(one, question, sessions) for name, one in rankings.items()},
            ),
            seconds=answer.seconds,
            tokens=sum(estimate_tokens(hit.content) for hit in answer.hits[:HITS_READ]),
        )


def _baseline_rankings(
    baselines: Baselines | None, question: Question, limit: int
) -> dict[str, list[str]]:
    return {} if baselines is None else baselines.rankings(question.text, limit)


def _scores(
    ranking: Sequence[str], question: Question, sessions: Mapping[str, str]
) -> dict[str, float]:
    by_session = [sessions[one] for one in ranking]
    wanted = question.sessions or [sessions[one] for one in question.evidence]
    scores = {**ranking_metrics(ranking, question.evidence), **session_metrics(by_session, wanted)}
    return {name: round(score, 6) for name, score in scores.items()}


def _groups(results: Sequence[QuestionResult], seed: int) -> list[Group]:
    """All questions, then each category by name."""
    categories = sorted({one.category for one in results})
    members = [(ALL, list(results))] + [
        (name, [one for one in results if one.category == name]) for name in categories
    ]
    return [_group(name, few, seed) for name, few in members if few]


def _group(name: str, results: Sequence[QuestionResult], seed: int) -> Group:
    rankings = list(results[0].scores)
    values = np.array(
        [
            [one.scores[ranking][metric] for ranking in rankings for metric in ALL_METRICS]
            for one in results
        ]
    )
    found = iter(estimates(values, seed))
    return Group(
        name=name,
        questions=len(results),
        rankings={ranking: {metric: next(found) for metric in ALL_METRICS} for ranking in rankings},
    )


def _tests(results: Sequence[QuestionResult], seed: int) -> list[PairedTest]:
    if not results:
        return []
    return [
        PairedTest(
            baseline=baseline,
            differences={
                metric: paired_difference(
                    [one.scores[SUBJECT][metric] for one in results],
                    [one.scores[baseline][metric] for one in results],
                    seed,
                )
                for metric in METRICS
            },
        )
        for baseline in BASELINES
        if baseline in results[0].scores
    ]


def _speed(asked: Sequence[_Asked], fed: Sequence[Fed]) -> Speed:
    seconds = sum(one.seconds for one in fed)
    times = np.array([one.seconds for one in asked] or [0.0]) * 1000
    tokens = np.array([one.tokens for one in asked] or [0])
    return Speed(
        stored_per_s=round(sum(one.records for one in fed) / seconds, 1) if seconds else 0.0,
        recall_p50_ms=round(float(np.percentile(times, 50)), 2),
        recall_p95_ms=round(float(np.percentile(times, 95)), 2),
        tokens_mean=round(float(tokens.mean()), 1),
        tokens_p95=round(float(np.percentile(tokens, 95)), 1),
    )
