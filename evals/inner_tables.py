"""What was learned, and what parts are worth, as tables for the terminal, Markdown and Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from evals.ablation import ALONE, CHANGE_IN, LEFT_OUT
from evals.bootstrap import Estimate
from evals.metrics import CUTOFFS
from evals.reports import (
    AblationReport,
    DataUsed,
    LearnedWeights,
    TrainingReport,
    VariantScores,
)

__all__ = ["ablation_markdown", "ablation_tables", "training_tables", "weights_as_python"]

RECALLS = tuple(f"recall@{cutoff}" for cutoff in CUTOFFS)
SHOWN = (*RECALLS, "nDCG@10")
WORDS_OF_GROUP = {LEFT_OUT: "without", ALONE: "only"}


@dataclass(frozen=True, slots=True)
class _Cells:
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def training_tables(report: TrainingReport) -> Iterator[Table | Text]:
    """How good the learned weights are, then the weights themselves."""
    yield Text(f"Learned from {_sets_line(report.sets)}")
    for learned in report.weights:
        yield _rich(_learned_cells(learned))
    yield Text(weights_as_python(report, "trained"))


def ablation_tables(report: AblationReport) -> Iterator[Table | Text]:
    """A table for each data set."""
    yield Text(f"Measured on {_sets_line(report.sets)}")
    for cells in _ablation_cells(report):
        yield _rich(cells)


def ablation_markdown(report: AblationReport) -> str:
    """The same tables in Markdown."""
    return "\n\n".join(_markdown(cells) for cells in _ablation_cells(report))


def weights_as_python(report: TrainingReport, version: str) -> str:
    """The weights in the form of ``memory/recall/weights.py``."""
    return "\n".join(line for one in report.weights for line in _python_lines(one, version))


def _sets_line(sets: Sequence[DataUsed]) -> str:
    return ", ".join(
        f"{one.set_name} ({one.questions:,} questions, {one.conversations:,} conversations, "
        f"weight {one.weight:g})"
        for one in sets
    )


def _learned_cells(learned: LearnedWeights) -> _Cells:
    kinds = {
        "learned, own conversation left out": learned.left_out,
        "learned, in sample": learned.in_sample,
        "shipped": learned.shipped,
    }
    return _Cells(
        title="With token vectors" if learned.with_tokens else "Without token vectors",
        header=("Set", "Weights", *SHOWN),
        rows=[
            (name, kind, *_numbers(by_set[name]))
            for name in learned.left_out
            for kind, by_set in kinds.items()
        ],
    )


def _ablation_cells(report: AblationReport) -> Iterator[_Cells]:
    for one in report.sets:
        yield _Cells(
            title=f"{one.set_name}: {one.questions:,} questions",
            header=("Ranking", *SHOWN, f"Change in {CHANGE_IN} (95 % interval)"),
            rows=[
                (
                    _label(variant),
                    *_numbers(variant.scores[one.set_name]),
                    _change(variant.change[one.set_name]) if place else "",
                )
                for place, variant in enumerate(report.variants)
                if one.set_name in variant.scores
            ],
        )


def _label(variant: VariantScores) -> str:
    word = WORDS_OF_GROUP.get(variant.group)
    return f"{word} `{variant.name}`" if word else variant.name


def _numbers(scores: Mapping[str, float]) -> list[str]:
    return [f"{scores[metric]:.3f}" for metric in SHOWN]


def _change(found: Estimate) -> str:
    return f"{found.mean:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


def _rich(cells: _Cells) -> Table:
    table = Table(title=cells.title, title_justify="left", title_style="bold")
    for name in cells.header:
        table.add_column(name, justify="left" if name in {"Set", "Weights", "Ranking"} else "right")
    for row in cells.rows:
        table.add_row(*row)
    return table


def _markdown(cells: _Cells) -> str:
    lines = [cells.header, ("---", *["--:"] * (len(cells.header) - 1)), *cells.rows]
    return "\n".join([f"**{cells.title}**", "", *(f"| {' | '.join(line)} |" for line in lines)])


def _python_lines(learned: LearnedWeights, version: str) -> Iterator[str]:
    name, suffix = (
        ("WITH_TOKENS", "") if learned.with_tokens else ("WITHOUT_TOKENS", "-without-tokens")
    )
    yield f"{name} = Weights("
    yield f'    version="{version}{suffix}",'
    for field, weights in (("short_data", learned.short_data), ("long_data", learned.long_data)):
        yield f"    {field}={{"
        yield from (f'        "{feature}": {weight:.2f},' for feature, weight in weights.items())
        yield "    },"
    yield ")"
