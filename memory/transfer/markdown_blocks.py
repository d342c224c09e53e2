"""The parts of a Markdown text that matter for splitting it: headings, paragraphs, fenced code.

Follows CommonMark 0.31 for ATX and setext headings (4.2, 4.3) and fenced code blocks (4.5). All
else, lists and tables among it, counts as paragraphs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from memory.transfer.lines import Line

__all__ = ["Block", "Heading", "Part", "Unreadable", "split_blocks"]

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^\n]*)")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading and how deep it is, 1 to 6."""

    line: int
    offset: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, or a fenced code block with its fences; ``offset`` is where it ends."""

    line: int
    offset: int
    text: str
    fenced: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that could not be read, and why."""

    line: int
    offset: int
    problem: str


Part: TypeAlias = Heading | Block | Unreadable


def split_blocks(lines: Iterable[Line]) -> Iterator[Part]:
    """The parts of a text in their order; a fence that is never closed ends with the text."""
    splitter = _Splitter()
    for line in lines:
        yield from splitter.feed(line)
    yield from splitter.finish()


class _Splitter:
    """Gathers lines until a part is whole."""

    def __init__(self) -> None:
        self._gathered: list[Line] = []
        self._fence = ""

    def feed(self, line: Line) -> Iterator[Part]:
        """Takes a line and gives the parts that are whole now."""
        if line.text is None:
            yield Unreadable(line.number, line.offset, line.problem)
        elif self._fence:
            yield from self._in_fence(line, line.text)
        else:
            yield from self._in_text(line, line.text)

    def finish(self) -> Iterator[Part]:
        """Gives what is left at the end of the text."""
        if self._gathered:
            yield self._block(fenced=bool(self._fence))
        self._fence = ""

    def _in_fence(self, line: Line, text: str) -> Iterator[Part]:
        self._gathered.append(line)
        mark = text.strip()
        if len(mark) >= len(self._fence) and not mark.strip(self._fence[0]):
            self._fence = ""
            yield self._block(fenced=True)

    def _in_text(self, line: Line, text: str) -> Iterator[Part]:
        fence = _FENCE.fullmatch(text)
        heading = _ATX.fullmatch(text)
        if fence and not (fence[1][0] == "`" and "`" in fence[2]):
            yield from self.finish()
            self._fence = fence[1]
            self._gathered.append(line)
        elif heading:
            yield from self.finish()
            title = (heading[2] or "").strip()
            yield Heading(line.number, line.offset, len(heading[1]), title)
        elif (underline := _SETEXT.fullmatch(text)) and len(self._gathered) == 1:
            (titled,) = self._gathered
            self._gathered = []
            level = 1 if underline[1][0] == "=" else 2
            yield Heading(titled.number, line.offset, level, (titled.text or "").strip())
        elif line.blank:
            yield from self.finish()
        else:
            self._gathered.append(line)

    def _block(self, *, fenced: bool) -> Block:
        lines, self._gathered = self._gathered, []
        text = "\n".join(line.text or "" for line in lines)
        return Block(lines[0].number, lines[-1].offset, text, fenced)
