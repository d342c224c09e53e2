"""What a file to be imported holds, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from memory.records import Entry, MemoryRecord

__all__ = ["Item", "Refused", "Value"]


@dataclass(frozen=True, slots=True)
class Refused:
    """A piece that cannot be taken, and why; the reason never holds what the file says."""

    reason: str


Value: TypeAlias = Entry | MemoryRecord | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One piece of a file and where it stands.

    ``line`` counts from 1. ``file`` names the file where there are several. ``offset`` is how many
    bytes of the input were read by the end of the piece.
    """

    line: int
    value: Value
    file: str | None = None
    offset: int = 0

    @property
    def place(self) -> str:
        """Where it stands, for a person: ``notes/tea.md:12`` or ``line 12``."""
        return f"{self.file}:{self.line}" if self.file else f"line {self.line}"
