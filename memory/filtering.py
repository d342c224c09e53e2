"""What a filter means: the limits every filter keeps, and its evaluation in plain Python.

Backends compile filters into their own query language; this module is the reference that they
are tested against, and the quick way for the few records that are already in hand.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import datetime

from memory.errors import InvalidInput
from memory.records import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Filter,
    JsonValue,
    MemoryRecord,
    Not,
    TimeRange,
)

DEPTH_MAX = 8
"""How deep conditions may be nested, and how long a path of keys or a nested value may be."""

CONDITIONS_MAX = 200
"""How many conditions and values one filter may hold on metadata."""

VALUES_MAX = 10_000
"""How many ids, tags or other plain values each part of a filter may list."""

INTEGER_MAX = 2**63 - 1
INTEGER_MIN = -(2**63)

_FIELD = "filters"


def check_filter(where: Filter) -> None:
    """Refuses a filter that is malformed or too large to be compiled.

    Raises:
        InvalidInput: Says which limit was passed or what is malformed.
    """
    if not where.statuses:
        raise InvalidInput("At least one status must be allowed.", f"{_FIELD}.statuses")
    for name in ("ids", "tags", "source_ids", "conversation_ids", "speakers"):
        if len(getattr(where, name)) > VALUES_MAX:
            raise InvalidInput(f"At most {VALUES_MAX} values can be listed.", f"{_FIELD}.{name}")
    if where.metadata is not None and _size(where.metadata, DEPTH_MAX) > CONDITIONS_MAX:
        raise InvalidInput(
            f"The metadata filter holds more than {CONDITIONS_MAX} conditions and values.", _FIELD
        )


def matches(record: MemoryRecord, where: Filter, at: datetime) -> bool:
    """Whether the record is meant by the filter at that time.

    The filter must have passed ``check_filter``.
    """
    return (
        record.status in where.statuses
        and (where.include_expired or _in_force(record, at))
        and _identity_matches(record, where)
        and _source_matches(record, where)
        and _range_holds(record.occurred_at or record.created_at, where.occurred)
        and _range_holds(record.created_at, where.created)
        and _importance_matches(record.importance, where)
        and (where.metadata is None or condition_holds(record.metadata, where.metadata))
    )


def _in_force(record: MemoryRecord, at: datetime) -> bool:
    return record.expires_at is None or record.expires_at > at


def _importance_matches(importance: float, where: Filter) -> bool:
    low = 0.0 if where.importance_min is None else where.importance_min
    high = 1.0 if where.importance_max is None else where.importance_max
    return low <= importance <= high


def condition_holds(metadata: Mapping[str, JsonValue], condition: Condition) -> bool:
    """Whether a condition on metadata holds, as ``Comparison`` and its siblings define it."""
    match condition:
        case AllOf(conditions):
            return all(condition_holds(metadata, each) for each in conditions)
        case AnyOf(conditions):
            return any(condition_holds(metadata, each) for each in conditions)
        case Not(inner):
            return not condition_holds(metadata, inner)
        case Comparison():
            return _comparison_holds(metadata, condition)


def same_value(left: JsonValue, right: JsonValue) -> bool:
    """Whether two JSON values are equal: numbers by value, all else by type and value."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left == right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_value, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            same_value(value, right[key]) for key, value in left.items()
        )
    return left == right and type(left) is type(right)


def _among(value: object, allowed: Collection[object]) -> bool:
    return not allowed or value in allowed


def _identity_matches(record: MemoryRecord, where: Filter) -> bool:
    tags_hold = (
        not where.tags
        or (where.tag_match == "any" and any(tag in record.tags for tag in where.tags))
        or (where.tag_match == "all" and all(tag in record.tags for tag in where.tags))
    )
    return (
        tags_hold
        and _among(record.id, where.ids)
        and _among(record.tier, where.tiers)
        and (where.pinned is None or record.pinned is where.pinned)
    )


def _source_matches(record: MemoryRecord, where: Filter) -> bool:
    source = record.source
    return (
        _among(source.kind, where.source_kinds)
        and _among(source.id, where.source_ids)
        and _among(source.conversation_id, where.conversation_ids)
        and _among(source.speaker, where.speakers)
    )


def _range_holds(time: datetime, allowed: TimeRange) -> bool:
    return (allowed.after is None or time >= allowed.after) and (
        allowed.before is None or time < allowed.before
    )


class _Absent:
    """Stands for a value that is not there, which null is not."""


_ABSENT = _Absent()


def _value_at(metadata: Mapping[str, JsonValue], path: tuple[str, ...]) -> JsonValue | _Absent:
    value: object = metadata
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return _ABSENT
        value = value[key]
    return value  # type: ignore[return-value]  # a part of a JSON value is one


def _comparison_holds(metadata: Mapping[str, JsonValue], test: Comparison) -> bool:
    value = _value_at(metadata, test.path)
    if test.operator == "exists":
        return (value is not _ABSENT) is test.value
    negated = test.operator in ("ne", "not_in")
    if isinstance(value, _Absent):
        return negated
    return _value_holds(value, test) is not negated


def _value_holds(value: JsonValue, test: Comparison) -> bool:
    match test.operator:
        case "eq" | "ne":
            return same_value(value, test.value)
        case "in" | "not_in":
            return any(same_value(value, each) for each in _values(test))
        case "contains":
            return _contains(value, test.value)
        case _:
            return _ordered(value, test)


def _values(test: Comparison) -> list[JsonValue]:
    return test.value if isinstance(test.value, list) else []


def _contains(value: JsonValue, part: JsonValue) -> bool:
    if isinstance(value, list):
        return any(same_value(each, part) for each in value)
    return isinstance(value, str) and isinstance(part, str) and part in value


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _ordered(value: JsonValue, test: Comparison) -> bool:
    both_numbers = _is_number(value) and _is_number(test.value)
    both_texts = isinstance(value, str) and isinstance(test.value, str)
    if not (both_numbers or both_texts):
        return False
    left, right = (value, test.value)
    less: bool = left < right  # type: ignore[operator]  # both numbers or both texts
    if same_value(left, right):
        return test.operator in ("gte", "lte")
    return less is (test.operator in ("lt", "lte"))


def _size(condition: Condition, depth: int) -> int:
    """How many conditions and values there are; refuses what is malformed or too deep."""
    if depth == 0:
        raise InvalidInput(f"Conditions may be nested at most {DEPTH_MAX} deep.", _FIELD)
    match condition:
        case AllOf(conditions) | AnyOf(conditions):
            return 1 + sum(_size(each, depth - 1) for each in conditions)
        case Not(inner):
            return 1 + _size(inner, depth - 1)
        case Comparison():
            _check_operand(condition)
            return len(condition.path) + _value_size(condition.value, DEPTH_MAX)


def _check_operand(test: Comparison) -> None:
    if not 1 <= len(test.path) <= DEPTH_MAX:
        raise InvalidInput(f"A path needs 1 to {DEPTH_MAX} keys.", _FIELD)
    if test.operator == "exists" and not isinstance(test.value, bool):
        raise InvalidInput("The operator exists takes true or false.", _FIELD)
    if test.operator in ("in", "not_in") and not isinstance(test.value, list):
        raise InvalidInput("The operators in and not_in take a list of values.", _FIELD)


def _value_size(value: JsonValue, depth: int) -> int:
    if depth == 0:
        raise InvalidInput(f"Values may be nested at most {DEPTH_MAX} deep.", _FIELD)
    if isinstance(value, dict):
        return 1 + sum(_value_size(each, depth - 1) for each in value.values())
    if isinstance(value, list):
        return 1 + sum(_value_size(each, depth - 1) for each in value)
    if not number_fits(value):
        raise InvalidInput("Numbers must be finite, whole ones of at most 64 bits.", _FIELD)
    return 1


def number_fits(value: JsonValue) -> bool:
    """Whether the value, if it is a number, keeps its exact value in every backend."""
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or INTEGER_MIN <= value <= INTEGER_MAX
