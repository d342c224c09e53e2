"""Late interaction: how well each token of a question is answered by some token of a record.

For each token of the question the best product with any token of the record is taken (MaxSim,
Khattab & Zaharia, "ColBERT", 2020). Token vectors are stored with the records in 8 bits; those
that were read last are kept in memory.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np

from memory.ports import Floats, Keys, RecordStore, Tokens

__all__ = ["LateInteraction"]

NO_TOKENS: Tokens = np.empty((0, 0), np.int8)

CACHE_BYTES_MAX = 256 * 2**20
_PAGE = 512
_PRODUCTS_AT_ONCE = 200_000
_TOKENS_AT_ONCE = 32_768
_SCALE = np.float32(1 / 127)


class LateInteraction:
    """Scores records against the tokens of a question. Thread-safe.

    Args:
        store: Where the token vectors are.
        model: The embedder that made them.
        cache_bytes_max: How many bytes of token vectors are kept in memory.
    """

    def __init__(
        self, store: RecordStore, model: str, cache_bytes_max: int = CACHE_BYTES_MAX
    ) -> None:
        self._store = store
        self._model = model
        self._cache_bytes_max = cache_bytes_max
        self._lock = threading.Lock()
        self._cache: OrderedDict[int, Tokens] = OrderedDict()
        self._cached_bytes = 0

    def drop(self, keys: Iterable[int] | None = None) -> None:
        """Forgets the token vectors of records that changed, or all."""
        with self._lock:
            for key in list(self._cache) if keys is None else keys:
                tokens = self._cache.pop(key, None)
                self._cached_bytes -= 0 if tokens is None else tokens.nbytes

    def load(self, keys: Sequence[int]) -> None:
        """Reads token vectors before they are needed, as long as the cache is not half full."""
        for start in range(0, len(keys), _PAGE):
            if self._cached_bytes > self._cache_bytes_max // 2:
                return
            self._keep(self._store.tokens(self._model, keys[start : start + _PAGE]))

    def best_products(self, question: Tokens, keys: Keys) -> Floats:
        """For each record and each token of the question the best product of unit vectors.

        Args:
            question: Token vectors of the question, shape (q, width).
            keys: Records, shape (n,).

        Returns:
            Shape (n, q); NaN for records without token vectors.
        """
        best = np.full((len(keys), len(question)), np.nan, np.float32)
        tokens = self._tokens(keys.tolist()) if len(question) else []
        counts = np.fromiter(map(len, tokens), np.int64, len(tokens))
        places = np.flatnonzero(counts)
        pieces = np.cumsum(counts[places]) // _TOKENS_AT_ONCE
        for piece in np.unique(pieces):
            some = places[pieces == piece]
            together = np.concatenate([tokens[place] for place in some])
            starts = np.cumsum(counts[some]) - counts[some]
            best[some] = np.maximum.reduceat(_products(together, question), starts, axis=0)
        return best

    def _tokens(self, keys: Sequence[int]) -> list[Tokens]:
        """The token vectors of each record; none for a record that has none."""
        with self._lock:
            found = list(map(self._cache.get, keys))
        # A negative key stands for a neighbour that is not there.
        missing = {key for key, one in zip(keys, found, strict=True) if one is None and key >= 0}
        read = self._store.tokens(self._model, sorted(missing)) if missing else {}
        self._keep(read)
        return [
            read.get(key, NO_TOKENS) if one is None else one
            for key, one in zip(keys, found, strict=True)
        ]

    def _keep(self, read: dict[int, Tokens]) -> None:
        with self._lock:
            for key, tokens in read.items():
                before = self._cache.pop(key, None)
                self._cached_bytes += tokens.nbytes - (0 if before is None else before.nbytes)
                self._cache[key] = tokens
            while self._cached_bytes > self._cache_bytes_max and self._cache:
                _, tokens = self._cache.popitem(last=False)
                self._cached_bytes -= tokens.nbytes


def _products(tokens: Tokens, question: Tokens) -> Floats:
    """Products of unit vectors, shape (tokens, tokens of the question).

    In pieces too small for the linear algebra library to put threads on: those would go on
    spinning and slow down the embedding of the next question.
    """
    turned = np.ascontiguousarray(question.T, np.float32) * (_SCALE * _SCALE)
    products = np.empty((len(tokens), len(question)), np.float32)
    rows = max(1, _PRODUCTS_AT_ONCE // turned.size)
    for start in range(0, len(tokens), rows):
        piece = tokens[start : start + rows].astype(np.float32)
        np.matmul(piece, turned, out=products[start : start + rows])
    return products
