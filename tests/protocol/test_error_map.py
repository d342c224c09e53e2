"""The table of errors is complete, and each error reaches HTTP with its number and facts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from memory import errors
from memory.errors import Conflict, InvalidInput, MemorydError
from memory.records import MemoryRecord, Source, Tier
from server.error_map import NUMBERS, error_body, facts_of, numbers_of, retry_headers


def kinds(root: type[MemorydError] = MemorydError) -> Iterator[type[MemorydError]]:
    yield root
    for kind in root.__subclasses__():
        yield from kinds(kind)


def test_every_kind_of_error_is_numbered_by_its_own_branch() -> None:
    for kind in kinds():
        numbers = numbers_of(kind("x"))
        branch = next(one for one in kind.__mro__ if one in NUMBERS)
        assert numbers is NUMBERS[branch]
        assert branch is not MemorydError or kind is MemorydError, kind


def test_the_table_names_only_errors_there_are() -> None:
    assert {kind.__name__ for kind in NUMBERS} <= set(errors.__all__)


def test_numbers_are_told_apart_as_the_contract_says() -> None:
    told = {kind.code: (numbers.http, numbers.json_rpc) for kind, numbers in NUMBERS.items()}
    assert told == {
        "invalid_input": (422, -32602),
        "not_found": (404, -32010),
        "conflict": (409, -32011),
        "capacity_exceeded": (429, -32012),
        "quota_exceeded": (429, -32012),
        "unauthenticated": (401, -32013),
        "forbidden": (403, -32014),
        "unavailable": (503, -32015),
        "internal": (500, -32603),
    }


def test_errors_that_pass_say_when_to_try_again() -> None:
    waiting = {kind.code for kind in kinds() if retry_headers(kind("x"))}
    assert waiting == {kind.code for kind in kinds() if kind.retryable}


def test_a_body_is_json_whatever_a_field_is_called() -> None:
    error = InvalidInput("\ud800: is not a known parameter", "\ud800")
    assert json.loads(error_body(error))["error"]["details"] == {"field": "\ud800"}


def test_a_message_is_bounded() -> None:
    assert len(str(facts_of(InvalidInput("x" * 1_000_000))["message"])) == 2_000


def test_a_conflict_tells_the_current_state() -> None:
    moment = datetime(2026, 5, 8, tzinfo=UTC)
    record = MemoryRecord(
        id="1",
        namespace="n",
        tier=Tier.SEMANTIC,
        content="as it is",
        tags=(),
        metadata={},
        source=Source(),
        importance=0.5,
        occurred_at=None,
        valid_from=None,
        valid_to=None,
        created_at=moment,
        updated_at=moment,
        expires_at=None,
        version=4,
    )
    details = facts_of(Conflict("changed", {"current_version": 4}, record))["details"]
    assert isinstance(details, dict)
    assert (details["current_version"], details["current"]["content"]) == (4, "as it is")


@pytest.mark.parametrize("kind", list(kinds()))
def test_facts_are_json(kind: type[MemorydError]) -> None:
    assert json.loads(json.dumps(facts_of(kind("x"))))["code"] == kind.code
