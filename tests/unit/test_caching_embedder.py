"""Vectors that are kept for texts asked again."""

from __future__ import annotations

import numpy as np
import pytest

from memory.embedding.caching import CachingEmbedder
from memory.embedding.hashing import HashingEmbedder


class RecordingEmbedder(HashingEmbedder):
    """Records what it is asked for."""

    def __init__(self):
        super().__init__(16)
        self.asked = []

    def encode(self, texts):
        self.asked.extend(texts)
        return super().encode(texts)


@pytest.fixture
def inner():
    return RecordingEmbedder()


def test_a_text_asked_again_is_not_computed_again(inner):
    embedder = CachingEmbedder(inner)
    first, again = embedder.embed(["a", "b"]), embedder.embed(["b", "c", "a"])
    assert inner.asked == ["a", "b", "c"]
    assert np.array_equal(again[[2, 0]], first)


def test_a_text_twice_in_one_call_is_computed_once(inner):
    vectors = CachingEmbedder(inner).embed(["a", "a"])
    assert inner.asked == ["a"]
    assert np.array_equal(vectors[0], vectors[1])


def test_the_text_not_used_for_longest_is_let_go(inner):
    embedder = CachingEmbedder(inner, cached_texts=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        embedder.embed([text])
    assert inner.asked == ["a", "b", "c", "b"]


def test_changing_a_result_does_not_change_what_is_kept(inner):
    embedder = CachingEmbedder(inner)
    first = embedder.embed(["a"])
    expected = first.copy()
    first[:] = 0
    assert np.array_equal(embedder.embed(["a"]), expected)


def test_what_is_kept_cannot_be_changed_through_an_encoding(inner):
    embedder = CachingEmbedder(inner)
    embedder.encode(["a"])
    (kept,) = embedder.encode(["a"])
    with pytest.raises(ValueError, match="read-only"):
        kept.vector[:] = 0


def test_vectors_and_encodings_of_a_text_are_kept_together(inner):
    embedder = CachingEmbedder(inner)
    (encoding,) = embedder.encode(["a"])
    assert np.array_equal(embedder.embed(["a"])[0], encoding.vector)
    assert inner.asked == ["a"]


def test_long_texts_are_not_kept(inner):
    embedder = CachingEmbedder(inner)
    for _ in range(2):
        embedder.encode(["long " * 500])
    assert len(inner.asked) == 2
