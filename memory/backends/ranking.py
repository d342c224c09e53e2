"""Picking the best of many scored keys, the same way in every index."""

from __future__ import annotations

import numpy as np

from memory.ports import Floats, Keys, Scored


def nothing() -> Scored:
    """An empty ranking."""
    return Scored(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))


def best(keys: Keys, scores: Floats, limit: int) -> Scored:
    """The ``limit`` keys with the highest scores, best first, ties by the lower key.

    Args:
        keys: Shape (n,), in any order.
        scores: Shape (n,), without NaN.
        limit: How many at most; none when it is not positive.
    """
    if limit <= 0 or not keys.size:
        return nothing()
    if keys.size > limit:
        threshold = np.partition(scores, keys.size - limit)[keys.size - limit]
        # Everything tied at the threshold stays in, so that the key decides and not the layout.
        kept = np.flatnonzero(scores >= threshold)
        keys, scores = keys[kept], scores[kept]
    order = np.lexsort((keys, -scores))[:limit]
    return Scored(keys[order], scores[order])
