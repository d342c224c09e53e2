"""What the reader of JSON lines takes, and what it refuses with which reason."""

from __future__ import annotations

import io
import json

import pytest

from memory.records import Entry, MemoryRecord, Source, SourceKind, Tier
from memory.transfer.items import Item, Refused
from memory.transfer.jsonl import read_jsonl
from memory.transfer.lines import LINE_BYTES_MAX, read_lines
from memory.transfer.reading import FileFormat, read_stream

RECORD = {
    "memoryd": 1,
    "id": "0198c0de-0000-7000-8000-000000000000",
    "namespace": "default",
    "content": "Ada prefers tea",
    "created_at": "2026-05-08T12:00:00Z",
    "updated_at": "2026-05-08T12:00:00Z",
    "version": 3,
}


def read(text: str | bytes) -> list[Item]:
    raw = text.encode() if isinstance(text, str) else text
    return list(read_jsonl(read_lines(io.BytesIO(raw))))


def reason(told: object) -> str:
    (item,) = read(json.dumps(told))
    assert isinstance(item.value, Refused)
    return item.value.reason


def test_an_entry_has_the_fields_of_store() -> None:
    told = {"content": "Hi", "tier": "episodic", "tags": ["a"], "source": {"speaker": "Ada"}}
    (item,) = read(json.dumps(told))
    source = Source(kind=SourceKind.AGENT, speaker="Ada")
    assert item.value == Entry(content="Hi", tier=Tier.EPISODIC, tags=("a",), source=source)


def test_a_line_with_a_creation_time_is_a_record() -> None:
    (item,) = read(json.dumps({name: RECORD[name] for name in RECORD if name != "memoryd"}))
    assert isinstance(item.value, MemoryRecord)
    assert item.value.version == 3


def test_a_bad_line_does_not_stop_the_rest() -> None:
    items = read('{"content": "one"}\nnonsense\n\n{"content": "two"}\n')
    assert [(item.line, type(item.value)) for item in items] == [
        (1, Entry),
        (2, Refused),
        (4, Entry),
    ]


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"content": "x", "colour": "red"}, "colour"),
        ({"content": "x", "source": {"author": "Ada"}}, "source.author"),
        ({"content": 5}, "content"),
        ({"tier": "semantic"}, "content"),
        ({"content": "x", "tier": "attic"}, "tier"),
        ({"content": "x", "importance": 3}, "importance"),
        ({"content": "x", "importance": True}, "importance"),
        ({"content": "x", "occurred_at": "2026-05-08"}, "occurred_at"),
        ({"content": "x", "occurred_at": "0001-01-01T00:00:00+09:00"}, "occurred_at"),
        ({"content": "x", "tags": ["a", 1]}, "tags"),
        ({"content": "x", "metadata": []}, "metadata"),
        ({"content": "x", "pinned": "yes"}, "pinned"),
        ({"content": "x", "source": {"turn": 1.5}}, "source.turn"),
        ({"content": " "}, "content"),
        ({**RECORD, "id": "7"}, "id"),
        ({**RECORD, "id": ""}, "id"),
        ({**RECORD, "memoryd": 2}, "memoryd"),
        ({**RECORD, "version": 0}, "version"),
        ({**RECORD, "namespace": "a b"}, "namespace"),
        ({**RECORD, "created_at": None}, "created_at"),
        ({**RECORD, "extra": 1}, "extra"),
    ],
)
def test_a_refusal_names_the_field(told: object, named: str) -> None:
    assert named in reason(told)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b'{"content": NaN}', "NaN is not JSON"),
        (b"[1]", "one JSON object a line"),
        (b'{"a":' * 100_000, "not JSON"),
        (b'{"content": ' + b"9" * 5_000 + b"}", "not JSON"),
        (b" " * LINE_BYTES_MAX + b"{}", "longer than"),
    ],
)
def test_what_is_no_json_object_is_refused(raw: bytes, why: str) -> None:
    first, second = read(raw + b'\n{"content": "next"}')
    assert isinstance(first.value, Refused)
    assert why in first.value.reason
    assert isinstance(second.value, Entry)


def test_a_reason_never_repeats_what_the_line_says() -> None:
    assert "secret" not in reason({"content": "secret", "importance": "secret", "tier": "secret"})


def test_offsets_count_the_bytes_read() -> None:
    items = read('{"content": "é"}\r\n{"content": "b"}')
    assert [item.offset for item in items] == [19, 35]


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    (item,) = read('\ufeff{"content": "x"}')
    assert isinstance(item.value, Entry)


def test_the_format_is_seen_from_the_first_line() -> None:
    graph = b'\n{"type": "entity", "name": "Ada", "entityType": "person", "observations": ["x"]}'
    (item,) = read_stream(io.BytesIO(graph), FileFormat.AUTO)
    assert isinstance(item.value, Entry)
    assert item.value.content == "Ada (person): x"
