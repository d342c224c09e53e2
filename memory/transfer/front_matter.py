"""The front matter of a Markdown file: simple ``key: value`` lines between two lines of ``---``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from memory.records import JsonValue
from memory.transfer.lines import Line

__all__ = ["FrontMatter", "split_front_matter"]

LINES_MAX = 200
RAW_KEY = "front_matter"
_PAIR = re.compile(r"([A-Za-z0-9_][\w .-]*?)\s*:(?:\s+(.*))?")
_ELEMENT = re.compile(r"\s*-\s+(.*)")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What the front matter says.

    ``tags`` come from its key ``tags``; ``metadata`` hold the other keys. Where it goes beyond
    simple pairs and lists, ``metadata`` also hold its whole text under ``front_matter``.
    """

    tags: tuple[str, ...] = ()
    metadata: dict[str, JsonValue] = field(default_factory=dict)


def split_front_matter(lines: Iterable[Line]) -> tuple[FrontMatter, Iterator[Line]]:
    """The front matter of a text, and the lines after it (all of them when there is none)."""
    waiting = iter(lines)
    taken: list[Line] = []
    for line in waiting:
        taken.append(line)
        mark = (line.text or "").rstrip()
        if len(taken) == 1 and mark != "---":
            break
        if len(taken) > 1 and mark in ("---", "..."):
            return _parse([one.text or "" for one in taken[1:-1]]), waiting
        if len(taken) > LINES_MAX:
            break
    return FrontMatter(), chain(taken, waiting)


def _parse(lines: list[str]) -> FrontMatter:
    values: dict[str, JsonValue] = {}
    key, simple = "", True
    for line in lines:
        element = _ELEMENT.fullmatch(line)
        pair = _PAIR.fullmatch(line)
        if pair:
            key = pair[1]
            values[key] = _value(pair[2] or "")
        elif element and isinstance(values.get(key), list | str):
            values[key] = [*_elements(values[key]), _scalar(element[1])]
        elif line.strip() and not line.lstrip().startswith("#"):
            simple = False
    tags = _tags(values.pop("tags", None))
    if not simple:
        values[RAW_KEY] = "\n".join(lines)
    return FrontMatter(tags, values)


def _elements(value: JsonValue) -> list[JsonValue]:
    """The elements so far of a key's list; a key that had a value of its own keeps it first."""
    return value if isinstance(value, list) else [value] if value else []


def _value(text: str) -> JsonValue:
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        return [_scalar(one) for one in text[1:-1].split(",") if one.strip()]
    return _scalar(text)


def _scalar(text: str) -> JsonValue:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return {"true": True, "false": False}.get(text.lower(), text)


def _tags(value: JsonValue) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else str(value or "").split(",")
    names = (str(one).strip().lstrip("#") for one in listed)
    return tuple(dict.fromkeys(name for name in names if name))
