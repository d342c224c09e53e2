"""An embedder without a model: texts that share words and parts of words are near each other.

Feature hashing (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009) of
words and of the character sequences within them, as in fastText (Bojanowski et al. 2017). It knows
nothing of meaning; it is for tests and for machines too small for a model.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from zlib import crc32

import numpy as np

from memory.embedding.token_vectors import NO_TOKENS, NO_WEIGHTS
from memory.errors import EmbedderUnavailable, InvalidInput
from memory.ports import EmbedderIdentity, Encoding, Floats
from memory.text.analysis import query_terms

__all__ = ["HashingEmbedder"]

_VERSION = 1
_DIMENSION = 384
_SEQUENCE_LENGTHS = (3, 4)
_SEQUENCE_WEIGHT = 0.3
_MAX_CHARACTERS = 32_768
# Texts that share nothing are orthogonal but for chance.
_RELEVANCE_MIDPOINT = 0.2


class HashingEmbedder:
    """The Embedder port by feature hashing; always ready.

    Args:
        dimension: Length of the vectors; shorter ones tell fewer words apart.
    """

    def __init__(self, dimension: int = _DIMENSION) -> None:
        if dimension < 2:
            raise InvalidInput("The dimension must be at least 2.", "dimension")
        self._dimension = dimension
        self._closed = threading.Event()

    @property
    def identity(self) -> EmbedderIdentity:
        """Says that this is no model, and which version of the hashing it is."""
        return EmbedderIdentity(
            name=f"feature-hashing;version={_VERSION};dimension={self._dimension}",
            dimension=self._dimension,
            relevance_midpoint=_RELEVANCE_MIDPOINT,
        )

    @property
    def ready(self) -> bool:
        """True until closed: there is nothing to load."""
        return not self._closed.is_set()

    def load(self) -> None:
        """Loads nothing.

        Raises:
            EmbedderUnavailable: The embedder is closed.
        """
        if self._closed.is_set():
            raise EmbedderUnavailable("The embedder is closed: make a new one.")

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Encodes texts, in their order; there are no token vectors.

        Raises:
            EmbedderUnavailable: The embedder is closed.
        """
        return [Encoding(vector, NO_TOKENS, NO_WEIGHTS) for vector in self.embed(texts)]

    def embed(self, texts: Sequence[str]) -> Floats:
        """Embeds texts, in their order; shape (len(texts), dimension).

        Raises:
            EmbedderUnavailable: The embedder is closed.
        """
        self.load()
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            self._fill(vector, text[:_MAX_CHARACTERS])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def close(self) -> None:
        """Afterwards ``embed`` raises EmbedderUnavailable."""
        self._closed.set()

    def _fill(self, vector: Floats, text: str) -> None:
        # The first dimension is the same in all texts: it keeps an empty one from being zero.
        vector[0] = 0.1
        for term, occurrences in Counter(query_terms(text)).items():
            weight = float(np.sqrt(occurrences))
            for feature, share in _features(term):
                code = crc32(feature.encode("utf-8", "surrogatepass"))
                sign = 1.0 if code & 1 else -1.0
                vector[1 + (code >> 1) % (self._dimension - 1)] += sign * weight * share


def _features(term: str) -> Iterator[tuple[str, float]]:
    """The term and the sequences of characters in it, with what each counts."""
    yield term, 1.0
    framed = f"<{term}>"
    for length in _SEQUENCE_LENGTHS:
        for start in range(len(framed) - length + 1):
            yield framed[start : start + length], _SEQUENCE_WEIGHT
