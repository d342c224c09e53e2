"""What one run won and lost against another."""

from __future__ import annotations

import pytest

from evals.comparison import compare
from evals.metrics import ranking_metrics
from evals.reports import SUBJECT, QuestionResult, RetrievalReport, Run, Speed
from memory.errors import InvalidInput

RUN = Run(
    set_name="jsonl",
    subject="in process",
    version="0",
    embedder="hashing",
    seed=0,
    conversations=1,
    records=9,
    questions=3,
)
SPEED = Speed(stored_per_s=1, recall_p50_ms=1, recall_p95_ms=1, tokens_mean=1, tokens_p95=1)


def result(name: str, place: int | None, category: str = "facts") -> QuestionResult:
    ranking = ["x"] * 30
    if place is not None:
        ranking[place - 1] = "gold"
    return QuestionResult(
        id=name,
        category=category,
        question=f"{name}?",
        places=[place],
        scores={SUBJECT: dict(ranking_metrics(ranking, ["gold"]))},
    )


def report(*results: QuestionResult) -> RetrievalReport:
    return RetrievalReport(run=RUN, groups=[], tests=[], speed=SPEED, results=list(results))


def test_questions_are_won_lost_or_the_same() -> None:
    before = report(result("a", 1), result("b", None), result("c", 4, "notes"))
    after = report(result("a", 15), result("b", 2), result("c", 4, "notes"))
    found = compare(before, after, seed=0, most=10)
    counts = {one.category: (one.won, one.lost, one.same) for one in found.tallies}
    assert counts == {"all": (1, 1, 1), "facts": (1, 1, 0), "notes": (0, 0, 1)}
    assert [one.id for one in found.losses] == ["a"]
    assert (found.losses[0].before, found.losses[0].after) == ([1], [15])


def test_a_better_place_within_the_first_ten_is_a_win() -> None:
    found = compare(report(result("a", 9)), report(result("a", 1)), seed=0, most=10)
    assert [one.id for one in found.wins] == ["a"]


def test_the_worst_losses_come_first_and_only_so_many() -> None:
    before = report(result("a", 1), result("b", 1), result("c", 2))
    after = report(result("a", 3), result("b", None), result("c", 5))
    found = compare(before, after, seed=0, most=2)
    assert [one.id for one in found.losses] == ["b", "a"]


def test_a_run_against_itself_changes_nothing() -> None:
    same = report(result("a", 1), result("b", 7))
    found = compare(same, same, seed=0, most=10)
    assert all(one.mean == 0 and one.p == 1 for one in found.differences.values())
    assert not found.losses
    assert not found.wins


def test_questions_of_one_run_alone_are_counted_and_left_out() -> None:
    found = compare(report(result("a", 1), result("b", 1)), report(result("a", 1)), seed=0, most=1)
    assert (found.questions, found.only_in_one) == (1, 1)


def test_runs_of_different_sets_cannot_be_compared() -> None:
    with pytest.raises(InvalidInput, match="no question in common"):
        compare(report(result("a", 1)), report(result("z", 1)), seed=0, most=1)
