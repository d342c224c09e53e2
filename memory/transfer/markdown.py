"""Markdown files as entries of moderate size: split at headings, paragraphs kept whole.

Each entry starts with the headings above it, so that it can be found and understood by itself.
Fenced code is never split.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from memory.errors import InvalidInput
from memory.records import Entry, JsonValue, Source, SourceKind
from memory.transfer.front_matter import FrontMatter, split_front_matter
from memory.transfer.items import Item, Refused, Value
from memory.transfer.lines import Line
from memory.transfer.markdown_blocks import Block, Heading, Part, Unreadable, split_blocks
from memory.validation import check_entry

__all__ = ["CHARACTERS_TARGET", "read_markdown"]

# About 300 tokens: what an embedding model of this size takes in whole.
CHARACTERS_TARGET = 1_200
PARAGRAPH_CHARACTERS_MAX = 2 * CHARACTERS_TARGET
TITLE_CHARACTERS_MAX = 160
_SEPARATOR = " > "


@dataclass(slots=True)
class _Section:
    """The headings above the current place, and the blocks gathered since the last entry."""

    headings: list[tuple[int, str]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    heading_line: int = 1
    offset: int = 0
    written: bool = True

    @property
    def titles(self) -> list[str]:
        return [title[:TITLE_CHARACTERS_MAX] for _, title in self.headings if title]

    @property
    def size(self) -> int:
        return sum(len(block.text) + 2 for block in self.blocks)


def read_markdown(lines: Iterable[Line], file: str | None = None) -> Iterator[Item]:
    """The entries of one Markdown file, in order.

    Args:
        lines: The lines of the file.
        file: Its name: the entries' ``source.id``.
    """
    front_matter, rest = split_front_matter(lines)
    section = _Section()
    for part in split_blocks(rest):
        for line, offset, text in _advance(section, part):
            value = _value(text, section.titles, front_matter, file)
            yield Item(line=line, value=value, file=file, offset=offset)
        if isinstance(part, Unreadable):
            value = Refused(part.problem)
            yield Item(line=part.line, value=value, file=file, offset=part.offset)
        elif isinstance(part, Heading):
            _enter(section, part)
    for line, offset, text in _flush(section):
        value = _value(text, section.titles, front_matter, file)
        yield Item(line=line, value=value, file=file, offset=offset)


def _advance(section: _Section, part: Part) -> Iterator[tuple[int, int, str]]:
    """Takes a part in; gives what is complete before it: line, offset, text."""
    if isinstance(part, Heading):
        deeper = bool(section.headings) and part.level > section.headings[-1][0]
        if section.blocks or not deeper:
            yield from _flush(section)
    elif isinstance(part, Block):
        for piece in _pieces(part):
            if section.blocks and section.size + len(piece.text) > CHARACTERS_TARGET:
                yield from _flush(section)
            section.blocks.append(piece)


def _flush(section: _Section) -> Iterator[tuple[int, int, str]]:
    if section.blocks:
        text = "\n\n".join(block.text for block in section.blocks)
        yield section.blocks[0].line, section.blocks[-1].offset, text
    elif not section.written and section.titles:
        # A heading with nothing below it says something by itself.
        yield section.heading_line, section.offset, ""
    section.blocks, section.written = [], True


def _enter(section: _Section, heading: Heading) -> None:
    above = [one for one in section.headings if one[0] < heading.level]
    section.headings = [*above, (heading.level, heading.title)]
    section.heading_line, section.offset, section.written = heading.line, heading.offset, False


def _pieces(block: Block) -> list[Block]:
    """The block, or its pieces when it is a very long paragraph."""
    if block.fenced or len(block.text) <= PARAGRAPH_CHARACTERS_MAX:
        return [block]
    pieces, start = [], 0
    while start < len(block.text):
        end = _cut(block.text, start)
        line = block.line + block.text.count("\n", 0, start)
        text = block.text[start:end].strip()
        pieces.extend([Block(line, block.offset, text)] if text else [])
        start = end
    return pieces


def _cut(text: str, start: int) -> int:
    """Where to cut: after a line, else a sentence, else a word, at the target size at most."""
    stop = start + CHARACTERS_TARGET
    if stop >= len(text):
        return len(text)
    window = text[start:stop]
    for pattern in (r"\n", r"[.!?]\s", r"[。！？]", r"\s"):
        ends = [found.end() for found in re.finditer(pattern, window)]
        if ends and ends[-1] > CHARACTERS_TARGET // 3:
            return start + ends[-1]
    return stop


def _value(text: str, titles: list[str], front_matter: FrontMatter, file: str | None) -> Value:
    lead = _SEPARATOR.join(titles)
    metadata: dict[str, JsonValue] = dict(front_matter.metadata)
    if titles:
        metadata["headings"] = list(titles)
    entry = Entry(
        content="\n\n".join(part for part in (lead, text) if part),
        tags=front_matter.tags,
        metadata=metadata,
        source=Source(kind=SourceKind.DOCUMENT, id=file),
    )
    try:
        check_entry(entry)
    except InvalidInput as error:
        return Refused(error.message)
    return entry
