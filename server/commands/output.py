"""How results are printed: standard output carries results alone, messages go to standard error."""

from __future__ import annotations

import json
import re
import sys

import click

__all__ = ["note", "print_json", "print_text", "printable", "to_terminal"]

# Stored text may hold escape sequences, which must not reach a terminal.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def print_json(value: object) -> None:
    """Prints a JSON value, indented."""
    click.echo(json.dumps(value, ensure_ascii=not _takes_unicode(), indent=2))


def print_text(text: str) -> None:
    """Prints text for a person."""
    click.echo(printable(text))


def note(text: str) -> None:
    """Says something beside the result, on standard error."""
    click.echo(printable(text), err=True)


def printable(text: str) -> str:
    """The text with a mark in place of every control character but tab and line feed."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def to_terminal() -> bool:
    """Whether a person is reading standard output."""
    return sys.stdout.isatty()


def _takes_unicode() -> bool:
    return "utf" in (sys.stdout.encoding or "").lower()
