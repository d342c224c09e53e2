"""The picture of a retrieval report: recall by category, with baselines and intervals.

matplotlib is loaded only here and only when a picture is drawn; it comes with the extra ``evals``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from evals.baselines import BASELINES
from evals.bootstrap import Estimate
from evals.metrics import CUTOFFS
from evals.reports import SUBJECT, Group, RetrievalReport, Run
from memory.errors import Unavailable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_retrieval"]


class _Look(NamedTuple):
    label: str
    colour: str
    marker: str
    size: float


LOOKS = {
    SUBJECT: _Look("memoryd", "#0b5fa5", "o", 8.5),
    "minmax": _Look(BASELINES["minmax"], "#d9822b", "s", 5.0),
    "rrf": _Look(BASELINES["rrf"], "#8a6fb3", "D", 4.6),
    "words": _Look(BASELINES["words"], "#5b9a68", "^", 5.6),
    "dense": _Look(BASELINES["dense"], "#9a9a9a", "v", 5.6),
}
"""From top to bottom within a category; colours that also differ in lightness."""

TITLES = {
    "jsonl": "JSON lines",
    "locomo": "LoCoMo",
    "beam": "BEAM",
    "longmemeval": "LongMemEval",
}
INK = "#222222"
FAINT = "#e6e6e6"
ROW_INCHES = 0.78
SPREAD = 0.66
"""The part of a row's height that its markers take."""


def draw_retrieval(report: RetrievalReport, path: Path) -> None:
    """Draws the picture as a PNG; the categories are rows, the cutoffs columns.

    Raises:
        Unavailable: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - see above
        from matplotlib.figure import Figure as NewFigure  # noqa: PLC0415 - see above
    except ImportError as error:
        message = "pictures need matplotlib: install 'memoryd[evals]', or give --no-picture"
        raise Unavailable(message) from error
    height = ROW_INCHES * len(report.groups) + 1.7
    figure = NewFigure(figsize=(11, height), dpi=160, facecolor="white")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(CUTOFFS), sharey=True, squeeze=False)[0]
    for panel, cutoff in zip(panels, CUTOFFS, strict=True):
        _draw_panel(panel, report.groups, cutoff)
    _label_rows(panels[0], report.groups)
    _place(figure, height)
    _write_heading(figure, report.run, height)
    _write_legend(figure, panels[0], height)
    figure.savefig(path)


def _place(figure: Figure, height: float) -> None:
    top = 1 - 1.02 / height
    figure.subplots_adjust(left=0.17, right=0.985, top=top, bottom=0.5 / height, wspace=0.06)


def _write_heading(figure: Figure, run: Run, height: float) -> None:
    y = 1 - 0.32 / height
    title = (
        f"Share of all evidence among the first k hits: {TITLES.get(run.set_name, run.set_name)}"
    )
    figure.text(0.012, y, title, fontsize=14, fontweight="bold", color=INK)
    size = f"{run.questions:,} questions, {run.records:,} records; bars are 95 % intervals"
    figure.text(0.988, y, size, fontsize=9, color="#666666", ha="right")


def _write_legend(figure: Figure, panel: Axes, height: float) -> None:
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(0.004, 1 - 0.4 / height),
        ncols=len(labels),
        frameon=False,
        fontsize=9.5,
        handletextpad=0.4,
        columnspacing=1.8,
    )


def _draw_panel(panel: Axes, groups: list[Group], cutoff: int) -> None:
    metric = f"recall@{cutoff}"
    shown = [name for name in LOOKS if name in groups[0].rankings]
    for row, group in enumerate(groups):
        if row % 2 == 0:
            panel.axhspan(row - 0.5, row + 0.5, color="#f6f7f9", zorder=0)
        for place, name in enumerate(shown):
            offset = SPREAD * (place / (len(shown) - 1) - 0.5) if len(shown) > 1 else 0.0
            _draw_estimate(panel, name, group.rankings[name][metric], row + offset)
    _style(panel, metric, len(groups))


def _draw_estimate(panel: Axes, name: str, found: Estimate, y: float) -> None:
    look = LOOKS[name]
    labelled = panel.get_legend_handles_labels()[1]
    panel.errorbar(
        [found.mean],
        [y],
        xerr=[[found.mean - found.low], [found.high - found.mean]],
        fmt=look.marker,
        color=look.colour,
        markersize=look.size,
        markeredgecolor="white",
        markeredgewidth=0.8,
        elinewidth=2.4 if name == SUBJECT else 1.3,
        capsize=0,
        label=None if look.label in labelled else look.label,
        zorder=3 if name == SUBJECT else 2,
    )


def _style(panel: Axes, title: str, rows: int) -> None:
    panel.set_title(title, fontsize=11, color=INK, pad=6)
    panel.set_xlim(0, 1.02)
    panel.set_ylim(rows - 0.5, -0.5)
    panel.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0], ["0", ".2", ".4", ".6", ".8", "1"])
    panel.tick_params(length=0, labelsize=9.5, labelcolor="#444444")
    panel.grid(axis="x", color=FAINT, linewidth=0.9)
    panel.set_axisbelow(True)
    for spine in panel.spines.values():
        spine.set_visible(False)


def _label_rows(panel: Axes, groups: list[Group]) -> None:
    panel.set_yticks(
        range(len(groups)),
        [f"{group.name}\n{group.questions:,} questions" for group in groups],
        linespacing=1.25,
    )
    for row, label in enumerate(panel.get_yticklabels()):
        label.set_fontsize(10)
        label.set_color(INK)
        label.set_fontweight("bold" if row == 0 else "normal")
