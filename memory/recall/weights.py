"""The weights that memoryd ships: learned, constrained to make sense, and held as data.

Trained on LoCoMo (short turns of chats) and BEAM (long assistant chats) together, each weight of a
feature that speaks for a record at least 0, each of the two length features at most 0. Their
worth was measured with one conversation left out at a time; see ``docs/evaluation.md``.
"""

from __future__ import annotations

from memory.ports import Encoding
from memory.recall.ranking import Weights

__all__ = ["WITHOUT_TOKENS", "WITH_TOKENS", "weights_for"]

WITH_TOKENS = Weights(
    version="2",
    short_data={
        "words": 0.10,
        "date": 0.30,
        "window": 0.09,
        "late": 0.34,
        "late_window": 0.40,
        "speaker": 0.27,
        "session": 0.26,
        "short": -0.15,
        "long": -0.17,
    },
    long_data={
        "words": 0.11,
        "dense": 0.31,
        "late": 0.29,
        "late_window": 0.16,
        "speaker": 0.04,
        "session": 0.11,
        "long": -0.11,
    },
)
"""For embedders that give token vectors."""

WITHOUT_TOKENS = Weights(
    version="2-without-tokens",
    short_data={
        "words": 0.34,
        "date": 0.24,
        "dense": 0.14,
        "window": 0.24,
        "speaker": 0.30,
        "session": 0.28,
        "short": -0.30,
        "long": -0.14,
    },
    long_data={
        "words": 0.22,
        "dense": 0.55,
        "speaker": 0.05,
        "session": 0.12,
        "long": -0.08,
    },
)
"""For all others, and for words alone."""


def weights_for(query: Encoding | None) -> Weights:
    """The set of weights that fits what is known of the query."""
    return WITH_TOKENS if query is not None and len(query.tokens) else WITHOUT_TOKENS
