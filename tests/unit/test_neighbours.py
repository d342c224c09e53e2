"""The order of records within a conversation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.recall.neighbours import GAP_MAX, Conversations

START = datetime(2026, 5, 8, tzinfo=UTC)


@pytest.fixture
def conversations() -> Conversations:
    placed = Conversations()
    for key, turn in ((10, 2), (11, 1), (12, 3)):
        placed.put(key, "chat", START, turn)
    return placed


def test_turns_order_records_of_one_moment(conversations: Conversations) -> None:
    assert conversations.beside(10) == (11, 12)


def test_removing_a_record_joins_its_neighbours(conversations: Conversations) -> None:
    conversations.remove(10)
    assert conversations.beside(11) == (None, 12)


def test_moving_a_record_to_another_conversation(conversations: Conversations) -> None:
    conversations.put(10, "other", START, 0)
    assert conversations.beside(10) == (None, None)
    assert conversations.beside(12) == (11, None)


def test_another_sitting_is_no_neighbour(conversations: Conversations) -> None:
    conversations.put(13, "chat", START + GAP_MAX + timedelta(seconds=1), 4)
    assert conversations.beside(12) == (10, None)


def test_a_record_outside_conversations_stands_alone() -> None:
    placed = Conversations()
    placed.put(1, None, START, 0)
    assert placed.beside(1) == (None, None)


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ab"), st.integers(0, 5))))
def test_neighbours_mirror_each_other(moves: list[tuple[int, str, int]]) -> None:
    placed = Conversations()
    for key, conversation, turn in moves:
        placed.put(key, conversation, START, turn)
    for key in range(10):
        _, after = placed.beside(key)
        assert after is None or placed.beside(after)[0] == key
