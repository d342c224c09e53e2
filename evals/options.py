"""What the commands have in common: options, examples in the help, and the opened measurement."""

from __future__ import annotations

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

__all__ = ["CommandWithExamples", "Opened", "Where", "json_option", "opened", "where_options"]

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


@dataclass(frozen=True, slots=True)
class Opened:
    """A memory that has been fed, with what it was fed."""

    laboratory: Laboratory
    conversations: list[Conversation]
    fed: list[Fed]


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
    click.option(
        "--embedder",
        default=DEFAULT_EMBEDDER,
        show_default=True,
        help="The embedder of the memory in this process, and of the baselines.",
    ),
    click.option(
        "--conversations",
        type=click.IntRange(min=1),
        metavar="N",
        help="Only the first N conversations.",
    ),
    click.option(
        "--output",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Where results go.  [default: memoryd-eval/SET]",
    ),
    click.option("--seed", default=0, show_default=True, help="Of the bootstrap and all draws."),
)


def where_options(function: Function) -> Function:
    """Adds the options that make a ``Where``."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


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
