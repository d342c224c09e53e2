"""Vectors of texts that were embedded lately are kept, as questions tend to be asked again."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from memory.errors import EmbedderUnavailable
from memory.ports import Embedder, EmbedderIdentity, Floats

__all__ = ["CachingEmbedder"]

CACHED_TEXTS = 1_024
"""How many vectors are kept: 1.5 MB at 384 dimensions."""


class CachingEmbedder:
    """The Embedder port over another embedder, which it asks for unknown texts alone.

    Texts are known by their hash; the cache holds none of them.

    Args:
        inner: Computes the vectors.
        cached_texts: How many vectors are kept; those not used for longest go first.
    """

    def __init__(self, inner: Embedder, *, cached_texts: int = CACHED_TEXTS) -> None:
        self._inner = inner
        self._cached_texts = cached_texts
        self._lock = threading.Lock()
        self._vectors: OrderedDict[bytes, Floats] = OrderedDict()
        self._closed = False

    @property
    def identity(self) -> EmbedderIdentity:
        """That of the inner embedder."""
        return self._inner.identity

    @property
    def ready(self) -> bool:
        """Whether the inner embedder is loaded."""
        return self._inner.ready

    def load(self) -> None:
        """Loads the inner embedder.

        Raises:
            EmbedderUnavailable: The model cannot be loaded.
        """
        self._inner.load()

    def embed(self, texts: Sequence[str]) -> Floats:
        """Embeds texts, in their order.

        Raises:
            EmbedderUnavailable: The model cannot be loaded or does not answer.
        """
        if not texts:
            return self._inner.embed(texts)
        digests = [_digest(text) for text in texts]
        known = self._known(digests)
        unknown = {
            digest: text for digest, text in zip(digests, texts, strict=True) if digest not in known
        }
        if unknown:
            vectors = self._inner.embed(list(unknown.values()))
            known.update(zip(unknown, vectors, strict=True))
            self._keep(unknown, vectors)
        return np.stack([known[digest] for digest in digests])

    def close(self) -> None:
        """Closes the inner embedder and forgets all vectors."""
        with self._lock:
            self._closed = True
            self._vectors.clear()
        self._inner.close()

    def _known(self, digests: Sequence[bytes]) -> dict[bytes, Floats]:
        with self._lock:
            if self._closed:
                raise EmbedderUnavailable("The embedder is closed: make a new one.")
            known = {digest: self._vectors[digest] for digest in digests if digest in self._vectors}
            for digest in known:
                self._vectors.move_to_end(digest)
            return known

    def _keep(self, digests: Sequence[bytes] | dict[bytes, str], vectors: Floats) -> None:
        with self._lock:
            # Copies: a row of a large batch would keep the whole batch in memory.
            for digest, vector in zip(digests, vectors, strict=True):
                self._vectors[digest] = vector.copy()
            while len(self._vectors) > self._cached_texts:
                self._vectors.popitem(last=False)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
