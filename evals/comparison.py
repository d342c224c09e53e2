"""What changed between two runs, question by question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

from evals.bootstrap import Difference, paired_difference
from evals.metrics import METRICS
from evals.reports import SUBJECT, QuestionResult, RetrievalReport
from memory.errors import InvalidInput

__all__ = ["Changed", "Comparison", "Tally", "compare"]

JUDGED_BY = ("recall@10", "nDCG@10")
"""A question is won or lost by the first of these that differs."""


class Tally(BaseModel):
    """How many questions of a category were won, lost and stayed the same."""

    category: str
    won: int
    lost: int
    same: int


class Changed(BaseModel):
    """One question whose result differs; places count from 1, ``None`` is not among the hits."""

    id: str
    category: str
    question: str
    before: list[int | None]
    after: list[int | None]
    change: float


class Comparison(BaseModel):
    """The second run against the first, over the questions that both hold."""

    kind: Literal["comparison"] = "comparison"
    questions: int
    only_in_one: int
    differences: dict[str, Difference]
    tallies: list[Tally]
    losses: list[Changed]
    wins: list[Changed]


def compare(before: RetrievalReport, after: RetrievalReport, *, seed: int, most: int) -> Comparison:
    """Says what the second run won and lost.

    Args:
        before: The first run.
        after: The second run.
        seed: Of the bootstrap.
        most: How many of the largest losses, and of the largest wins, to list.

    Raises:
        InvalidInput: The runs have no question in common.
    """
    earlier = {one.id: one for one in before.results}
    pairs = [(earlier[one.id], one) for one in after.results if one.id in earlier]
    if not pairs:
        raise InvalidInput("the two reports have no question in common; compare runs of one set")
    changed = [_changed(first, second) for first, second in pairs]
    by_change = sorted(changed, key=lambda one: (one.change, one.id))
    differences = {
        metric: paired_difference(
            [second.scores[SUBJECT][metric] for _, second in pairs],
            [first.scores[SUBJECT][metric] for first, _ in pairs],
            seed,
        )
        for metric in METRICS
    }
    return Comparison(
        questions=len(pairs),
        only_in_one=len(before.results) + len(after.results) - 2 * len(pairs),
        differences=differences,
        tallies=_tallies(changed),
        losses=[one for one in by_change if one.change < 0][:most],
        wins=[one for one in reversed(by_change) if one.change > 0][:most],
    )


def _changed(before: QuestionResult, after: QuestionResult) -> Changed:
    gaps = [after.scores[SUBJECT][one] - before.scores[SUBJECT][one] for one in JUDGED_BY]
    change = next((gap for gap in gaps if gap), 0.0)
    return Changed(
        id=after.id,
        category=after.category,
        question=after.question,
        before=before.places,
        after=after.places,
        change=round(change, 6),
    )


def _tallies(changed: Sequence[Changed]) -> list[Tally]:
    categories = sorted({one.category for one in changed})
    groups = [("all", list(changed))] + [
        (name, [one for one in changed if one.category == name]) for name in categories
    ]
    return [
        Tally(
            category=name,
            won=sum(one.change > 0 for one in group),
            lost=sum(one.change < 0 for one in group),
            same=sum(one.change == 0 for one in group),
        )
        for name, group in groups
    ]
