"""What every Embedder must do; a subclass says how to make one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from memory.errors import EmbedderUnavailable
from memory.ports import Embedder

HOSTILE_TEXTS = [
    "",
    " ",
    "\0",
    "\ud800 half a surrogate pair",
    "👩‍👩‍👧 🏳️‍🌈",
    "word " * 5_000,
    "x" * 50_000,
    "\u0300" * 200,
    "日本語のテキスト",
    'NEAR("a" b)* ^c OR 1=1; --',
]

TEXTS = [f"{'The meeting was long. ' * (number % 7)}Item {number}." for number in range(40)]


LONG_TEXT = "The kiln was delivered on a Tuesday, and nobody was at home. " * 60
WINDOW = 254
"""Tokens that the default model takes at once, its marks apart."""


class EmbedderContract:
    """Subclass it and say how to make an embedder, and whether it gives token vectors."""

    gives_tokens = False

    @staticmethod
    def make_embedder() -> Embedder:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def embedder(cls):
        embedder = cls.make_embedder()
        yield embedder
        embedder.close()

    def test_vectors_are_float32_of_unit_length_and_the_dimension_told(self, embedder):
        vectors = embedder.embed(["one text", "another text", "one text"])
        assert vectors.dtype == np.float32
        assert vectors.shape == (3, embedder.identity.dimension)
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)

    def test_no_texts_give_no_vectors(self, embedder):
        assert embedder.embed([]).shape == (0, embedder.identity.dimension)

    def test_vectors_come_in_the_order_of_the_texts(self, embedder):
        forth, back = embedder.embed(TEXTS), embedder.embed(TEXTS[::-1])
        assert np.allclose(forth, back[::-1], atol=1e-5)

    def test_a_vector_does_not_depend_on_the_texts_beside_it(self, embedder):
        together = embedder.embed(TEXTS)
        alone = np.concatenate([embedder.embed([text]) for text in TEXTS[:8]])
        assert np.allclose(together[:8], alone, atol=1e-5)

    def test_two_embedders_agree(self, embedder):
        other = self.make_embedder()
        assert other.identity == embedder.identity
        assert np.allclose(other.embed(TEXTS[:4]), embedder.embed(TEXTS[:4]), atol=1e-5)
        other.close()

    def test_a_text_is_nearest_to_the_one_that_shares_its_subject(self, embedder):
        texts = ["my dog loves long walks", "a walk with the dog", "quarterly tax report filing"]
        question, near, far = embedder.embed(texts)
        assert question @ near > question @ far + 0.1

    @pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
    def test_any_text_has_a_finite_unit_vector(self, embedder, text):
        vector = embedder.embed([text])[0]
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)

    def test_encodings_hold_the_vectors_that_embedding_gives(self, embedder):
        encodings = embedder.encode(TEXTS)
        assert len(encodings) == len(TEXTS)
        vectors = np.stack([one.vector for one in encodings])
        assert vectors.dtype == np.float32
        assert np.allclose(vectors, embedder.embed(TEXTS), atol=1e-5)

    def test_no_texts_give_no_encodings(self, embedder):
        assert embedder.encode([]) == []

    @pytest.mark.parametrize("text", [*HOSTILE_TEXTS, "a text"], ids=range(len(HOSTILE_TEXTS) + 1))
    def test_each_token_has_one_row_and_one_positive_weight(self, embedder, text):
        (encoding,) = embedder.encode([text])
        assert encoding.vector.shape == (embedder.identity.dimension,)
        assert (encoding.tokens.dtype, encoding.weights.dtype) == (np.int8, np.float32)
        assert encoding.tokens.ndim == 2
        assert encoding.weights.shape == encoding.tokens.shape[:1]
        assert np.all(encoding.weights > 0)
        assert np.all(np.isfinite(encoding.weights))

    def test_rows_of_tokens_are_about_unit_vectors(self, embedder):
        tokens = np.concatenate([one.tokens for one in embedder.encode(TEXTS)])
        assert (tokens.size > 0) == self.gives_tokens
        lengths = np.linalg.norm(tokens.astype(np.float32) / 127, axis=1)
        assert np.all(np.abs(lengths - 1) < 0.02)

    def test_tokens_do_not_depend_on_the_texts_beside_them(self, embedder):
        for text, together in zip(TEXTS[:8], embedder.encode(TEXTS)[:8], strict=True):
            (alone,) = embedder.encode([text])
            # A coordinate on the edge may be rounded the other way.
            assert np.allclose(together.tokens.astype(int), alone.tokens, atol=1)
            assert np.array_equal(together.weights, alone.weights)

    def test_a_text_longer_than_the_window_has_the_tokens_of_all_its_passages(self, embedder):
        (encoding,) = embedder.encode([LONG_TEXT])
        assert (len(encoding.tokens) > 2 * WINDOW) == self.gives_tokens
        assert np.allclose(encoding.vector, embedder.embed([LONG_TEXT])[0], atol=1e-5)

    def test_an_empty_text_has_a_vector_and_no_tokens(self, embedder):
        empty, _ = embedder.encode(["", "a text beside it"])
        assert np.linalg.norm(empty.vector) == pytest.approx(1, abs=1e-4)
        assert len(empty.tokens) == len(empty.weights) == 0

    def test_threads_may_encode_at_the_same_time(self, embedder):
        expected = embedder.encode(TEXTS[:16])
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda text: embedder.encode([text])[0], TEXTS[:16], timeout=60))
        for one, other in zip(found, expected, strict=True):
            assert np.allclose(one.vector, other.vector, atol=1e-5)
            assert np.allclose(one.tokens.astype(int), other.tokens, atol=1)

    def test_threads_may_embed_at_the_same_time(self, embedder):
        expected = embedder.embed(TEXTS[:16])
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda text: embedder.embed([text])[0], TEXTS[:16], timeout=60))
        assert np.allclose(found, expected, atol=1e-5)

    def test_loading_makes_it_ready_and_may_be_repeated(self):
        embedder = self.make_embedder()
        embedder.load()
        embedder.load()
        assert embedder.ready
        embedder.close()

    def test_a_closed_embedder_says_that_it_is_unavailable(self):
        embedder = self.make_embedder()
        embedder.embed(["a text"])
        embedder.close()
        assert not embedder.ready
        with pytest.raises(EmbedderUnavailable):
            embedder.embed(["a text"])
        with pytest.raises(EmbedderUnavailable):
            embedder.encode(["a text"])
        embedder.close()
