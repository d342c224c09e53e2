"""Late interaction: how well each token of a question is answered by some token of a record.

For each token of the question the best product with any token of the record is taken (MaxSim,
Khattab & Zaharia, "ColBERT", 2020). Token vectors are stored with the records in 8 bits; those
that were needed lately are kept in memory.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np

from memory.ports import Floats, Keys, RecordStore, Tokens

__all__ = ["LateInteraction"]

CACHE_BYTES_MAX = 256 * 2**20
_PAGE = 512
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
        places = [place for place, one in enumerate(tokens) if one is not None and one.size]
        if not places:
            return best
        present = [one for one in tokens if one is not None and one.size]
        starts = np.cumsum([0, *(len(one) for one in present[:-1])])
        products = np.concatenate(present).astype(np.float32) @ question.T.astype(np.float32)
        best[places] = np.maximum.reduceat(products, starts, axis=0) * (_SCALE * _SCALE)
        return best

    def _tokens(self, keys: Sequence[int]) -> list[Tokens | None]:
        with self._lock:
            found = {key: self._cache[key] for key in keys if key in self._cache}
            for key in found:
                self._cache.move_to_end(key)
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if missing:
            read = self._store.tokens(self._model, missing)
            found.update(read)
            self._keep(read)
        return [found.get(key) for key in keys]

    def _keep(self, read: dict[int, Tokens]) -> None:
        with self._lock:
            for key, tokens in read.items():
                before = self._cache.pop(key, None)
                self._cached_bytes += tokens.nbytes - (0 if before is None else before.nbytes)
                self._cache[key] = tokens
            while self._cached_bytes > self._cache_bytes_max and self._cache:
                _, tokens = self._cache.popitem(last=False)
                self._cached_bytes -= tokens.nbytes
