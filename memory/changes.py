"""What an update may change, and how it is applied to a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta

from memory.errors import InvalidInput
from memory.records import Entry, MemoryRecord
from memory.validation import check_entry

__all__ = ["CHANGEABLE", "apply_changes"]

CHANGEABLE = (
    "content",
    "tier",
    "tags",
    "metadata",
    "importance",
    "occurred_at",
    "valid_from",
    "valid_to",
    "expires_at",
    "ttl_seconds",
    "source",
    "pinned",
)
"""The fields that an update may set; each replaces the whole old value."""

_ENTRY_FIELDS = {one.name for one in fields(Entry)}


def apply_changes(
    record: MemoryRecord, changes: Mapping[str, object], clock: Callable[[], datetime]
) -> MemoryRecord:
    """The record with the changes applied, checked like a new entry; version and status stay.

    ``ttl_seconds`` counts from now. A value of ``None`` clears a field that may be absent.

    Raises:
        InvalidInput: There is nothing to change, a field cannot be changed, or a value is unfit.
    """
    if not changes:
        raise InvalidInput("changes: say what to change", "changes")
    for name in changes:
        if name not in CHANGEABLE:
            raise InvalidInput(
                f"changes: only these can be changed: {', '.join(CHANGEABLE)}", "changes"
            )
    kept = {name: getattr(record, name) for name in _ENTRY_FIELDS if hasattr(record, name)}
    if changes.get("ttl_seconds") is not None and "expires_at" not in changes:
        kept["expires_at"] = None
    entry = Entry(**{**kept, **changes})
    check_entry(entry)
    expires_at = entry.expires_at
    if entry.ttl_seconds is not None:
        expires_at = clock() + timedelta(seconds=entry.ttl_seconds)
    changed = {
        name: getattr(entry, name)
        for name in CHANGEABLE
        if name not in ("expires_at", "ttl_seconds")
    }
    return replace(record, **{**changed, "expires_at": expires_at})
