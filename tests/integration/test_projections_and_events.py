"""Projections that follow the store, and events that follow the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import memory.recall.projection as projection_module
from memory import (
    Entry,
    Event,
    EventBus,
    Filter,
    IntegratedMemorySystem,
    SharedMetadata,
    Source,
    Tier,
)
from memory.backends.sqlite import SqliteStore
from memory.embedding import embedder_from
from memory.errors import EmbedderUnavailable
from memory.ports import Embedder, EmbedderIdentity, Encoding, Floats
from memory.privacy.keys import MasterKey
from memory.records import Operation
from tests.conftest import ManualClock


class SwitchedEmbedder:
    """The hashing embedder behind a switch: while it is off, nothing can be embedded."""

    def __init__(self) -> None:
        self.inner = embedder_from("hashing")
        self.on = True

    @property
    def identity(self) -> EmbedderIdentity:
        return self.inner.identity

    @property
    def ready(self) -> bool:
        return self.on

    def load(self) -> None:
        self.embed([""])

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        if not self.on:
            raise EmbedderUnavailable("switched off by the test")
        return self.inner.encode(texts)

    def embed(self, texts: Sequence[str]) -> Floats:
        if not self.on:
            raise EmbedderUnavailable("switched off by the test")
        return self.inner.embed(texts)

    def close(self) -> None:
        self.inner.close()


def system_on(
    path: Path, key: MasterKey, clock: ManualClock, embedder: Embedder | None = None
) -> IntegratedMemorySystem:
    return IntegratedMemorySystem(
        EventBus(),
        SharedMetadata(),
        store=SqliteStore.open(path, key, clock=clock),
        embedder=embedder or embedder_from("hashing"),
        clock=clock,
    )


@pytest.fixture
def pair(
    tmp_path: Path, clock: ManualClock
) -> Iterator[tuple[IntegratedMemorySystem, IntegratedMemorySystem]]:
    """Two memories on one file, as two processes would have."""
    key = MasterKey.generate()
    with (
        system_on(tmp_path / "memory.db", key, clock) as one,
        system_on(tmp_path / "memory.db", key, clock) as other,
    ):
        yield one, other


def contents(memories: IntegratedMemorySystem, query: str) -> list[str]:
    return [hit.content for hit in memories.recall(query).hits]


def test_each_sees_the_others_writes_at_its_next_call(
    pair: tuple[IntegratedMemorySystem, IntegratedMemorySystem],
) -> None:
    one, other = pair
    assert contents(other, "tea") == []
    record_id = str(one.store("Ada drinks tea").id)
    assert contents(other, "tea") == ["Ada drinks tea"]
    other.update(record_id, {"content": "Ada drinks tea no more"})
    assert contents(one, "tea") == ["Ada drinks tea no more"]
    one.forget(record_id)
    assert contents(other, "tea") == []


def test_events_come_in_order_and_without_content(memories: IntegratedMemorySystem) -> None:
    heard: list[Event] = []
    memories.event_bus.subscribe("memory_updated", heard.append)
    record_id = str(memories.store("Ada drinks tea").id)
    memories.update(record_id, {"importance": 0.7})
    memories.forget(record_id)
    assert memories.flush_events()
    assert [event.operation for event in heard] == [
        Operation.STORED,
        Operation.UPDATED,
        Operation.FORGOTTEN,
    ]
    assert {event.record_id for event in heard} == {record_id}
    assert "tea" not in repr(heard)


def test_events_tell_of_what_another_process_wrote(
    pair: tuple[IntegratedMemorySystem, IntegratedMemorySystem],
) -> None:
    one, other = pair
    heard: list[Event] = []
    other.event_bus.subscribe("memory_updated", heard.append)
    result = one.store("Ada drinks tea")
    assert other.flush_events()
    assert [event.record_id for event in heard] == [result.id]


def test_dropped_projections_come_back_the_same(memories: IntegratedMemorySystem) -> None:
    memories.store(
        [
            Entry(content=f"turn {n} about tea", source=Source(conversation_id="c", turn=n))
            for n in range(30)
        ]
    )
    memories.forget(str(memories.recall("turn 7").hits[0].record.id))
    before = memories.recall("tea turn 8", limit=20).hits
    memories.rebuild()
    assert memories.recall("tea turn 8", limit=20).hits == before
    assert memories.check() == []


def test_the_least_recently_used_namespace_makes_room(
    memories: IntegratedMemorySystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection_module, "VIEWS_MAX", 2)
    for name in ("a", "b", "c", "d"):
        memories.store(f"tea in {name}", namespace=name)
        assert len(memories.recall("tea", namespace=name).hits) == 1
    assert memories.recall("tea", namespace="a").hits[0].content == "tea in a"


def test_without_the_embedder_words_go_on_and_vectors_follow(
    tmp_path: Path, clock: ManualClock
) -> None:
    embedder = SwitchedEmbedder()
    with system_on(tmp_path / "memory.db", MasterKey.generate(), clock, embedder) as memories:
        embedder.on = False
        result = memories.store("Ada drinks tea")
        assert result.status == "stored"
        assert result.reason is not None
        outcome = memories.recall("tea")
        assert (len(outcome.hits), outcome.degraded) == (1, ("words_only",))
        with pytest.raises(EmbedderUnavailable):
            memories.embed_missing()
        embedder.on = True
        assert (memories.embed_missing(), memories.embed_missing()) == (1, 0)
        (hit,) = memories.recall("tea", explain=True).hits
        assert hit.why is not None
        assert hit.why["dense"] > 0
        assert memories.check() == []


def test_warming_builds_what_the_first_recall_would_wait_for(
    tmp_path: Path, clock: ManualClock
) -> None:
    key = MasterKey.generate()
    with system_on(tmp_path / "memory.db", key, clock) as memories:
        memories.store(["tea", "coffee"], namespace="large")
        memories.store("tea", namespace="small")
    with system_on(tmp_path / "memory.db", key, clock) as memories:
        memories.warm(1)
        views = memories._projections._views
        assert {name: len(view) for name, view in views.items()} == {"large": 2}


def test_everything_is_there_after_reopening(tmp_path: Path, clock: ManualClock) -> None:
    key = MasterKey.generate()
    with system_on(tmp_path / "memory.db", key, clock) as memories:
        memories.store("Ada drinks tea")
    with system_on(tmp_path / "memory.db", key, clock) as memories:
        assert contents(memories, "tea") == ["Ada drinks tea"]


def test_the_metadata_knows_the_models_and_features(memories: IntegratedMemorySystem) -> None:
    told = memories.metadata.as_json()
    assert [model.purpose for model in memories.metadata.models] == ["embedding"]
    assert {"models", "features"} == set(told)


def test_words_and_vectors_are_made_anew_from_the_records(
    tmp_path: Path, clock: ManualClock
) -> None:
    key = MasterKey.generate()
    with system_on(tmp_path / "memory.db", key, clock) as memories:
        memories.store([Entry(content=f"tea number {n}", tier=Tier.SHORT_TERM) for n in range(300)])
        store = SqliteStore.open(tmp_path / "memory.db", key, clock=clock)
        keys = store.keys("default", Filter(), clock()).tolist()
        store.put_words([(one, 1, ("spoilt",), ()) for one in keys])
        assert memories.recall("tea number 7", explain=True, limit=1).hits[0].why["words"] == 0
        store.close()
        assert memories.rebuild() == 300
        (hit,) = memories.recall("tea number 7", explain=True, limit=1).hits
        assert (hit.content, hit.why["words"] > 0) == ("tea number 7", True)
        assert memories.check() == []
