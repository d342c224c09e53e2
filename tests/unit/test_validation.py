"""What may be stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from memory.errors import InvalidInput
from memory.records import Entry, Filter, Source, TimeRange
from memory.validation import check_entry, check_filter, check_namespace

ENTRY = Entry(content="Ada prefers tea")
NAIVE = datetime(2026, 5, 8)  # noqa: DTZ001
AWARE = datetime(2026, 5, 8, tzinfo=UTC)
BEFORE_YEAR_1 = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))

BAD = {
    "content": [{"content": ""}, {"content": " \n\t"}, {"content": "x" * 10_000_000}],
    "content ": [{"content": "a\x00b"}, {"content": "a\ud800b"}],
    "importance": [{"importance": float("nan")}, {"importance": 1.1}, {"importance": -0.1}],
    "occurred_at": [{"occurred_at": NAIVE}, {"occurred_at": BEFORE_YEAR_1}],
    "valid_to": [{"valid_from": AWARE, "valid_to": AWARE.replace(year=2025)}],
    "ttl_seconds": [{"ttl_seconds": 0.0}, {"ttl_seconds": float("inf")}],
    "ttl_seconds ": [{"ttl_seconds": 5.0, "expires_at": AWARE}],
    "tags": [
        {"tags": "abc"},
        {"tags": ("",)},
        {"tags": ("x" * 300,)},
        {"tags": tuple(map(str, range(65)))},
    ],
    "metadata": [{"metadata": {"a": float("nan")}}, {"metadata": {"a": {1, 2}}}],
    "metadata ": [{"metadata": {"a": "x" * 70_000}}, {"metadata": {"a": 2**70}}],
    "source.speaker": [{"source": Source(speaker=" ")}, {"source": Source(speaker="x\x00")}],
    "source.turn": [{"source": Source(turn=-1)}],
    "idempotency_key": [{"idempotency_key": ""}],
}


@pytest.mark.parametrize(
    ("field", "changes"), [(field.strip(), one) for field, many in BAD.items() for one in many]
)
def test_bad_entries_name_the_field_and_not_the_value(
    field: str, changes: dict[str, object]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_entry(replace(ENTRY, **changes))
    assert field in caught.value.message
    assert "\x00" not in caught.value.message


def test_a_good_entry_passes() -> None:
    check_entry(replace(ENTRY, tags=("drink",), metadata={"a": [1, {"b": None}]}, ttl_seconds=5.0))


def test_metadata_nested_too_deep_is_refused() -> None:
    metadata: dict[str, object] = {}
    for _ in range(50):
        metadata = {"a": metadata}
    with pytest.raises(InvalidInput, match="deeper"):
        check_entry(replace(ENTRY, metadata=metadata))


@pytest.mark.parametrize("name", ["", "two words", "x" * 129, "a\x00", "a\nb"])
def test_unfit_namespaces_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        check_namespace(name)


@pytest.mark.parametrize("name", ["default", "équipe/ада", "user:42@example"])
def test_fit_namespaces_pass(name: str) -> None:
    assert check_namespace(name) == name


@pytest.mark.parametrize(
    "where",
    [
        Filter(statuses=()),
        Filter(importance_min=2.0),
        Filter(occurred=TimeRange(after=NAIVE)),
        Filter(created=TimeRange(before=BEFORE_YEAR_1)),
        Filter(tags=("\ud800",)),
    ],
)
def test_bad_filters_are_refused(where: Filter) -> None:
    with pytest.raises(InvalidInput):
        check_filter(where)
