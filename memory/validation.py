"""What may be stored: the checks that every entry and every change passes before anything else.

Each error names the field and says what to do, and never holds the value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from memory.errors import InvalidInput
from memory.records import Entry, Filter, JsonValue, Source

__all__ = [
    "CONTENT_CHARACTERS_MAX",
    "ENTRIES_MAX",
    "check_entry",
    "check_filter",
    "check_namespace",
    "check_text",
    "check_time",
    "narrowed",
]

CONTENT_CHARACTERS_MAX = 200_000
ENTRIES_MAX = 1_000
TAGS_MAX = 64
NAME_CHARACTERS_MAX = 256
METADATA_CHARACTERS_MAX = 64_000
METADATA_DEPTH_MAX = 16
NAMESPACE_CHARACTERS_MAX = 128
LIST_MAX = 10_000

_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def check_namespace(namespace: str) -> str:
    """The namespace, if it is a fit name: 1 to 128 characters, none of them white space.

    Raises:
        InvalidInput: It is not.
    """
    fit = 0 < len(namespace) <= NAMESPACE_CHARACTERS_MAX
    if not fit or _CONTROL.search(namespace) or any(map(str.isspace, namespace)):
        raise InvalidInput(
            f"namespace: give 1 to {NAMESPACE_CHARACTERS_MAX} characters without white space",
            "namespace",
        )
    return namespace


def check_text(text: str, field: str, characters_max: int = CONTENT_CHARACTERS_MAX) -> str:
    """The text, if it can be stored: not too long, well-formed Unicode, no NUL.

    Raises:
        InvalidInput: It is not.
    """
    if len(text) > characters_max:
        raise InvalidInput(
            f"{field}: at most {characters_max:,} characters; split it into several entries",
            field,
        )
    if _FORBIDDEN.search(text):
        raise InvalidInput(f"{field}: remove NUL characters and lone surrogates", field)
    return text


def check_time(moment: datetime | None, field: str) -> datetime | None:
    """The time, if it says its zone.

    Raises:
        InvalidInput: It is naive, or its year in UTC is not in 1..9999.
    """
    if moment is None:
        return None
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise InvalidInput(
            f"{field}: give the time with its zone, such as 2026-05-08T12:00:00Z", field
        )
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{field}: in UTC, its year must lie in 1 to 9999", field) from None
    return moment


def check_entry(entry: Entry) -> None:
    """Checks one entry of a store call.

    Raises:
        InvalidInput: A field cannot be taken; it is named.
    """
    if not entry.content.strip():
        raise InvalidInput("content: say what to remember; it is empty or blank", "content")
    check_text(entry.content, "content")
    check_tags(entry.tags)
    check_metadata(entry.metadata)
    check_source(entry.source)
    check_importance(entry.importance)
    check_lifetime(entry)
    if entry.idempotency_key is not None:
        _check_name(entry.idempotency_key, "idempotency_key")


def check_lifetime(entry: Entry) -> None:
    """Checks the times of an entry: zones, order, and one way of saying when it expires."""
    for name in ("occurred_at", "valid_from", "valid_to", "expires_at"):
        check_time(getattr(entry, name), name)
    if entry.valid_from and entry.valid_to and entry.valid_to < entry.valid_from:
        raise InvalidInput("valid_to: must not lie before valid_from", "valid_to")
    if entry.ttl_seconds is not None:
        if entry.expires_at is not None:
            raise InvalidInput("ttl_seconds: give ttl_seconds or expires_at, not both")
        check_ttl(entry.ttl_seconds)


def check_ttl(ttl_seconds: float) -> float:
    """The lifetime in seconds, if it is a positive number below a thousand years."""
    if not 0 < ttl_seconds < 3.2e10:
        raise InvalidInput("ttl_seconds: give a positive number of seconds", "ttl_seconds")
    return ttl_seconds


def check_importance(importance: float) -> float:
    """The importance, if it is a number from 0 to 1."""
    if not (math.isfinite(importance) and 0 <= importance <= 1):
        raise InvalidInput("importance: give a number from 0 to 1", "importance")
    return importance


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags without repetition, in their order."""
    if isinstance(tags, str):  # would be taken for its letters
        raise InvalidInput("tags: give a list of strings", "tags")
    unique = tuple(dict.fromkeys(tags))
    if len(unique) > TAGS_MAX:
        raise InvalidInput(f"tags: at most {TAGS_MAX} tags", "tags")
    for tag in unique:
        _check_name(tag, "tags")
    return unique


def check_source(source: Source) -> Source:
    """The source, if its names can be stored."""
    for name in ("id", "conversation_id", "speaker"):
        value = getattr(source, name)
        if value is not None:
            _check_name(value, f"source.{name}")
    if source.turn is not None and not 0 <= source.turn < 2**53:
        raise InvalidInput("source.turn: give a whole number from 0", "source.turn")
    return source


def check_metadata(metadata: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """The metadata, if it is JSON of moderate size and depth with finite numbers."""
    budget = METADATA_CHARACTERS_MAX
    waiting: list[tuple[object, int]] = [(metadata, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > METADATA_DEPTH_MAX:
            raise InvalidInput(f"metadata: nested deeper than {METADATA_DEPTH_MAX}", "metadata")
        budget -= _metadata_cost(value)
        if budget < 0:
            raise InvalidInput(
                f"metadata: at most {METADATA_CHARACTERS_MAX:,} characters", "metadata"
            )
        if isinstance(value, Mapping):
            waiting.extend((key, depth) for key in value)
            waiting.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list | tuple):
            waiting.extend((item, depth + 1) for item in value)
    return metadata


def _metadata_cost(value: object) -> int:
    if isinstance(value, str):
        return len(check_text(value, "metadata")) + 3
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput("metadata: NaN and infinity are not JSON", "metadata")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise InvalidInput("metadata: whole numbers must fit 64 bits", "metadata")
    if not isinstance(value, str | int | float | bool | Mapping | list | tuple | None):
        raise InvalidInput("metadata: only JSON values can be stored", "metadata")
    return 8


def check_filter(where: Filter) -> Filter:
    """The filter, if its lists, bounds and times make sense.

    Raises:
        InvalidInput: A part of it cannot be taken; it is named.
    """
    for name in ("ids", "tags", "source_ids", "conversation_ids", "speakers"):
        values = getattr(where, name)
        if len(values) > LIST_MAX:
            raise InvalidInput(f"{name}: at most {LIST_MAX:,} values", name)
        for value in values:
            check_text(value, name)
    if not where.statuses:
        raise InvalidInput("status: name at least one", "status")
    for name in ("importance_min", "importance_max"):
        bound = getattr(where, name)
        if bound is not None:
            check_importance(bound)
    for name in ("occurred", "created"):
        stretch = getattr(where, name)
        check_time(stretch.after, f"{name}_after")
        check_time(stretch.before, f"{name}_before")
    return where


def narrowed(where: Filter, **parts: object) -> Filter:
    """The filter with these parts, which it must not restrict in another way already.

    Raises:
        InvalidInput: It does; taking one of both would mean other records than were asked for.
    """
    for name, value in parts.items():
        if getattr(where, name) not in (getattr(Filter(), name), value):
            raise InvalidInput(f"{name}: give it beside the filters or in them, not both", name)
    return replace(where, **parts)  # type: ignore[arg-type]  # fields of Filter by their names


def _check_name(name: str, field: str) -> None:
    if not name.strip():
        raise InvalidInput(f"{field}: must not be empty or blank", field)
    if len(name) > NAME_CHARACTERS_MAX:
        raise InvalidInput(f"{field}: at most {NAME_CHARACTERS_MAX} characters", field)
    check_text(name, field)
