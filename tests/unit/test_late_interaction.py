"""Late interaction over stored token vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory import EventBus, IntegratedMemorySystem, SharedMetadata
from memory.backends.sqlite import SqliteStore
from memory.ports import Floats, Keys, Tokens
from memory.privacy.keys import MasterKey
from memory.recall import late_interaction
from memory.recall.features import QUESTION_TOKENS_MAX
from memory.recall.late_interaction import LateInteraction
from memory.system import utc_now


class CountingStore(SqliteStore):
    """A store that gives token vectors of its own making and counts how often it is asked."""

    held: dict[int, Tokens]
    asked: list[int]

    def tokens(self, model: str, keys: Sequence[int]) -> dict[int, Tokens]:
        self.asked += keys
        return {key: self.held[key] for key in keys if key in self.held}


def store_of(held: dict[int, Tokens]) -> CountingStore:
    store = CountingStore.open(None, MasterKey.generate(), clock=utc_now)
    store.held, store.asked = held, []
    return store


def unit(*rows: Sequence[float]) -> Tokens:
    return np.rint(np.array(rows) * 127).astype(np.int8)


HELD = {1: unit([1, 0], [0, 1]), 2: unit([0.6, 0.8]), 4: unit([-1, 0])}
QUESTION = unit([1, 0], [0, -1])


def test_each_token_of_the_question_takes_its_best_answer() -> None:
    best = LateInteraction(store_of(HELD), "m").best_products(QUESTION, np.array([1, 2, 4]))
    assert np.allclose(best, [[1, 0], [0.6, -0.8], [-1, 0]], atol=0.02)


def test_records_without_token_vectors_are_not_known() -> None:
    best = LateInteraction(store_of(HELD), "m").best_products(QUESTION, np.array([3, 1]))
    assert np.isnan(best[0]).all()
    assert np.isfinite(best[1]).all()


def test_a_question_without_tokens_asks_nothing() -> None:
    store = store_of(HELD)
    best = LateInteraction(store, "m").best_products(np.empty((0, 0), np.int8), np.array([1, 2]))
    assert best.shape == (2, 0)
    assert store.asked == []


def test_what_was_read_is_kept_until_it_is_dropped() -> None:
    store = store_of(HELD)
    late = LateInteraction(store, "m")
    for _ in range(3):
        late.best_products(QUESTION, np.array([1, 2]))
    assert store.asked == [1, 2]
    late.drop([1])
    late.best_products(QUESTION, np.array([1, 2]))
    assert store.asked == [1, 2, 1]


def test_memory_is_bounded() -> None:
    store = store_of(HELD)
    late = LateInteraction(store, "m", cache_bytes_max=4)
    for key in (1, 2, 1):
        late.best_products(QUESTION, np.array([key]))
    assert store.asked == [1, 2, 1]


def test_a_neighbour_that_is_not_there_is_not_asked_for() -> None:
    store = store_of(HELD)
    late = LateInteraction(store, "m")
    for _ in range(2):
        best = late.best_products(QUESTION, np.array([-1, 1]))
    assert np.isnan(best[0]).all()
    assert store.asked == [1]


def test_many_tokens_are_compared_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = np.array([1, 3, 2, 4])
    whole = LateInteraction(store_of(HELD), "m").best_products(QUESTION, keys)
    monkeypatch.setattr(late_interaction, "_TOKENS_AT_ONCE", 1)
    in_pieces = LateInteraction(store_of(HELD), "m").best_products(QUESTION, keys)
    assert np.array_equal(whole, in_pieces, equal_nan=True)


def test_of_a_long_question_only_the_telling_tokens_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[int] = []
    whole = LateInteraction.best_products

    def watched(self: LateInteraction, question: Tokens, keys: Keys) -> Floats:
        compared.append(len(question))
        return whole(self, question, keys)

    monkeypatch.setattr(LateInteraction, "best_products", watched)
    with IntegratedMemorySystem(EventBus(), SharedMetadata()) as memories:
        memories.store("Ada prefers green tea")
        memories.recall("what does Ada drink?", min_confidence=0)
        memories.recall("tea or coffee? " * 1_000, min_confidence=0)
    assert compared[0] < QUESTION_TOKENS_MAX == compared[1]


@given(st.lists(st.sampled_from([1, 2, 3, 4]), min_size=1, max_size=8))
def test_each_record_scores_as_it_would_alone(keys: list[int]) -> None:
    late = LateInteraction(store_of(HELD), "m")
    together = late.best_products(QUESTION, np.array(keys))
    alone = [late.best_products(QUESTION, np.array([key]))[0] for key in keys]
    assert np.allclose(together, alone, equal_nan=True)
