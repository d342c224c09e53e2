"""Token vectors: how they are compressed, what each weighs, and which texts they come from."""

from __future__ import annotations

import hashlib
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from memory.embedding import token_vectors
from memory.embedding.minilm import MiniLmEmbedder
from memory.embedding.token_vectors import AXES_FILE, AXES_SHA256, SCALE, TokenAxes, rarity
from memory.errors import EmbedderUnavailable

WIDTH = 64
DIMENSION = 384
LONG_TEXT = "The kiln was delivered on a Tuesday, and nobody was at home. " * 60


def packaged_rows():
    path = resources.files("memory.embedding") / AXES_FILE
    with path.open("rb") as file:
        return np.load(file, allow_pickle=False)


def plane():
    """A mean off the origin and two axes of three."""
    return TokenAxes(np.array([[0, 0, 0.5], [1, 0, 0], [0, 1, 0]], dtype=np.float16))


@pytest.fixture(scope="module")
def embedder():
    embedder = MiniLmEmbedder()
    yield embedder
    embedder.close()


def test_the_packaged_axes_are_orthonormal():
    rows = packaged_rows()
    assert (rows.shape, rows.dtype) == ((1 + WIDTH, DIMENSION), np.float16)
    axes = rows[1:].astype(np.float64)
    assert np.allclose(axes @ axes.T, np.eye(WIDTH), atol=2e-3)


def test_the_mean_of_unit_vectors_is_shorter_than_they_are():
    assert 0 < np.linalg.norm(packaged_rows()[0].astype(np.float64)) < 1


def test_the_hash_of_the_packaged_axes_is_the_one_in_the_code():
    content = (resources.files("memory.embedding") / AXES_FILE).read_bytes()
    assert hashlib.sha256(content).hexdigest() == AXES_SHA256


@pytest.mark.parametrize(("name", "value"), [("AXES_SHA256", "0" * 64), ("AXES_FILE", "none.npy")])
def test_missing_or_foreign_axes_are_refused_with_a_remedy(monkeypatch, name, value):
    monkeypatch.setattr(token_vectors, name, value)
    with pytest.raises(EmbedderUnavailable, match="install memoryd anew"):
        MiniLmEmbedder().load()


def test_an_embedder_without_late_interaction_needs_no_axes(monkeypatch):
    monkeypatch.setattr(token_vectors, "AXES_FILE", "none.npy")
    MiniLmEmbedder(late_interaction=False).load()


def test_the_mean_is_taken_off_and_the_rest_lies_along_the_axes():
    compact = plane().compress(np.array([[3, 0, 4], [0, -3, 4], [6, 6, 9]], dtype=np.float32))
    half = round(127 / np.sqrt(2))
    assert compact.dtype == np.int8
    assert compact.tolist() == [[127, 0], [0, -127], [half, half]]


def test_a_vector_without_any_part_along_the_axes_is_compressed_to_nothing():
    vectors = np.array([[0, 0, 1], [0, 0, 0]], dtype=np.float32)
    assert plane().compress(vectors).tolist() == [[0, 0], [0, 0]]


def test_no_vectors_are_compressed_to_no_rows():
    assert TokenAxes.packaged().compress(np.empty((0, DIMENSION), np.float32)).shape == (0, WIDTH)


@given(
    vectors=arrays.arrays(np.float32, (3, DIMENSION), elements=st.floats(-8, 8, width=32)),
    factor=st.floats(0.5, 4),
)
def test_the_length_of_a_vector_does_not_count(vectors, factor):
    axes = TokenAxes.packaged()
    vectors += np.eye(3, DIMENSION, dtype=np.float32)
    one, other = axes.compress(vectors), axes.compress(vectors * np.float32(factor))
    assert np.abs(one.astype(int) - other).max() <= 1


def test_compressed_vectors_keep_what_tells_tokens_apart(embedder):
    texts = ["The kiln arrived on Tuesday.", "A ferry leaves for Skye at seven."]
    (full,) = embedder.token_vectors([" ".join(texts)])
    (compact,) = (one.tokens / SCALE for one in embedder.encode([" ".join(texts)]))
    centred = full / np.linalg.norm(full, axis=1, keepdims=True) - packaged_rows()[0]
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    upper = np.triu_indices(len(full), 1)
    agreement = np.corrcoef((centred @ centred.T)[upper], (compact @ compact.T)[upper])[0, 1]
    assert agreement > 0.9


def test_full_token_vectors_have_a_row_for_each_token_of_the_encoding(embedder):
    texts = ["", "a text", LONG_TEXT]
    full, encodings = embedder.token_vectors(texts), embedder.encode(texts)
    assert [one.shape for one in full] == [(len(each.tokens), DIMENSION) for each in encodings]
    assert all(one.dtype == np.float32 for one in full)
    assert embedder.token_vectors([]) == []


def test_token_vectors_end_after_eight_passages(embedder):
    (encoding,) = embedder.encode(["word " * 5_000])
    assert len(encoding.tokens) == 8 * 254


def test_late_interaction_changes_no_vector(embedder):
    other = MiniLmEmbedder(late_interaction=False)
    texts = ["", "a text", LONG_TEXT, "x" * 20_000 + " and words after it"]
    assert np.allclose(other.embed(texts), embedder.embed(texts), atol=1e-5)
    vectors = [one.vector for one in embedder.encode(texts)]
    assert np.allclose(vectors, embedder.embed(texts), atol=1e-5)


def test_a_token_weighs_more_the_later_it_stands_in_the_vocabulary():
    weights = rarity(np.array([101, 999, 1_995, 2_000, 5_000, 30_000]))
    assert weights.dtype == np.float32
    assert weights[0] == weights[1] == weights[2] == pytest.approx(np.log(2))
    assert np.all(np.diff(weights[2:]) > 0)


@given(numbers=st.lists(st.integers(0, 30_521)))
def test_every_token_weighs_something_and_none_overwhelms(numbers):
    weights = rarity(np.array(numbers, dtype=np.int64))
    assert weights.shape == (len(numbers),)
    assert np.all((weights > 0.5) & (weights < 8))


def test_a_rare_word_of_a_question_weighs_more_than_a_common_one(embedder):
    (encoding,) = embedder.encode(["the violin"])
    assert encoding.weights[1] > 2 * encoding.weights[0]
