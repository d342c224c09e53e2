"""Rows of the tables ``records`` and ``changes``, from and to the vocabulary of the memory."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from memory.backends.sql.bodies import canonical_json
from memory.backends.sql.schema import records
from memory.errors import InvalidInput
from memory.records import Change, MemoryRecord, Operation, Source, SourceKind, Status, Tier

Row: TypeAlias = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIERS = {tier.value: tier for tier in Tier}
_STATUSES = {status.value: status for status in Status}
_SOURCE_KINDS = {kind.value: kind for kind in SourceKind}
TOUCHED = list(records.c.keys()).index("touched")


def microseconds(time: datetime) -> int:
    """Whole microseconds since 1970 in UTC.

    Raises:
        InvalidInput: The time has no timezone.
    """
    if time.tzinfo is None:
        raise InvalidInput("Times must name their timezone.")
    return (time - _EPOCH) // _MICROSECOND


def optional_microseconds(time: datetime | None) -> int | None:
    """As ``microseconds``, where there may be no time."""
    return None if time is None else microseconds(time)


def time_of(value: int) -> datetime:
    """The time that so many microseconds stand for."""
    return _EPOCH + timedelta(microseconds=value)


def optional_time_of(value: int | None) -> datetime | None:
    """As ``time_of``, where there may be no time."""
    return None if value is None else _EPOCH + timedelta(microseconds=value)


def record_row(record: MemoryRecord, key: int, touched: int) -> tuple[Any, ...]:
    """The row of a record, in the order of the table's columns."""
    source = record.source
    created = microseconds(record.created_at)
    occurred = optional_microseconds(record.occurred_at)
    return (
        key,
        record.namespace,
        record.id,
        record.version,
        record.status.value,
        record.tier.value,
        int(record.pinned),
        float(record.importance),
        created if occurred is None else occurred,
        created,
        microseconds(record.updated_at),
        occurred,
        optional_microseconds(record.valid_from),
        optional_microseconds(record.valid_to),
        optional_microseconds(record.expires_at),
        record.superseded_by,
        source.kind.value,
        source.id,
        source.conversation_id,
        source.speaker,
        source.turn,
        touched,
        canonical_json(record.tags) if record.tags else "[]",
        canonical_json(dict(record.metadata)) if record.metadata else "{}",
        record.content,
    )


def record_from_row(row: Row) -> MemoryRecord:
    """The record of a row that holds the table's columns in their order."""
    return MemoryRecord(
        namespace=row[1],
        id=row[2],
        version=row[3],
        status=_STATUSES[row[4]],
        tier=_TIERS[row[5]],
        pinned=row[6] == 1,
        importance=row[7],
        created_at=time_of(row[9]),
        updated_at=time_of(row[10]),
        occurred_at=optional_time_of(row[11]),
        valid_from=optional_time_of(row[12]),
        valid_to=optional_time_of(row[13]),
        expires_at=optional_time_of(row[14]),
        superseded_by=row[15],
        source=Source(
            kind=_SOURCE_KINDS[row[16]],
            id=row[17],
            conversation_id=row[18],
            speaker=row[19],
            turn=row[20],
        ),
        tags=() if row[22] == "[]" else tuple(json.loads(row[22])),
        metadata={} if row[23] == "{}" else json.loads(row[23]),
        content=row[24],
    )


def change_from_row(row: Row) -> Change:
    """The change of a row that holds the columns of ``changes`` in their order."""
    return Change(
        seq=row[0],
        namespace=row[2],
        record_id=row[3],
        version=row[4],
        operation=Operation(row[5]),
        at=time_of(row[6]),
        actor=row[7],
        reason=row[8],
        digest=row[10],
        body=None if row[11] is None else json.loads(row[11]),
    )
