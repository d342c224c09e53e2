"""Numbered lines of a byte stream, read with bounded memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from memory.errors import InvalidInput

__all__ = ["LINE_BYTES_MAX", "Line", "json_object", "read_lines"]

# A record of the largest content and metadata, every character escaped, is well below this.
LINE_BYTES_MAX = 4 * 2**20
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end; ``text`` is ``None`` when it cannot be read, for ``problem``."""

    number: int
    text: str | None
    offset: int
    problem: str = ""

    @property
    def blank(self) -> bool:
        """Whether there is nothing on it."""
        return self.text is not None and not self.text.strip()


def read_lines(stream: BinaryIO, offset: int = 0) -> Iterator[Line]:
    """The lines of a stream in UTF-8, split at line feeds alone.

    Args:
        stream: What to read, to its end.
        offset: How many bytes of the whole input stand before this stream.
    """
    number = 0
    while raw := stream.readline(LINE_BYTES_MAX):
        number += 1
        offset += len(raw)
        if len(raw) == LINE_BYTES_MAX and not raw.endswith(b"\n"):
            offset += _skip_rest(stream)
            yield Line(number, None, offset, f"longer than {LINE_BYTES_MAX:,} bytes")
            continue
        yield _decoded(number, raw, offset)


def _skip_rest(stream: BinaryIO) -> int:
    skipped = 0
    while raw := stream.readline(LINE_BYTES_MAX):
        skipped += len(raw)
        if raw.endswith(b"\n"):
            break
    return skipped


def _decoded(number: int, raw: bytes, offset: int) -> Line:
    try:
        text = raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        return Line(number, None, offset, "not UTF-8 text")
    return Line(number, text.removeprefix(BYTE_ORDER_MARK) if number == 1 else text, offset)


def json_object(line: Line) -> dict[str, object]:
    """The JSON object on a line.

    Raises:
        InvalidInput: There is none; the message says why and never repeats the line.
    """
    if line.text is None:
        raise InvalidInput(line.problem)
    try:
        value = json.loads(line.text, parse_constant=_refuse_constant)
    except InvalidInput:
        raise
    except json.JSONDecodeError as error:
        raise InvalidInput(f"not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError):
        raise InvalidInput("not JSON that can be read: too deep, or a number too long") from None
    if not isinstance(value, dict):
        raise InvalidInput("give one JSON object a line")
    return value


def _refuse_constant(name: str) -> object:
    raise InvalidInput(f"{name} is not JSON")


def skip_blank(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines on which there is something."""
    return (line for line in lines if not line.blank)
