"""The console script ``memoryd-eval``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

import click
from pydantic import BaseModel
from rich.console import Console, RenderableType

from evals.ablation import measure_ablation
from evals.abstention import measure_abstention
from evals.candidates import Example, collect_examples
from evals.comparison import compare
from evals.inner_tables import ablation_markdown, ablation_tables, training_tables
from evals.options import (
    CommandWithExamples,
    SeveralSets,
    Where,
    json_option,
    opened,
    several_sets_options,
    shares_option,
    where_options,
)
from evals.picture import draw_retrieval
from evals.progress import progress_bar
from evals.reports import DataUsed, read_retrieval_report, write_report
from evals.retrieval import RetrievalSettings, measure_retrieval
from evals.tables import abstention_tables, comparison_tables, retrieval_tables
from evals.token_axes import axes_file, principal_axes, sample_texts
from evals.training import train
from memory.embedding.minilm import MiniLmEmbedder
from memory.errors import InvalidInput, MemorydError

__all__ = ["main"]

NAME = "memoryd-eval"
WIDTH_WITHOUT_TERMINAL = 160
CHECKOUT = Path(__file__).parents[1]


class CommandLine(click.Group):
    """The group of all commands: turns errors into one sentence and status 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except MemorydError as error:
            raise click.ClickException(error.message) from error


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="memoryd", prog_name=NAME)
def command_line() -> None:
    """Measure how well a memory answers, on named data, beside baselines.

    What is stored for a measurement is kept in the output folder (encrypted), so that an
    interrupted run goes on where it was and a repeated one does not store again. Questions are
    always asked anew.
    """


@command_line.command(
    "retrieval",
    cls=CommandWithExamples,
    examples=(
        "memoryd-eval retrieval",
        "memoryd-eval retrieval --set locomo --data locomo10.json",
        "memoryd-eval retrieval --set beam --data beam/100K --conversations 2 --json",
        "memoryd-eval retrieval --server http://127.0.0.1:8765",
    ),
)
@where_options
@click.option(
    "--limit",
    type=click.IntRange(20, 100),
    default=20,
    show_default=True,
    help="How many hits to ask for.",
)
@click.option(
    "--baselines/--no-baselines",
    default=True,
    show_default=True,
    help="Rank the same records in plain ways too, and test against them.",
)
@click.option("--picture/--no-picture", default=True, show_default=True, help="Draw retrieval.png.")
@json_option
def retrieval(
    *, limit: int, baselines: bool, picture: bool, as_json: bool, **where_arguments: object
) -> None:
    """How much of the evidence recall finds: recall@k, nDCG, MRR, speed.

    Writes retrieval.json and retrieval.png into the output folder.
    """
    where = Where(**where_arguments)  # type: ignore[arg-type]  # click has checked the types
    settings = RetrievalSettings(
        set_name=where.set_name, limit=limit, seed=where.seed, baselines=baselines
    )
    with opened(where) as ready, progress_bar("Asking") as advance:
        report = measure_retrieval(
            ready.laboratory, ready.conversations, ready.fed, settings, advance
        )
    written = [where.folder / "retrieval.json"]
    write_report(report, written[0])
    if picture and report.groups:
        written.append(where.folder / "retrieval.png")
        draw_retrieval(report, written[1])
    _show(report, retrieval_tables(report), as_json=as_json)
    _say_written(written)


@command_line.command(
    "abstention",
    cls=CommandWithExamples,
    examples=(
        "memoryd-eval abstention",
        "memoryd-eval abstention --set locomo --data locomo10.json --foreign 100",
    ),
)
@where_options
@click.option(
    "--foreign",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Questions of other conversations to ask of each.",
)
@json_option
def abstention(*, foreign: int, as_json: bool, **where_arguments: object) -> None:
    """Whether recall says nothing when it knows nothing, and still answers what it knows.

    Writes abstention.json into the output folder.
    """
    where = Where(**where_arguments)  # type: ignore[arg-type]  # click has checked the types
    with opened(where) as ready, progress_bar("Asking") as advance:
        report = measure_abstention(
            ready.laboratory,
            ready.conversations,
            ready.fed,
            set_name=where.set_name,
            foreign=foreign,
            seed=where.seed,
            advance=advance,
        )
    path = where.folder / "abstention.json"
    write_report(report, path)
    _show(report, abstention_tables(report), as_json=as_json)
    _say_written([path])


@command_line.command(
    "compare",
    cls=CommandWithExamples,
    examples=("memoryd-eval compare before/retrieval.json after/retrieval.json --most 20",),
)
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option(
    "--most",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="How many of the worst losses and of the best wins to list.",
)
@click.option("--seed", default=0, show_default=True, help="Of the bootstrap.")
@json_option
def compare_command(*, before: Path, after: Path, most: int, seed: int, as_json: bool) -> None:
    """What AFTER won and lost against BEFORE, question by question.

    Both are files that `memoryd-eval retrieval` wrote.
    """
    comparison = compare(
        read_retrieval_report(before), read_retrieval_report(after), seed=seed, most=most
    )
    _show(comparison, comparison_tables(comparison), as_json=as_json)


@command_line.command(
    "train",
    cls=CommandWithExamples,
    examples=(
        "memoryd-eval train --from locomo=locomo10.json --from beam=beam/100K --share beam=0.5",
    ),
)
@several_sets_options
@shares_option
@json_option
def train_command(*, shares: dict[str, float], as_json: bool, **sets_arguments: object) -> None:
    """Learn the weights of recall's ranking from data sets: training on internals.

    Tells how good they are with one conversation left out at a time. Writes weights.json into the
    output folder; nothing that is installed changes.
    """
    several = SeveralSets(**sets_arguments)  # type: ignore[arg-type]  # click has checked the types
    examples, used = _collected(several, shares)
    with progress_bar("Learning") as advance:
        report = train(examples, used, advance)
    path = several.folder / "weights.json"
    write_report(report, path)
    _show(report, training_tables(report), as_json=as_json)
    _say_written([path])


@command_line.command(
    "ablation",
    cls=CommandWithExamples,
    examples=(
        "memoryd-eval ablation --from jsonl",
        "memoryd-eval ablation --from locomo=locomo10.json --from beam=beam/100K --markdown",
    ),
)
@several_sets_options
@click.option("--markdown", is_flag=True, help="Print the tables in Markdown.")
@json_option
def ablation(*, markdown: bool, as_json: bool, **sets_arguments: object) -> None:
    """What each feature and stage of recall's ranking is worth: what is lost without it.

    Looks inside, with the weights as shipped. Writes ablation.json into the output folder.
    """
    several = SeveralSets(**sets_arguments)  # type: ignore[arg-type]  # click has checked the types
    examples, used = _collected(several, {})
    with progress_bar("Ranking") as advance:
        report = measure_ablation(examples, used, advance)
    path = several.folder / "ablation.json"
    write_report(report, path)
    if markdown and not as_json:
        click.echo(ablation_markdown(report))
    else:
        _show(report, ablation_tables(report), as_json=as_json)
    _say_written([path])


@command_line.command(
    "token-axes",
    cls=CommandWithExamples,
    examples=("memoryd-eval token-axes --output minilm_token_axes.npy",),
)
@click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where the axes go, in numpy's format.",
)
@click.option(
    "--root",
    default=CHECKOUT,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="The checkout whose texts are used.  [default: the one that this is run from]",
)
def token_axes(*, output: Path, root: Path) -> None:
    """Compute the axes along which the default model's token vectors are kept.

    They are the principal components over the texts of memoryd's own samples and documentation.
    Prints the SHA-256 of the file, by which the embedder knows it.
    """
    texts = sample_texts(root)
    with closing(MiniLmEmbedder(late_interaction=False)) as embedder:
        content = axes_file(principal_axes(embedder.token_vectors(texts)))
    output.write_bytes(content)
    click.echo(hashlib.sha256(content).hexdigest())
    _say_written([output])


def _collected(
    several: SeveralSets, shares: Mapping[str, float]
) -> tuple[list[Example], list[DataUsed]]:
    """The candidates of all questions of all sets, and what the sets are."""
    sets = several.each()
    unknown = shares.keys() - {where.set_name for where in sets}
    if unknown:
        raise InvalidInput(f"share: {', '.join(sorted(unknown))} is not among --from", "share")
    examples: list[Example] = []
    used = []
    for where in sets:
        with opened(where) as ready, progress_bar("Looking") as advance:
            found = collect_examples(
                ready.laboratory, ready.conversations, ready.fed, where.set_name, advance
            )
        used.append(
            DataUsed(
                set_name=where.set_name,
                embedder=ready.laboratory.embedder.identity.name,
                conversations=len(ready.conversations),
                questions=len(found),
                weight=shares.get(where.set_name, 1.0),
            )
        )
        examples += found
    return examples, used


def _show(report: BaseModel, tables: Iterable[RenderableType], *, as_json: bool) -> None:
    """Prints the report: tables for people, or JSON without the single questions."""
    if as_json:
        click.echo(report.model_dump_json(indent=1, exclude={"results"}))
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH_WITHOUT_TERMINAL)
    for table in tables:
        console.print(table)


def _say_written(paths: Iterable[Path]) -> None:
    click.echo(f"Written: {', '.join(map(str, paths))}", err=True)


def main() -> None:
    """Runs the console script."""
    command_line(prog_name=NAME)
