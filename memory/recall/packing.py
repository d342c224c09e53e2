"""Packing: fits what was found into a budget of tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["estimate_tokens", "fit", "shorten"]

HIT_OVERHEAD_TOKENS = 12
"""What one hit costs beside its content: id, tier, date."""

HIT_TOKENS_MIN = 24
"""A hit is never shortened below this; it is left out instead."""

_WIDE = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)


def estimate_tokens(text: str) -> int:
    """About how many tokens a language model sees in the text, rather too many than too few.

    One for each Han, kana, hangul or South-East Asian character, one for each 3.5 others.
    """
    wide = len(_WIDE.findall(text))
    return wide + -(-(len(text) - wide) * 2 // 7)


def shorten(text: str, tokens_max: int) -> str:
    """The beginning of the text that fits, cut at white space if there is any, and an ellipsis."""
    if estimate_tokens(text) <= tokens_max:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if estimate_tokens(text[:middle]) < tokens_max:
            low = middle
        else:
            high = middle - 1
    cut = text[:low]
    word_end = max(cut.rfind(" "), cut.rfind("\n"))
    return (cut[:word_end] if word_end > low // 2 else cut).rstrip() + "…"


def fit(texts: Sequence[str], tokens_max: int | None) -> list[str]:
    """The texts that fit the budget, best first; long ones are shortened so that more of them fit.

    The budget is shared evenly; what a short text does not use goes to the longer ones. Texts at
    the end are left out when not even their beginning fits.

    Args:
        texts: What was found, best first.
        tokens_max: The budget in tokens, overhead of each hit included; ``None`` is no limit.
    """
    if tokens_max is None:
        return list(texts)
    costs = [estimate_tokens(text) for text in texts]
    kept = len(texts)
    while kept and _least(costs[:kept]) > tokens_max:
        kept -= 1
    share = _share(costs[:kept], tokens_max - kept * HIT_OVERHEAD_TOKENS)
    return [shorten(text, share) for text in texts[:kept]]


def _least(costs: Sequence[int]) -> int:
    return sum(min(cost, HIT_TOKENS_MIN) + HIT_OVERHEAD_TOKENS for cost in costs)


def _share(costs: Sequence[int], budget: int) -> int:
    """The largest bound on each cost under which all of them fit the budget."""
    remaining = budget
    for index, cost in enumerate(sorted(costs)):
        even = remaining // (len(costs) - index)
        if cost > even:
            return even
        remaining -= cost
    return max(costs, default=0)
