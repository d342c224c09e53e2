"""Extractive summaries: the most central sentences of many records, diverse, in time order.

No model is needed: a sentence is as central as its words are to the whole (the cosine of its
tf-idf vector with the centroid of all sentences, Radev et al. 2004), and each next sentence is the
best that does not say again what was chosen before (maximal marginal relevance, Carbonell &
Goldstein 1998). The same records give the same summary.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from memory.recall.packing import estimate_tokens
from memory.records import MemoryRecord, SummarySentence
from memory.text.analysis import query_terms

__all__ = ["summarise"]

REDUNDANCY = 0.7
"""How much likeness to what was chosen already counts against a sentence."""

SHORTLIST = 400
"""Only this many of the most central sentences are compared with each other."""

CITATION_TOKENS = 4
TERMS_MIN = 3

# Not after an initial or an abbreviation that a name or number follows.
_SENTENCE_END = re.compile(
    r"(?<!\b[A-Z]\.)(?<!\b(?:Dr|Mr|Ms|St|No|vs)\.)(?<!\bMrs\.)(?<!\bProf\.)(?<!\be\.g\.)"
    r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])|\n+"
)

Vector: TypeAlias = dict[str, float]


@dataclass(frozen=True, slots=True)
class _Sentence:
    record: MemoryRecord
    place: int
    text: str
    vector: Vector
    centrality: float


def summarise(records: Sequence[MemoryRecord], tokens_max: int) -> list[SummarySentence]:
    """The sentences that stand best for the records, within a budget of tokens.

    Args:
        records: What to summarise, in any order.
        tokens_max: The budget, citations included.

    Returns:
        Chosen sentences in the order in which they happened, each with the id of its record.
    """
    sentences = sorted(_sentences(records), key=lambda one: (-one.centrality, _moment(one)))
    chosen = _choose(sentences[:SHORTLIST], tokens_max)
    return [
        SummarySentence(text=one.text, record_id=one.record.id, at=_moment(one)[0])
        for one in sorted(chosen, key=_moment)
    ]


def _moment(sentence: _Sentence) -> tuple[datetime, int, str, int]:
    record = sentence.record
    at = record.occurred_at or record.created_at
    turn = -1 if record.source.turn is None else record.source.turn
    return at, turn, record.id, sentence.place


def _sentences(records: Sequence[MemoryRecord]) -> list[_Sentence]:
    parts = [
        (record, place, text.strip())
        for record in records
        for place, text in enumerate(_SENTENCE_END.split(record.content))
        if text.strip()
    ]
    counts = [Counter(query_terms(text)) for _, _, text in parts]
    frequency = Counter(term for count in counts for term in count)
    vectors = [_vector(count, frequency, len(parts)) for count in counts]
    centroid: Vector = {}
    for vector in vectors:
        for term, weight in vector.items():
            centroid[term] = centroid.get(term, 0.0) + weight
    return [
        _Sentence(record, place, _spoken(record, text), vector, _centrality(vector, centroid))
        for (record, place, text), vector in zip(parts, vectors, strict=True)
    ]


def _spoken(record: MemoryRecord, text: str) -> str:
    return f"{record.source.speaker}: {text}" if record.source.speaker else text


def _vector(count: Mapping[str, int], frequency: Mapping[str, int], total: int) -> Vector:
    """The unit tf-idf vector of one sentence."""
    weights = {
        term: (1 + math.log(times)) * math.log(1 + total / frequency[term])
        for term, times in count.items()
    }
    norm = math.sqrt(sum(weight * weight for weight in weights.values()))
    return {term: weight / norm for term, weight in weights.items()} if norm else {}


def _centrality(vector: Vector, centroid: Vector) -> float:
    """The likeness to the whole; less for a sentence of too few words to say anything."""
    fullness = min(1.0, len(vector) / TERMS_MIN)
    return _dot(vector, centroid) * fullness


def _dot(left: Vector, right: Vector) -> float:
    if len(left) > len(right):
        left, right = right, left
    return sum(weight * right.get(term, 0.0) for term, weight in left.items())


def _choose(sentences: Sequence[_Sentence], tokens_max: int) -> list[_Sentence]:
    highest = max((one.centrality for one in sentences), default=0.0) or 1.0
    waiting = [(one, one.centrality / highest) for one in sentences]
    likeness = dict.fromkeys(range(len(waiting)), 0.0)
    chosen: list[_Sentence] = []
    budget = tokens_max
    while likeness:
        best = max(likeness, key=lambda index: waiting[index][1] - REDUNDANCY * likeness[index])
        sentence = waiting[best][0]
        del likeness[best]
        cost = estimate_tokens(sentence.text) + CITATION_TOKENS
        if cost > budget:
            continue
        chosen.append(sentence)
        budget -= cost
        for index, likest in likeness.items():
            likeness[index] = max(likest, _dot(waiting[index][0].vector, sentence.vector))
    return chosen
