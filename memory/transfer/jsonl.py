"""The JSON-lines format: one record, or one entry to be stored, a line.

A record is written with everything that makes it: ``record_from_json(record_to_json(r)) == r``.
An entry has the fields of the tool ``store``. Which of the two a line is, its fields say: a record
has the mark ``memoryd`` (the version of the format) or ``created_at``.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from memory.errors import InvalidInput
from memory.records import Entry, JsonValue, MemoryRecord, Source, SourceKind, Status, Tier
from memory.transfer.fields import Fields
from memory.transfer.items import Item, Refused, Value
from memory.transfer.lines import Line, json_object, skip_blank
from memory.validation import check_entry, check_namespace

__all__ = [
    "FORMAT_VERSION",
    "entry_from_json",
    "read_jsonl",
    "record_from_json",
    "record_line",
    "record_to_json",
]

FORMAT_VERSION = 1
MARK = "memoryd"
DEFAULT_IMPORTANCE = 0.5


def record_to_json(record: MemoryRecord) -> dict[str, JsonValue]:
    """The record as a JSON object; times are ISO 8601 in UTC, to the microsecond."""
    return {
        MARK: FORMAT_VERSION,
        "id": record.id,
        "namespace": record.namespace,
        "tier": record.tier.value,
        "content": record.content,
        "tags": list(record.tags),
        "metadata": dict(record.metadata),
        "source": _source_to_json(record.source),
        "importance": record.importance,
        "occurred_at": _iso(record.occurred_at),
        "valid_from": _iso(record.valid_from),
        "valid_to": _iso(record.valid_to),
        "created_at": _iso(record.created_at),
        "updated_at": _iso(record.updated_at),
        "expires_at": _iso(record.expires_at),
        "version": record.version,
        "status": record.status.value,
        "superseded_by": record.superseded_by,
        "pinned": record.pinned,
    }


def record_line(record: MemoryRecord) -> str:
    """The record as one line, with its line feed."""
    told = record_to_json(record)
    return json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def record_from_json(value: Mapping[str, object]) -> MemoryRecord:
    """The record that a JSON object describes.

    Raises:
        InvalidInput: A field is missing, unknown or cannot be taken; it is named.
    """
    fields = Fields(value)
    if fields.whole_number(MARK) not in (None, FORMAT_VERSION):
        raise InvalidInput("memoryd: written by a newer memoryd; update this one", MARK)
    record = MemoryRecord(
        id=_record_id(fields.text("id"), "id"),
        namespace=check_namespace(fields.text("namespace")),
        tier=fields.choice("tier", Tier.LONG_TERM),
        content=fields.text("content"),
        tags=fields.names("tags"),
        metadata=fields.metadata("metadata"),
        source=_source(fields.nested("source")),
        importance=_importance(fields),
        occurred_at=fields.time("occurred_at"),
        valid_from=fields.time("valid_from"),
        valid_to=fields.time("valid_to"),
        created_at=fields.required_time("created_at"),
        updated_at=fields.required_time("updated_at"),
        expires_at=fields.time("expires_at"),
        version=_version(fields),
        status=fields.choice("status", Status.ACTIVE),
        superseded_by=_optional_id(fields.optional_text("superseded_by"), "superseded_by"),
        pinned=fields.flag("pinned"),
    )
    fields.finish()
    check_entry(_as_entry(record))
    return record


def entry_from_json(value: Mapping[str, object]) -> Entry:
    """The entry that a JSON object with the fields of ``store`` describes.

    Raises:
        InvalidInput: A field is missing, unknown or cannot be taken; it is named.
    """
    fields = Fields(value)
    entry = Entry(
        content=fields.text("content"),
        tier=fields.choice("tier", Tier.LONG_TERM),
        tags=fields.names("tags"),
        metadata=fields.metadata("metadata"),
        source=_source(fields.nested("source")),
        importance=_importance(fields),
        occurred_at=fields.time("occurred_at"),
        valid_from=fields.time("valid_from"),
        valid_to=fields.time("valid_to"),
        expires_at=fields.time("expires_at"),
        ttl_seconds=fields.number("ttl_seconds"),
        pinned=fields.flag("pinned"),
        idempotency_key=fields.optional_text("idempotency_key"),
    )
    fields.finish()
    check_entry(entry)
    return entry


def read_jsonl(lines: Iterable[Line], file: str | None = None) -> Iterator[Item]:
    """The records and entries on the lines; one that cannot be taken is refused by itself."""
    for line in skip_blank(lines):
        yield Item(line=line.number, value=_value(line), file=file, offset=line.offset)


def _value(line: Line) -> Value:
    try:
        told = json_object(line)
        is_record = MARK in told or "created_at" in told
        return record_from_json(told) if is_record else entry_from_json(told)
    except InvalidInput as error:
        return Refused(error.message)


def _source_to_json(source: Source) -> dict[str, JsonValue]:
    return {
        "kind": source.kind.value,
        "id": source.id,
        "conversation_id": source.conversation_id,
        "speaker": source.speaker,
        "turn": source.turn,
    }


def _source(fields: Fields) -> Source:
    source = Source(
        kind=fields.choice("kind", SourceKind.AGENT),
        id=fields.optional_text("id"),
        conversation_id=fields.optional_text("conversation_id"),
        speaker=fields.optional_text("speaker"),
        turn=fields.whole_number("turn"),
    )
    fields.finish()
    return source


def _importance(fields: Fields) -> float:
    told = fields.number("importance")
    return DEFAULT_IMPORTANCE if told is None else told


def _version(fields: Fields) -> int:
    told = fields.whole_number("version")
    if told is None or not 1 <= told < 2**53:
        raise InvalidInput("version: give a whole number from 1", "version")
    return told


def _record_id(text: str, field: str) -> str:
    try:
        known: str | None = str(uuid.UUID(text))
    except ValueError:
        known = None
    if known != text:
        raise InvalidInput(f"{field}: give a UUID in lower case with hyphens", field)
    return text


def _optional_id(text: str | None, field: str) -> str | None:
    return None if text is None else _record_id(text, field)


def _as_entry(record: MemoryRecord) -> Entry:
    return Entry(
        content=record.content,
        tags=record.tags,
        metadata=record.metadata,
        source=record.source,
        importance=record.importance,
        valid_from=record.valid_from,
        valid_to=record.valid_to,
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
