"""Reports as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.table import Table
from rich.text import Text

from evals.baselines import BASELINES
from evals.bootstrap import Difference, Estimate
from evals.comparison import Changed, Comparison
from evals.metrics import METRICS, SESSION_METRICS
from evals.reports import SUBJECT, AbstentionReport, Group, RetrievalReport, Run, Speed

__all__ = ["abstention_tables", "comparison_tables", "retrieval_tables"]

MANY_SESSIONS = "longmemeval"
"""The set whose haystacks have so many sessions that finding the right one is telling."""

TESTED = ("recall@10", "nDCG@10")
"""The metrics whose tests are shown; the report has those of all."""


def retrieval_tables(report: RetrievalReport) -> Iterator[Table | Text]:
    """All rankings over all questions, the memory by category, the tests, the speed."""
    yield _headline(report.run)
    if not report.groups:
        yield Text("No question has both an answer and evidence; there is nothing to score.")
        return
    yield _rankings_table(report.groups[0], METRICS)
    if report.run.set_name == MANY_SESSIONS:
        yield _rankings_table(report.groups[0], SESSION_METRICS)
    yield _categories_table(report)
    if report.tests:
        yield _tests_table(report)
    yield _speed_line(report.speed)


def abstention_tables(report: AbstentionReport) -> Iterator[Table | Text]:
    """How well each kind of never-stored query is told from the answerable ones."""
    yield _headline(report.run)
    table = _table("Never-stored queries", "Queries", "AUROC", "False answers")
    for kind in report.kinds:
        table.add_row(
            kind.name, f"{kind.queries:,}", _interval(kind.auroc), _interval(kind.false_answers)
        )
    yield table
    yield Text(f"Answerable questions still answered: {_interval(report.answered)}")


def comparison_tables(comparison: Comparison) -> Iterator[Table | Text]:
    """Differences, won and lost by category, and the questions that changed most."""
    yield Text(f"{comparison.questions:,} questions in both runs")
    if comparison.only_in_one:
        yield Text(f"{comparison.only_in_one:,} are in one run alone and were left out")
    table = _table("Metric", "Difference", "95 % interval", "p")
    for metric, difference in comparison.differences.items():
        table.add_row(metric, *_difference_cells(difference))
    yield table
    table = _table("Category", "Won", "Lost", "Same")
    for tally in comparison.tallies:
        table.add_row(tally.category, f"{tally.won:,}", f"{tally.lost:,}", f"{tally.same:,}")
    yield table
    for title, changed in (("Worst losses", comparison.losses), ("Best wins", comparison.wins)):
        if changed:
            yield _changed_table(title, changed)


def _headline(run: Run) -> Text:
    return Text(
        f"{run.set_name}: {run.questions:,} questions over {run.records:,} records in "
        f"{run.conversations:,} conversations; memoryd {run.version}, {run.subject}"
    )


def _table(first: str, *others: str, title: str | None = None) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _rankings_table(group: Group, metrics: tuple[str, ...]) -> Table:
    table = _table("Ranking", *metrics)
    for ranking, found in group.rankings.items():
        style = "bold" if ranking == SUBJECT else ""
        label = BASELINES.get(ranking, ranking)
        table.add_row(label, *(_interval(found[metric]) for metric in metrics), style=style)
    return table


def _categories_table(report: RetrievalReport) -> Table:
    table = _table("Category", "Questions", *METRICS, title="memoryd by category")
    for group in report.groups:
        found: Mapping[str, Estimate] = group.rankings[SUBJECT]
        table.add_row(
            group.name, f"{group.questions:,}", *(_interval(found[metric]) for metric in METRICS)
        )
    return table


def _tests_table(report: RetrievalReport) -> Table:
    table = _table(
        "memoryd against", "Metric", "Difference", "95 % interval", "p", title="Paired bootstrap"
    )
    for test in report.tests:
        for metric in TESTED:
            cells = _difference_cells(test.differences[metric])
            table.add_row(BASELINES[test.baseline], metric, *cells)
        table.add_section()
    return table


def _speed_line(speed: Speed) -> Text:
    return Text(
        f"Stored {speed.stored_per_s:,.0f} records/s; recall p50 {speed.recall_p50_ms:.1f} ms, "
        f"p95 {speed.recall_p95_ms:.1f} ms; the first 10 hits have {speed.tokens_mean:,.0f} tokens "
        f"on average, {speed.tokens_p95:,.0f} at the 95th percentile"
    )


def _changed_table(title: str, changed: list[Changed]) -> Table:
    table = _table("Question", "Category", "Places before", "after", "Change", title=title)
    for one in changed:
        table.add_row(
            Text(f"{one.question} ({one.id})"),
            one.category,
            _places(one.before),
            _places(one.after),
            f"{one.change:+.3f}",
        )
    return table


def _places(places: list[int | None]) -> str:
    return ", ".join("-" if place is None else str(place) for place in places)


def _interval(found: Estimate) -> str:
    return f"{found.mean:.3f} ({found.low:.3f}-{found.high:.3f})"


def _difference_cells(found: Difference) -> tuple[str, str, str]:
    p = "< 0.001" if found.p < 0.001 else f"{found.p:.3f}"
    return f"{found.mean:+.3f}", f"{found.low:+.3f} to {found.high:+.3f}", p
