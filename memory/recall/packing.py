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


def fit(
    texts: Sequence[str], tokens_max: int | None, beside: Sequence[int] | None = None
) -> list[str | None]:
    """The texts that fit the budget, best first; long ones are shortened so that more of them fit.

    The budget is shared evenly; what a short text does not use goes to the longer ones.

    Args:
        texts: What was found, best first.
        tokens_max: The budget in tokens, overhead of each hit included; ``None`` is no limit.
        beside: Tokens that come with each text and cannot be shortened, such as its metadata.

    Returns:
        Each text, or its beginning; ``None`` for those of which not even that fits.
    """
    if tokens_max is None:
        return list(texts)
    costs = [estimate_tokens(text) for text in texts]
    fixed = [HIT_OVERHEAD_TOKENS + extra for extra in beside or [0] * len(texts)]
    kept: list[int] = []
    least = 0
    for place, (cost, extra) in enumerate(zip(costs, fixed, strict=True)):
        needed = min(cost, HIT_TOKENS_MIN) + extra
        if least + needed <= tokens_max:
            kept.append(place)
            least += needed
    share = _share(
        [costs[place] for place in kept], tokens_max - sum(fixed[place] for place in kept)
    )
    fitting = {place: shorten(texts[place], share) for place in kept}
    return [fitting.get(place) for place in range(len(texts))]


def _share(costs: Sequence[int], budget: int) -> int:
    """The largest bound on each cost under which all of them fit the budget."""
    remaining = budget
    for index, cost in enumerate(sorted(costs)):
        even = remaining // (len(costs) - index)
        if cost > even:
            return even
        remaining -= cost
    return max(costs, default=0)
