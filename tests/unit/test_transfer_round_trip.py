"""Records survive the way into a line and back, whatever they hold."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from memory.records import MemoryRecord, Source, SourceKind, Status, Tier
from memory.transfer.jsonl import read_jsonl, record_line
from memory.transfer.lines import read_lines

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
NAME = TEXT.filter(lambda text: bool(text.strip()))
NAMESPACE = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20)
ZONE = st.sampled_from(
    [UTC, timezone(timedelta(hours=5, minutes=45)), timezone(-timedelta(hours=9))]
)
TIME = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONE)  # noqa: DTZ001
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)
SOURCES = st.builds(
    Source,
    kind=st.sampled_from(SourceKind),
    id=st.none() | NAME,
    conversation_id=st.none() | NAME,
    speaker=st.none() | NAME,
    turn=st.none() | st.integers(0, 2**53 - 1),
)
RECORDS = st.builds(
    MemoryRecord,
    id=st.uuids().map(str),
    namespace=NAMESPACE,
    tier=st.sampled_from(Tier),
    content=NAME,
    tags=st.lists(NAME, max_size=3, unique=True).map(tuple),
    metadata=st.dictionaries(TEXT, JSON, max_size=4),
    source=SOURCES,
    importance=st.floats(0, 1),
    occurred_at=st.none() | TIME,
    valid_from=st.none(),
    valid_to=st.none() | TIME,
    created_at=TIME,
    updated_at=TIME,
    expires_at=st.none() | TIME,
    version=st.integers(1, 2**53 - 1),
    status=st.sampled_from(Status),
    superseded_by=st.none() | st.uuids().map(str),
    pinned=st.booleans(),
)


@given(st.lists(RECORDS, max_size=4))
def test_records_come_back_as_they_were(records: list[MemoryRecord]) -> None:
    written = "".join(record_line(record) for record in records)
    lines = read_lines(io.BytesIO(written.encode()))
    assert [item.value for item in read_jsonl(lines)] == records
