"""Benchmarks: store and recall beside their floors, measured in the same run.

    pytest tests/benchmark_memory.py --benchmark-enable --benchmark-only \
        --benchmark-json=benchmark.json

Absolute times depend on the machine; the ratios printed at the end do not much. The floor of a
store is embedding its texts; the floor of a recall is embedding the query and one exact matrix
product over all vectors. Texts are drawn word by word from the sample conversation, each word as
often as there, so that common words have long posting lists.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from memory import Entry, EventBus, IntegratedMemorySystem, SharedMetadata, Source
from memory.backends.sqlite import SqliteStore
from memory.embedding import embedder_from
from memory.ports import Embedder, Encoding, Floats
from memory.privacy.keys import MasterKey
from memory.system import utc_now

CONVERSATION = Path(__file__).parent / "data" / "conversation.jsonl"
WORDS_PER_TEXT = (8, 30)
BATCH = 256
TURNS = 20
QUERIES = 40
TOKENS = 25
WIDTH = 64


@pytest.fixture(scope="module")
def embedder() -> Iterator[SharedEmbedder]:
    model = embedder_from("minilm")
    model.load()
    yield SharedEmbedder(model)
    model.close()


class Texts:
    """Reproducible texts and queries with the words of the sample conversation."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        lines = CONVERSATION.read_text(encoding="utf-8").splitlines()
        self._words = [word for line in lines for word in json.loads(line)["content"].split()]

    def take(self, count: int) -> list[str]:
        lengths = self._random.integers(*WORDS_PER_TEXT, count)
        drawn = self._random.integers(0, len(self._words), int(lengths.sum()))
        ends = np.cumsum(lengths)
        return [
            " ".join(self._words[i] for i in drawn[end - length : end])
            for end, length in zip(ends, lengths, strict=True)
        ]


def entries(texts: list[str]) -> list[Entry]:
    return [
        Entry(content=text, source=Source(conversation_id=f"c{n // TURNS}", turn=n % TURNS))
        for n, text in enumerate(texts)
    ]


class SharedEmbedder:
    """The real model, which outlives the memories of this module.

    Filling a large memory does not run it: while ``real`` is off each text gets a random unit
    vector and random token vectors, so that a hundred thousand records are made in seconds.
    Queries run the real model.
    """

    def __init__(self, inner: Embedder) -> None:
        self.inner = inner
        self.identity = inner.identity
        self.ready = True
        self.real = True
        self._random = np.random.default_rng(7)

    def load(self) -> None:
        """The model is loaded already."""

    def close(self) -> None:
        """The model belongs to the benchmark."""

    def encode(self, texts: list[str]) -> list[Encoding]:
        if self.real:
            return self.inner.encode(texts)
        shape = (len(texts), self.identity.dimension)
        vectors = self._random.standard_normal(shape, dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return [self._encoding(vector) for vector in vectors]

    def embed(self, texts: list[str]) -> Floats:
        return np.stack([one.vector for one in self.encode(texts)])

    def _encoding(self, vector: Floats) -> Encoding:
        tokens = self._random.integers(-27, 28, (TOKENS, WIDTH), dtype=np.int8)
        return Encoding(vector, tokens, np.ones(TOKENS, dtype=np.float32))


def open_system(path: Path, embedder: SharedEmbedder) -> IntegratedMemorySystem:
    store = SqliteStore.open(path / "memory.db", MasterKey.generate(), clock=utc_now)
    return IntegratedMemorySystem(EventBus(), SharedMetadata(), store=store, embedder=embedder)


def median_s(function: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


@pytest.mark.benchmark(group="store")
def test_store_a_batch_beside_embedding_alone(
    benchmark: pytest.FixtureRequest, tmp_path: Path, embedder: SharedEmbedder
) -> None:
    texts = Texts(1)
    with open_system(tmp_path, embedder) as memories:
        memories.store(entries(texts.take(BATCH)))
        batches = iter([texts.take(BATCH) for _ in range(12)])
        floor = median_s(lambda: embedder.embed(next(batches)), 4)
        benchmark.pedantic(lambda: memories.store(entries(next(batches))), rounds=6)
    benchmark.extra_info["floor_s"] = floor
    benchmark.extra_info["ratio"] = benchmark.stats.stats.median / floor
    benchmark.extra_info["records_per_s"] = BATCH / benchmark.stats.stats.median


@pytest.mark.benchmark(group="store")
def test_store_one_beside_embedding_alone(
    benchmark: pytest.FixtureRequest, tmp_path: Path, embedder: SharedEmbedder
) -> None:
    texts = iter(Texts(2).take(400))
    with open_system(tmp_path, embedder) as memories:
        memories.store(next(texts))
        floor = median_s(lambda: embedder.embed([next(texts)]), 50)
        benchmark.pedantic(lambda: memories.store(next(texts)), rounds=100)
    benchmark.extra_info["floor_s"] = floor
    benchmark.extra_info["ratio"] = benchmark.stats.stats.median / floor


@pytest.mark.benchmark(group="recall")
@pytest.mark.parametrize("records", [1_000, 10_000, 100_000])
def test_recall_beside_embedding_and_one_matrix_product(
    benchmark: pytest.FixtureRequest, tmp_path: Path, embedder: SharedEmbedder, records: int
) -> None:
    texts = Texts(3)
    with open_system(tmp_path, embedder) as memories:
        embedder.real = False
        for start in range(0, records, 1000):
            memories.store(entries(texts.take(min(1000, records - start))))
        embedder.real = True
        first = median_s(lambda: memories.recall("warm up"), 1)
        matrix = np.random.default_rng(9).standard_normal(
            (records, embedder.identity.dimension), dtype=np.float32
        )
        queries = iter(texts.take(QUERIES * 4 + 10))

        def floor_s() -> float:
            """Each part alone, since their threads would disturb each other."""
            vector = embedder.embed([next(queries)])[0]
            product = median_s(lambda: np.argpartition(matrix @ vector, -10)[-10:], QUERIES)
            return product + median_s(lambda: embedder.embed([next(queries)]), QUERIES)

        before = floor_s()
        benchmark.pedantic(lambda: memories.recall(next(queries)), rounds=QUERIES, warmup_rounds=3)
        floor = (before + floor_s()) / 2
    benchmark.extra_info["floor_s"] = floor
    benchmark.extra_info["ratio"] = benchmark.stats.stats.median / floor
    benchmark.extra_info["first_recall_s"] = first
