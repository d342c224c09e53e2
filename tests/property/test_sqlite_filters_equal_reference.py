"""Filters compiled to SQL mean what the plain Python reference says, for any record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memory.backends.sqlite import SqliteStore
from memory.filtering import condition_holds, matches
from memory.privacy.keys import MasterKey
from memory.records import (
    AllOf,
    AnyOf,
    Comparison,
    Filter,
    Not,
    Operation,
    Source,
    SourceKind,
    Status,
    Tier,
    TimeRange,
)
from tests.contract.record_store_samples import EVERYTHING, NOW, record

OPERATORS = ["eq", "ne", "gt", "gte", "lt", "lte", "contains", "in", "not_in", "exists"]

# A small alphabet makes it likely that records and filters meet.
names = st.sampled_from(
    ["a", "b", "", "0", 'q"uote', "d.o.t", "[0]", "$", "é\\u0000", "\x01", "a'"]
)
numbers = st.one_of(
    st.sampled_from([0, 1, 1.0, -0.0, 2, 0.1, 2**53, 2**53 + 1, 2.0**53, 2**63 - 1, -(2**63)]),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)
texts = st.one_of(
    st.sampled_from(["", "a", "ab", "b", "1", "true", "[1]", '{"a":1}', "é", "😀", "%", "_"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=5,
)
metadata = st.dictionaries(names, values, max_size=4)


def places(value, path=()):
    """Every path into a value with what is there."""
    found = [(path, value)] if path else []
    if isinstance(value, dict):
        for key, each in value.items():
            found += places(each, (*path, key))
    return found


def parts(value):
    """What a comparison with a value may well be made with: itself and parts of it."""
    found = [value]
    if isinstance(value, list):
        found += value
    if isinstance(value, str):
        found += [value[:1], value[1:], value[1:2]]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**62:
        found += [value - 1, value + 1, float(value)]
    return [*found, str(value)]


@st.composite
def comparisons(draw, told):
    """A comparison that looks where something is, mostly for what is there."""
    known = [place for each in told for place in places(each)] or [(("a",), 1)]
    path, value = draw(st.sampled_from(known))
    if draw(st.integers(0, 9)) == 0:
        path = (*path, draw(names))[-2:]
    operand = st.sampled_from(parts(value)) | values
    operator = draw(st.sampled_from(OPERATORS))
    if operator == "exists":
        return Comparison(path, operator, draw(st.booleans()))
    if operator in ("in", "not_in"):
        return Comparison(path, operator, draw(st.lists(operand, max_size=3)))
    return Comparison(path, operator, draw(operand))


def conditions(told):
    return st.recursive(
        comparisons(told),
        lambda inner: st.one_of(
            st.builds(AllOf, st.lists(inner, max_size=3).map(tuple)),
            st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
            st.builds(Not, inner),
        ),
        max_leaves=3,
    )


@st.composite
def told_and_condition(draw):
    told = draw(st.lists(metadata, min_size=1, max_size=6))
    return told, draw(conditions(told))


instants = st.integers(-3, 3).map(lambda hours: NOW + timedelta(hours=hours))
optional_instants = st.none() | instants
labels = st.sampled_from(["x", "y", "it's", "赤"])
optional_labels = st.none() | labels
some_labels = st.lists(labels, max_size=2).map(tuple)
ranges = st.builds(TimeRange, after=optional_instants, before=optional_instants)
importances = st.sampled_from([0.0, 0.1, 0.5, 1.0])


@st.composite
def records(draw):
    """A record; every part has few values, so that filters often hold."""
    return record(
        1,
        tier=draw(st.sampled_from(Tier)),
        tags=tuple(draw(st.sets(labels))),
        metadata=draw(metadata),
        source=Source(
            kind=draw(st.sampled_from(SourceKind)),
            id=draw(optional_labels),
            conversation_id=draw(optional_labels),
            speaker=draw(optional_labels),
        ),
        importance=draw(importances),
        occurred_at=draw(optional_instants),
        created_at=draw(instants),
        expires_at=draw(optional_instants),
        pinned=draw(st.booleans()),
        status=draw(st.sampled_from(Status)),
    )


@st.composite
def filters(draw):
    """A filter that restricts one or two parts, so that some records pass."""
    parts_of_a_filter = {
        "ids": st.sampled_from([("id-00000", "id-00001"), ("id-00002",)]),
        "tiers": st.lists(st.sampled_from(Tier), min_size=1, max_size=3).map(tuple),
        "tags": some_labels,
        "source_kinds": st.lists(st.sampled_from(SourceKind), max_size=3).map(tuple),
        "source_ids": some_labels,
        "conversation_ids": some_labels,
        "speakers": some_labels,
        "occurred": ranges,
        "created": ranges,
        "importance_min": importances,
        "importance_max": importances,
        "pinned": st.booleans(),
        "statuses": st.sampled_from([(Status.ACTIVE,), (Status.FORGOTTEN, Status.SUPERSEDED)]),
        "include_expired": st.booleans(),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(parts_of_a_filter)), max_size=2))
    drawn = {name: draw(parts_of_a_filter[name]) for name in sorted(chosen)}
    plain = {"statuses": tuple(Status), "include_expired": True}
    return Filter(tag_match=draw(st.sampled_from(["any", "all"])), **{**plain, **drawn})


@pytest.fixture(scope="module")
def store():
    store = SqliteStore.open(None, MasterKey(bytes(32)), clock=lambda: NOW)
    yield store
    store.close()


class Rollback(Exception):
    """Ends a transaction that must leave nothing."""


def found_among(store, made, where, at=NOW):
    """The numbers of the records that SQL finds among these, in a transaction undone after."""
    found = []

    def work(tx):
        for number, each in enumerate(made):
            tx.write(replace(each, id=f"id-{number:05}"), Operation.STORED, actor="a")
        found.extend(each.id for each in tx.find("here", where, at, len(made)))
        raise Rollback

    with pytest.raises(Rollback):
        store.transact(work)
    return sorted(int(each.removeprefix("id-")) for each in found)


@settings(deadline=None, max_examples=250)
@given(told_and_condition())
@example(([{"a": True}, {"a": 1}, {"a": 1.0}], Comparison(("a",), "eq", 1)))
@example(([{"a": 2**53}, {"a": 2.0**53}], Comparison(("a",), "lt", 2**53 + 1)))
@example(([{"a": [[1]]}, {"a": [[1.0], 2]}], Comparison(("a",), "contains", [1])))
@example(([{"a": "text"}], Comparison(("a", "b"), "exists", False)))
@example(([{"a": '{"b":1}'}], Comparison(("a", "b"), "eq", 1)))
@example(([{"a": {"0": 1}}, {"a": [1]}], Comparison(("a", "0"), "eq", 1)))
@example(([{"a": 5e-324}], Comparison(("a",), "gt", 0)))
def test_conditions_on_metadata(store, made_up):
    told, condition = made_up
    made = [record(metadata=each) for each in told]
    expected = [at for at, each in enumerate(told) if condition_holds(each, condition)]
    assert found_among(store, made, replace(EVERYTHING, metadata=condition)) == expected


@settings(deadline=None, max_examples=60)
@given(st.lists(metadata.filter(bool), min_size=1, max_size=4), st.data())
def test_every_operator_on_what_is_there(store, told, data):
    """Searched in one transaction, so that many comparisons are tried on each example."""
    path, value = data.draw(st.sampled_from([place for each in told for place in places(each)]))
    tests = [
        Comparison(path, operator, part)
        for part in parts(value)
        for operator in ("eq", "ne", "gt", "gte", "lt", "lte", "contains")
    ]
    tests += [Comparison(path, operator, parts(value)[1:]) for operator in ("in", "not_in")]

    def work(tx):
        for number, each in enumerate(told):
            made = record(id=f"id-{number:05}", metadata=each)
            tx.write(made, Operation.STORED, actor="a")
        for test in tests:
            found = tx.find("here", replace(EVERYTHING, metadata=test), NOW, len(told))
            expected = [at for at, each in enumerate(told) if condition_holds(each, test)]
            assert sorted(int(each.id[3:]) for each in found) == expected, test
        raise Rollback

    with pytest.raises(Rollback):
        store.transact(work)


@settings(deadline=None, max_examples=200)
@given(st.lists(records(), min_size=1, max_size=6), filters(), instants)
def test_whole_filters(store, made, where, at):
    numbered = [replace(each, id=f"id-{number:05}") for number, each in enumerate(made)]
    expected = [number for number, each in enumerate(numbered) if matches(each, where, at)]
    assert found_among(store, made, where, at) == expected


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(names, values), max_size=4))
def test_metadata_comes_back_equal(store, told):
    made = record(metadata=dict(told))

    def work(tx):
        tx.write(made, Operation.STORED, actor="a")
        assert tx.get("here", made.id) == made
        raise Rollback

    with pytest.raises(Rollback):
        store.transact(work)
