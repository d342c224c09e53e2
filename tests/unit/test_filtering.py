"""The limits of filters, and the reference that backends are compared with."""

from __future__ import annotations

import pytest

from memory.errors import InvalidInput
from memory.filtering import DEPTH_MAX, check_filter, condition_holds
from memory.records import AllOf, AnyOf, Comparison, Filter, Not

PLAIN = Comparison(("a",), "eq", 1)


def nested(depth):
    condition = PLAIN
    for _ in range(depth - 1):
        condition = Not(condition)
    return condition


def nested_value(depth):
    value = 1
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "where",
    [
        Filter(),
        Filter(metadata=nested(DEPTH_MAX)),
        Filter(metadata=Comparison(("a",) * DEPTH_MAX, "eq", nested_value(DEPTH_MAX))),
        Filter(metadata=Comparison(("a",), "in", list(range(190)))),
        Filter(ids=("x",) * 10_000),
    ],
)
def test_filters_within_the_limits_pass(where):
    check_filter(where)


@pytest.mark.parametrize(
    "where",
    [
        Filter(statuses=()),
        Filter(metadata=nested(DEPTH_MAX + 1)),
        Filter(metadata=AllOf((PLAIN,) * 150)),
        Filter(metadata=Comparison((), "eq", 1)),
        Filter(metadata=Comparison(("a",) * (DEPTH_MAX + 1), "eq", 1)),
        Filter(metadata=Comparison(("a",), "eq", nested_value(DEPTH_MAX + 1))),
        Filter(metadata=Comparison(("a",), "in", list(range(201)))),
        Filter(metadata=Comparison(("a",), "in", "text")),
        Filter(metadata=Comparison(("a",), "exists", 1)),
        Filter(metadata=Comparison(("a",), "eq", float("nan"))),
        Filter(metadata=Comparison(("a",), "lt", 2**63)),
        Filter(ids=("x",) * 10_001),
    ],
)
def test_filters_beyond_the_limits_are_refused(where):
    with pytest.raises(InvalidInput):
        check_filter(where)


@pytest.mark.parametrize(
    ("metadata", "operator", "value", "holds"),
    [
        ({"a": 1}, "eq", 1.0, True),
        ({"a": True}, "eq", 1, False),
        ({"a": 1}, "eq", "1", False),
        ({}, "eq", None, False),
        ({"a": None}, "eq", None, True),
        ({}, "ne", 1, True),
        ({}, "not_in", [1], True),
        ({"a": [1, 2.0]}, "eq", [1.0, 2], True),
        ({"a": {"b": 1}}, "eq", {"b": True}, False),
        ({"a": 2}, "gt", 1, True),
        ({"a": 1}, "gte", 1.0, True),
        ({"a": "b"}, "lt", "c", True),
        ({"a": "2"}, "gt", 1, False),
        ({"a": True}, "gt", 0, False),
        ({"a": 2}, "lte", 1, False),
        ({"a": [1, "x"]}, "contains", "x", True),
        ({"a": "text"}, "contains", "ex", True),
        ({"a": "text"}, "contains", "EX", False),
        ({"a": 1}, "contains", 1, False),
        ({"a": None}, "exists", True, True),
        ({}, "exists", False, True),
        ({"a": 1}, "exists", False, False),
        ({"a": 1}, "in", [2, 1.0], True),
    ],
)
def test_comparisons_mean_what_is_documented(metadata, operator, value, holds):
    assert condition_holds(metadata, Comparison(("a",), operator, value)) is holds


def test_paths_go_through_objects_only():
    metadata = {"a": {"b.c": [1]}}
    assert condition_holds(metadata, Comparison(("a", "b.c"), "contains", 1))
    assert not condition_holds(metadata, Comparison(("a", "b.c", "0"), "exists", True))
    assert not condition_holds(metadata, Comparison(("a", "b", "c"), "exists", True))


def test_empty_groups_hold_as_logic_has_it():
    assert condition_holds({}, AllOf(()))
    assert not condition_holds({}, AnyOf(()))
