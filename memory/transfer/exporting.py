"""Writes records as JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TextIO

from memory.records import MemoryRecord
from memory.transfer.jsonl import record_line

__all__ = ["write_records"]

REPORT_EVERY = 100


def write_records(
    records: Iterable[MemoryRecord],
    file: TextIO,
    report: Callable[[int], None] | None = None,
) -> int:
    """Writes the records, one a line, as they come; erased ones, which hold nothing, are left out.

    Args:
        records: What to write.
        file: Where to, in UTF-8.
        report: Is told now and then how many are written.

    Returns:
        How many were written.
    """
    count = 0
    for record in records:
        if not record.content:
            continue
        file.write(record_line(record))
        count += 1
        if report is not None and count % REPORT_EVERY == 0:
            report(count)
    return count
