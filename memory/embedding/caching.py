"""What was made of short texts lately is kept, as questions tend to be asked again."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from memory.errors import EmbedderUnavailable
from memory.ports import Embedder, EmbedderIdentity, Encoding, Floats

__all__ = ["CachingEmbedder"]

CACHED_TEXTS = 1_024
"""How many encodings are kept: about 4 MB at 384 dimensions and 30 tokens."""

_KEPT_CHARACTERS = 1_000


class CachingEmbedder:
    """The Embedder port over another embedder, which it asks for unknown texts alone.

    Texts are known by their hash; the cache holds none of them.

    Args:
        inner: Computes the encodings.
        cached_texts: How many encodings are kept; those not used for longest go first.
    """

    def __init__(self, inner: Embedder, *, cached_texts: int = CACHED_TEXTS) -> None:
        self._inner = inner
        self._cached_texts = cached_texts
        self._lock = threading.Lock()
        self._encodings: OrderedDict[bytes, Encoding] = OrderedDict()
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
        """The vectors of the texts, in their order.

        Raises:
            EmbedderUnavailable: The model cannot be loaded or does not answer.
        """
        if not texts:
            return self._inner.embed(texts)
        return np.stack([one.vector for one in self.encode(texts)])

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Encodes texts, in their order; only short ones are kept, as questions are.

        Raises:
            EmbedderUnavailable: The model cannot be loaded or does not answer.
        """
        digests = [_digest(text) for text in texts]
        known = self._known(digests)
        unknown = {
            digest: text for digest, text in zip(digests, texts, strict=True) if digest not in known
        }
        if unknown:
            encodings = self._inner.encode(list(unknown.values()))
            known.update(zip(unknown, encodings, strict=True))
            self._keep(unknown, encodings)
        return [known[digest] for digest in digests]

    def close(self) -> None:
        """Closes the inner embedder and forgets all that is kept."""
        with self._lock:
            self._closed = True
            self._encodings.clear()
        self._inner.close()

    def _known(self, digests: Sequence[bytes]) -> dict[bytes, Encoding]:
        with self._lock:
            if self._closed:
                raise EmbedderUnavailable("The embedder is closed: make a new one.")
            known = {
                digest: self._encodings[digest] for digest in digests if digest in self._encodings
            }
            for digest in known:
                self._encodings.move_to_end(digest)
            return known

    def _keep(self, texts: dict[bytes, str], encodings: Sequence[Encoding]) -> None:
        with self._lock:
            for (digest, text), encoding in zip(texts.items(), encodings, strict=True):
                if len(text) <= _KEPT_CHARACTERS:
                    self._encodings[digest] = _copied(encoding)
            while len(self._encodings) > self._cached_texts:
                self._encodings.popitem(last=False)


def _copied(encoding: Encoding) -> Encoding:
    """A copy: a row of a large batch would keep the whole batch in memory.

    Several callers are given the same one, so it cannot be changed.
    """
    parts = (encoding.vector.copy(), encoding.tokens.copy(), encoding.weights.copy())
    for part in parts:
        part.setflags(write=False)
    return Encoding(*parts)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
