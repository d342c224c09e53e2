"""Progress of long commands: a bar on standard error where a person is watching, else nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["Advance", "progress_bar"]

Advance: TypeAlias = Callable[[int, int | None], None]


@contextmanager
def progress_bar(description: str, total: int | None = None) -> Iterator[Advance]:
    """Shows how far something is.

    Yields:
        What to call with how much is done, and of how much (``None``: as said before).
    """
    if not sys.stderr.isatty():
        yield _silent
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=total)

        def advance(done: int, of: int | None = None) -> None:
            bar.update(task, completed=done, total=of)

        yield advance


def _silent(done: int, of: int | None = None) -> None:
    """Shows nothing."""
