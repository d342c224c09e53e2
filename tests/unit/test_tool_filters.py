"""The filter language of the wire."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from memory.errors import InvalidInput
from memory.records import AllOf, AnyOf, Comparison, Not, Status, Tier
from tools.filters import FiltersIn, condition


def test_a_bare_value_means_equality() -> None:
    assert condition({"project": "apollo"}) == Comparison(("project",), "eq", "apollo")


def test_a_dot_goes_into_nested_objects() -> None:
    assert condition({"a.b": {"exists": True}}) == Comparison(("a", "b"), "exists", True)


def test_several_operators_must_all_hold() -> None:
    assert condition({"cost": {"gte": 1, "lt": 2}}) == AllOf(
        (Comparison(("cost",), "gte", 1), Comparison(("cost",), "lt", 2))
    )


def test_connectives_nest() -> None:
    described = {"OR": [{"a": 1}, {"not": {"b": {"nin": [1, 2]}}}]}
    assert condition(described) == AnyOf(
        (Comparison(("a",), "eq", 1), Not(Comparison(("b",), "not_in", [1, 2])))
    )


@pytest.mark.parametrize(
    "described",
    [
        {"a": {"like": "x"}},
        {"a": {}},
        {"a": {"in": 1}},
        {"a": {"gt": [1]}},
        {"a": {"exists": 1}},
        {"and": {"a": 1}},
        {"or": [1]},
        {"and": []},
        {"or": []},
        {"not": []},
    ],
)
def test_malformed_conditions_are_refused(described: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=r"filters\.metadata"):
        condition(described)


def test_deep_nesting_is_refused() -> None:
    described: dict[str, object] = {"a": 1}
    for _ in range(50):
        described = {"not": described}
    with pytest.raises(InvalidInput, match="deeper"):
        condition(described)


def test_names_may_be_single_or_listed() -> None:
    where = FiltersIn.model_validate(
        {"tier": "semantic", "speaker": ["Ada", "Ada"], "tags": "a, b", "status": "superseded"}
    ).to_filter()
    assert where.tiers == (Tier.SEMANTIC,)
    assert (where.speakers, where.tags) == (("Ada",), ("a", "b"))
    assert where.statuses == (Status.SUPERSEDED,)


@pytest.mark.parametrize(
    "told",
    [
        {"unknown": 1},
        {"tier": "attic"},
        {"after": "2026-05-08T12:00:00"},
        {"importance_min": 2},
        {"status": []},
        {"tags": [1]},
    ],
)
def test_bad_filters_are_refused(told: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FiltersIn.model_validate(told)
