"""What a namespace's view knows beside the indexes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from memory.ports import IndexRow
from memory.recall.features import _best_of_each
from memory.recall.view import NamespaceView
from memory.records import Tier

START = datetime(2026, 5, 8, tzinfo=UTC)


def row(key: int, *, conversation: str | None = None, hours: float = 0, **more: object) -> IndexRow:
    told: dict[str, object] = {
        "tier": Tier.LONG_TERM.value,
        "searchable": True,
        "superseded": False,
        "expires_at": None,
        "speaker": None,
        "terms": ("a",) * key,
        "date_terms": (),
        "vector": None,
    }
    place = (START + timedelta(hours=hours), key)
    return IndexRow(key=key, conversation_id=conversation, position=place, **{**told, **more})


@pytest.fixture
def view() -> NamespaceView:
    return NamespaceView("n")


def test_everything_may_answer_when_nothing_is_hidden(view: NamespaceView) -> None:
    view.put(row(1))
    assert view.selection((), include_superseded=False, at=START) is None


def test_expired_and_superseded_records_are_hidden(view: NamespaceView) -> None:
    view.put(row(1, expires_at=START))
    view.put(row(2, superseded=True))
    view.put(row(3, expires_at=START + timedelta(hours=1)))
    hidden = view.selection((), include_superseded=False, at=START)
    assert hidden is not None
    assert (hidden.exclude, hidden.keys.tolist()) == (True, [1, 2])
    later = view.selection((), include_superseded=True, at=START + timedelta(hours=1))
    assert later is not None
    assert later.keys.tolist() == [1, 3]


def test_a_record_whose_life_is_prolonged_is_shown_again(view: NamespaceView) -> None:
    view.put(row(1, expires_at=START))
    view.selection((), include_superseded=False, at=START)
    view.put(row(1, expires_at=START + timedelta(days=1)))
    assert view.selection((), include_superseded=False, at=START) is None


def test_tiers_are_selected(view: NamespaceView) -> None:
    view.put(row(1))
    view.put(row(2, tier=Tier.WORKING.value))
    chosen = view.selection((Tier.WORKING,), include_superseded=False, at=START)
    assert chosen is not None
    assert (chosen.exclude, chosen.keys.tolist()) == (False, [2])


def test_a_gap_ends_a_sitting(view: NamespaceView) -> None:
    for key, conversation, hours in ((1, "c", 0), (2, "c", 1), (3, "c", 20), (4, "d", 0)):
        view.put(row(key, conversation=conversation, hours=hours))
    view.put(row(5))
    one, two, three, four, alone = view.sittings([1, 2, 3, 4, 5])
    assert one == two
    assert len({one, three, four, alone}) == 4


def test_lengths_and_neighbours_of_unknown_records_are_empty(view: NamespaceView) -> None:
    view.put(row(3))
    assert view.lengths([3, 9]).tolist() == [3, 0]
    assert view.neighbours([3, 9]).tolist() == [[-1, -1], [-1, -1]]


def test_a_sitting_scores_by_its_best_three() -> None:
    scores = np.array([9, 1, 3, 6, 5], np.float32)
    groups = np.array([0, 1, 0, 0, 0])
    assert np.allclose(_best_of_each(scores, groups), [20 / 3, 1 / 3, 20 / 3, 20 / 3, 20 / 3])
