"""Callers that share the batches of one embedder."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from memory.embedding.batching import BatchingEmbedder
from memory.embedding.hashing import HashingEmbedder
from memory.errors import EmbedderUnavailable, InvalidInput

WAIT = 20


class GatedEmbedder(HashingEmbedder):
    """Stops at a gate in every batch, records the batches and fails on the text ``bad``."""

    def __init__(self, open_gate=False):
        super().__init__(16)
        self.batches = []
        self.entered = threading.Semaphore(0)
        self.gate = threading.Semaphore(10_000 if open_gate else 0)

    def encode(self, texts):
        self.batches.append(list(texts))
        self.entered.release()
        assert self.gate.acquire(timeout=WAIT)
        if "bad" in texts:
            raise EmbedderUnavailable("The model failed: try again.")
        return super().encode(texts)


class WatchedEmbedder(BatchingEmbedder):
    """Tells when a number of calls are waiting."""

    def wait_for_calls(self, count):
        deadline = threading.Event()
        for _ in range(WAIT * 1_000):
            with self._lock:
                if len(self._requests) == count:
                    return
            deadline.wait(0.001)
        raise AssertionError("the calls never arrived")


@pytest.fixture
def inner():
    return GatedEmbedder()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(40) as pool:
        yield pool


def start_while_busy(embedder, inner, pool, calls):
    """Starts one call that is held at the gate, then the others; returns the others' futures."""
    first = pool.submit(embedder.embed, ["first"])
    assert inner.entered.acquire(timeout=WAIT)
    futures = []
    for number, texts in enumerate(calls):
        futures.append(pool.submit(embedder.embed, texts))
        embedder.wait_for_calls(number + 2)
    return first, futures


def test_an_idle_embedder_runs_a_call_at_once_and_alone():
    inner = GatedEmbedder(open_gate=True)
    BatchingEmbedder(inner).embed(["a", "b"])
    assert inner.batches == [["a", "b"]]


def test_texts_that_arrive_during_a_batch_make_up_the_next(inner, pool):
    embedder = WatchedEmbedder(inner)
    first, others = start_while_busy(embedder, inner, pool, [["a"], ["b"], ["c"]])
    inner.gate.release(2)
    vectors = [other.result(WAIT)[0] for other in others]
    first.result(WAIT)
    assert inner.batches == [["first"], ["a", "b", "c"]]
    assert np.allclose(vectors, HashingEmbedder(16).embed(["a", "b", "c"]))


def test_no_batch_is_larger_than_allowed(inner, pool):
    embedder = WatchedEmbedder(inner, largest_batch=4)
    first, others = start_while_busy(embedder, inner, pool, [["a"] * 3, ["b"] * 6, ["c"]])
    inner.gate.release(100)
    assert [len(other.result(WAIT)) for other in others] == [3, 6, 1]
    first.result(WAIT)
    assert max(map(len, inner.batches)) == 4
    assert sum(map(len, inner.batches)) == 11


def test_a_short_call_does_not_wait_for_a_long_one(inner, pool):
    embedder = WatchedEmbedder(inner, largest_batch=4)
    _, (long, short) = start_while_busy(embedder, inner, pool, [["long"] * 40, ["short"]])
    inner.gate.release(2)
    assert short.result(WAIT).shape == (1, 16)
    assert not long.done()
    inner.gate.release(100)
    assert len(long.result(WAIT)) == 40


def test_a_text_as_long_as_several_takes_their_room(inner, pool):
    embedder = WatchedEmbedder(inner, largest_batch=4)
    long = "long " * 500
    _, (many, short) = start_while_busy(embedder, inner, pool, [[long] * 6, ["short"]])
    inner.gate.release(2)
    assert short.result(WAIT).shape == (1, 16)
    assert inner.batches[1] == [long, "short"]
    inner.gate.release(100)
    assert len(many.result(WAIT)) == 6
    assert max(map(len, inner.batches)) == 2


def test_a_text_longer_than_a_batch_is_taken_alone(pool):
    inner = GatedEmbedder(open_gate=True)
    texts = ["long " * 5_000, "also long " * 5_000]
    assert len(BatchingEmbedder(inner, largest_batch=2).embed(texts)) == 2
    assert sorted(inner.batches) == sorted([text] for text in texts)


def test_an_error_reaches_only_the_calls_in_its_batch(inner, pool):
    embedder = WatchedEmbedder(inner, largest_batch=2)
    _, (bad, beside, later) = start_while_busy(embedder, inner, pool, [["bad"], ["a"], ["b"]])
    inner.gate.release(100)
    for failed in (bad, beside):
        with pytest.raises(EmbedderUnavailable):
            failed.result(WAIT)
    assert later.result(WAIT).shape == (1, 16)
    assert embedder.embed(["again"]).shape == (1, 16)


def test_an_interrupted_leader_leaves_the_others_served(inner, pool):
    class Interrupted(BaseException):
        pass

    embedder = WatchedEmbedder(inner)
    plain = HashingEmbedder.encode

    def interrupt(texts):
        inner.entered.release()
        assert inner.gate.acquire(timeout=WAIT)
        inner.encode = lambda texts: plain(inner, texts)
        raise Interrupted

    inner.encode = interrupt
    first, (other,) = start_while_busy(embedder, inner, pool, [["a"]])
    inner.gate.release()
    with pytest.raises(Interrupted):
        first.result(WAIT)
    assert other.result(WAIT).shape == (1, 16)


def test_many_threads_get_their_own_vectors(pool):
    embedder = BatchingEmbedder(HashingEmbedder(16), largest_batch=8)
    texts = [[f"text {number}"] * (1 + number % 5) for number in range(200)]
    found = list(pool.map(embedder.embed, texts, timeout=WAIT))
    for asked, vectors in zip(texts, found, strict=True):
        assert np.allclose(vectors, HashingEmbedder(16).embed(asked))


def test_a_batch_of_no_texts_is_refused():
    with pytest.raises(InvalidInput):
        BatchingEmbedder(HashingEmbedder(), largest_batch=0)
