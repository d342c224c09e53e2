"""What the commands have in common: options, examples in the help, and the opened measurement."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from evals.datasets.conversation import Conversation
from evals.datasets.loading import LOADERS, load_conversations
from evals.feeding import Fed, Feeder
from evals.laboratory import Laboratory, open_laboratory
from evals.progress import progress_bar
from memory.embedding.selection import DEFAULT_EMBEDDER
from memory.errors import InvalidInput

__all__ = [
    "CommandWithExamples",
    "Opened",
    "SeveralSets",
    "Where",
    "json_option",
    "opened",
    "several_sets_options",
    "shares_option",
    "where_options",
]

Function = TypeVar("Function", bound=Callable[..., object])

OUTPUT = Path("memoryd-eval")


class CommandWithExamples(click.Command):
    """A command whose help ends with examples.

    Args:
        *args: As for ``click.Command``.
        examples: Command lines, each shown on a line of its own.
        **kwargs: As for ``click.Command``.
    """

    def __init__(self, *args: str, examples: Sequence[str] = (), **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # click's own, passed through
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples as they are, without wrapping."""
        formatter.write("\nExamples:\n")
        formatter.write("".join(f"  {example}\n" for example in self.examples))


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which data to measure on, with which memory, and where results go."""

    set_name: str
    data: Path | None
    server: str | None
    embedder: str
    conversations: int | None
    output: Path | None
    seed: int

    @property
    def folder(self) -> Path:
        """Where results go, and the database of a memory in this process."""
        return self.output or OUTPUT / self.set_name


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralSets:
    """Several data sets, each with a memory in this process that is fed with it."""

    sets: Sequence[tuple[str, Path | None]]
    embedder: str
    conversations: int | None
    output: Path | None

    @property
    def folder(self) -> Path:
        """Where results go; each set's memory is in a folder of its name in there."""
        return self.output or OUTPUT

    def each(self) -> list[Where]:
        """The single sets, with the folders that the other commands use too.

        Raises:
            InvalidInput: A set is named twice.
        """
        names = [name for name, _ in self.sets]
        if len(set(names)) < len(names):
            raise InvalidInput("from: name each data set once", "from")
        return [
            Where(
                set_name=name,
                data=data,
                server=None,
                embedder=self.embedder,
                conversations=self.conversations,
                output=self.folder / name,
                seed=0,
            )
            for name, data in self.sets
        ]


@dataclass(frozen=True, slots=True)
class Opened:
    """A memory that has been fed, with what it was fed."""

    laboratory: Laboratory
    conversations: list[Conversation]
    fed: list[Fed]


def _named_sets(
    _: click.Context, __: click.Parameter, values: tuple[str, ...]
) -> list[tuple[str, Path | None]]:
    """Data sets written as ``NAME=PATH``; the path may be left out where the loader has its own."""
    sets = []
    for value in values:
        set_name, _sign, path = value.partition("=")
        if set_name not in LOADERS:
            raise click.BadParameter(f"{set_name!r} is not one of {', '.join(LOADERS)}.")
        sets.append((set_name, Path(path) if path else None))
    return sets


def _shares(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    """How much data sets count, written as ``NAME=NUMBER``."""
    shares = {}
    for value in values:
        set_name, _sign, number = value.partition("=")
        try:
            shares[set_name] = float(number)
        except ValueError:
            shares[set_name] = math.nan
        if not 0 < shares[set_name] < math.inf:
            raise click.BadParameter(f"{value!r} is not of the form beam=0.5, above 0.")
    return shares


EMBEDDER_OPTION = click.option(
    "--embedder",
    default=DEFAULT_EMBEDDER,
    show_default=True,
    help="The embedder of the memory in this process, and of the baselines.",
)
CONVERSATIONS_OPTION = click.option(
    "--conversations",
    type=click.IntRange(min=1),
    metavar="N",
    help="Only the first N conversations of a set.",
)
OPTIONS = (
    click.option(
        "--set",
        "set_name",
        type=click.Choice(list(LOADERS)),
        default="jsonl",
        show_default=True,
        help="The format of the data.",
    ),
    click.option(
        "--data",
        type=click.Path(path_type=Path),
        help="The data: a file or folder, see docs/evaluation.md. jsonl has a set of its own.",
    ),
    click.option(
        "--server",
        metavar="URL",
        help="Measure a running server by its REST face, instead of a memory in this process.",
    ),
    EMBEDDER_OPTION,
    CONVERSATIONS_OPTION,
    click.option(
        "--output",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Where results go.  [default: memoryd-eval/SET]",
    ),
    click.option("--seed", default=0, show_default=True, help="Of the bootstrap and all draws."),
)
SEVERAL_SETS_OPTIONS = (
    click.option(
        "--from",
        "sets",
        callback=_named_sets,
        multiple=True,
        required=True,
        metavar="SET=PATH",
        help=f"A data set ({', '.join(LOADERS)}) and where it is; give one --from for each.",
    ),
    EMBEDDER_OPTION,
    CONVERSATIONS_OPTION,
    click.option(
        "--output",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Where results go, and each set's memory as DIR/SET.  [default: memoryd-eval]",
    ),
)


def where_options(function: Function) -> Function:
    """Adds the options that make a ``Where``."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def several_sets_options(function: Function) -> Function:
    """Adds the options that make a ``SeveralSets``."""
    for option in reversed(SEVERAL_SETS_OPTIONS):
        function = option(function)
    return function


def shares_option(function: Function) -> Function:
    """Adds ``--share``, by which data sets count differently."""
    return click.option(
        "--share",
        "shares",
        callback=_shares,
        multiple=True,
        metavar="SET=NUMBER",
        help="How much all questions of a set count together.  [default: 1 for each set]",
    )(function)


def json_option(function: Function) -> Function:
    """Adds ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, no tables.")(function)


@contextmanager
def opened(where: Where) -> Iterator[Opened]:
    """Loads the data, opens the memory and feeds it what it does not hold yet.

    Raises:
        MemorydError: The data, the memory or the server cannot be used; the message says why.
    """
    conversations = load_conversations(where.set_name, where.data, where.conversations)
    with open_laboratory(where.folder, where.embedder, where.server) as laboratory:
        feeder = Feeder(laboratory.subject, laboratory.journal, laboratory.salt, where.set_name)
        with progress_bar("Storing") as advance:
            fed = feeder.feed(conversations, advance)
        yield Opened(laboratory, conversations, fed)
