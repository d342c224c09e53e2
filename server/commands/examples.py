"""Commands whose help ends with examples."""

from __future__ import annotations

from collections.abc import Sequence

import click

__all__ = ["CommandWithExamples", "write_examples"]


class CommandWithExamples(click.Command):
    """A command whose help shows how it is called.

    Args:
        *args: As for ``click.Command``.
        examples: Command lines, each shown on a line of its own.
        **kwargs: As for ``click.Command``.
    """

    def __init__(self, *args: str, examples: Sequence[str] = (), **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # click's own, passed through
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples below the options."""
        write_examples(self.examples, formatter)


def write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    """Writes examples as they are, without wrapping."""
    if examples:
        formatter.write("\nExamples:\n")
        formatter.write("".join(f"  {example}\n" for example in examples))
