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


class EmbedderContract:
    """Subclass it and say how to make an embedder."""

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
        embedder.close()
