"""Records as canonical JSON, the form in which the change log keeps them.

Equal records give equal bytes: keys sorted, no spaces, no escapes beyond what JSON demands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from memory.errors import InvalidInput
from memory.filtering import number_fits
from memory.records import JsonValue, MemoryRecord, Source, SourceKind, Status, Tier

_NESTING_MAX = 32
_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def canonical_json(value: object) -> str:
    """The one JSON text of a value.

    Raises:
        InvalidInput: The value is no JSON.
    """
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput("The record holds a value that JSON cannot express.") from error


def check_text(text: str, field: str) -> None:
    """Refuses text that a database cannot hold unchanged.

    Raises:
        InvalidInput: It holds a NUL or half a surrogate pair.
    """
    if "\0" in text:
        raise InvalidInput("Text must not hold the NUL character.", field)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("Text must not hold half of a surrogate pair.", field) from error


def check_record(record: MemoryRecord) -> None:
    """Refuses a record that could not be read back as it is.

    Raises:
        InvalidInput: Says which field holds something that cannot be stored.
    """
    source = record.source
    texts = (record.id, record.namespace, *record.tags, record.superseded_by, source.id)
    for text in (*texts, source.conversation_id, source.speaker):
        if text is not None:
            check_text(text, "record")
    check_text(record.content, "content")
    if source.turn is not None and not number_fits(source.turn):
        raise InvalidInput("The turn must fit into 64 bits.", "source.turn")
    if record.metadata:
        _check_json(dict(record.metadata), _NESTING_MAX)


def record_body(record: MemoryRecord) -> str:
    """The canonical JSON of a record's whole state."""
    source = record.source
    return canonical_json(
        {
            "id": record.id,
            "namespace": record.namespace,
            "tier": record.tier,
            "content": record.content,
            "tags": record.tags,
            "metadata": record.metadata if type(record.metadata) is dict else dict(record.metadata),
            "source": {
                "kind": source.kind,
                "id": source.id,
                "conversation_id": source.conversation_id,
                "speaker": source.speaker,
                "turn": source.turn,
            },
            "importance": float(record.importance),
            "occurred_at": _time_text(record.occurred_at),
            "valid_from": _time_text(record.valid_from),
            "valid_to": _time_text(record.valid_to),
            "created_at": _time_text(record.created_at),
            "updated_at": _time_text(record.updated_at),
            "expires_at": _time_text(record.expires_at),
            "version": record.version,
            "status": record.status,
            "superseded_by": record.superseded_by,
            "pinned": record.pinned,
        }
    )


def record_from_body(body: Mapping[str, Any]) -> MemoryRecord:
    """The record that a body tells of; the inverse of ``record_body`` after decoding."""
    source = body["source"]
    return MemoryRecord(
        id=body["id"],
        namespace=body["namespace"],
        tier=Tier(body["tier"]),
        content=body["content"],
        tags=tuple(body["tags"]),
        metadata=body["metadata"],
        source=Source(**{**source, "kind": SourceKind(source["kind"])}),
        importance=body["importance"],
        occurred_at=_time(body["occurred_at"]),
        valid_from=_time(body["valid_from"]),
        valid_to=_time(body["valid_to"]),
        created_at=datetime.fromisoformat(body["created_at"]),
        updated_at=datetime.fromisoformat(body["updated_at"]),
        expires_at=_time(body["expires_at"]),
        version=body["version"],
        status=Status(body["status"]),
        superseded_by=body["superseded_by"],
        pinned=body["pinned"],
    )


def erased_record(
    namespace: str, record_id: str, version: int, created_at: datetime, erased_at: datetime
) -> MemoryRecord:
    """What is left of an erased record: its identity, and nothing of what it said."""
    return MemoryRecord(
        id=record_id,
        namespace=namespace,
        tier=Tier.LONG_TERM,
        content="",
        tags=(),
        metadata={},
        source=Source(),
        importance=0.0,
        occurred_at=None,
        valid_from=None,
        valid_to=None,
        created_at=created_at,
        updated_at=erased_at,
        expires_at=None,
        version=version,
        status=Status.FORGOTTEN,
    )


def _time_text(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat(timespec="microseconds")


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _check_json(value: JsonValue, depth: int) -> None:
    if depth == 0:
        raise InvalidInput(f"Metadata may be nested at most {_NESTING_MAX} deep.", "metadata")
    if isinstance(value, str):
        check_text(value, "metadata")
    elif isinstance(value, dict):
        for key, each in value.items():
            _check_key(key)
            _check_json(each, depth - 1)
    elif isinstance(value, (list, tuple)):
        for each in value:
            _check_json(each, depth - 1)
    elif not number_fits(value):
        raise InvalidInput("Numbers must be finite, whole ones of at most 64 bits.", "metadata")


def _check_key(key: object) -> None:
    if not isinstance(key, str):
        raise InvalidInput("Keys of metadata must be text.", "metadata")
    check_text(key, "metadata")
