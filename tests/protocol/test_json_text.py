"""Strict JSON: what any JSON writer writes comes back; anything doubtful is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.json_text import NotJson, parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES.filter(lambda value: "inf" not in repr(value)))
def test_what_is_written_as_json_comes_back(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@given(st.binary())
def test_any_bytes_are_a_value_or_refused(body: bytes) -> None:
    try:
        parse_json(body)
    except NotJson as error:
        assert error.reason  # noqa: PT017 - that it is raised at all depends on the bytes


@pytest.mark.parametrize("body", ["NaN", "[Infinity]", '{"a": 1, "a": 1}', "[" * 10**6, ""])
def test_what_parsers_read_differently_is_refused(body: str) -> None:
    with pytest.raises(NotJson):
        parse_json(body)


def test_a_reason_never_has_the_text() -> None:
    with pytest.raises(NotJson) as caught:
        parse_json('{"hunter2": hunter2}')
    assert "hunter2" not in caught.value.reason
