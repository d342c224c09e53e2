"""The tool ``recall``: find what was remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AliasChoices, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.functional_validators import BeforeValidator

from memory.records import MIN_CONFIDENCE, Filter, RecallHit, Status, Tier
from memory.validation import narrowed
from tools.definition import Caller, Parameters, Result, Scope, Tool
from tools.filters import FiltersIn, as_list
from tools.wire import Json, Namespace, SourceOut, Tags, TierName, iso, source_out

if TYPE_CHECKING:
    from memory.system import IntegratedMemorySystem

__all__ = ["Recall"]


class RecallParameters(Parameters):
    """What to look for, and among what."""

    query: str = Field(
        default="",
        validation_alias=AliasChoices("query", "q"),
        description="What you want to know, in plain words. Empty: the most recent records.",
    )
    limit: int = Field(
        default=10,
        ge=1,
        le=100,
        validation_alias=AliasChoices("limit", "top_k"),
        description="The most hits.",
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="Budget for all contents; long ones are shortened."
    )
    tiers: Annotated[list[TierName], BeforeValidator(as_list)] = Field(
        default_factory=list, validation_alias=AliasChoices("tiers", "tier")
    )
    tags: Tags = Field(default_factory=list)
    tag_match: Literal["any", "all"] = "any"
    filters: FiltersIn | None = None
    min_confidence: float = Field(
        default=MIN_CONFIDENCE,
        ge=0,
        le=1,
        validation_alias=AliasChoices("min_confidence", "min_score", "threshold"),
        description="Hits below it are left out; 0 keeps all.",
    )
    include_superseded: bool = False
    as_of: AwareDatetime | None = Field(
        default=None, description="Answer from what was known at this time."
    )
    explain: bool = Field(default=False, description="Say what speaks for each hit.")
    namespace: Namespace = None


class HitOut(BaseModel):
    """One record that was found. ``truncated`` and ``why`` are there only when they apply."""

    model_config = ConfigDict(frozen=True)

    id: str
    content: str
    score: float
    confidence: float
    tier: str
    tags: list[str]
    occurred_at: str | None
    valid_from: str | None
    valid_to: str | None
    source: SourceOut
    metadata: Json
    version: int
    status: str = "active"
    truncated: bool = False
    why: dict[str, float] | None = None


class RecallOut(Result):
    """Hits, best first; how many more were found but did not fit; what was not at its best."""

    recall_id: str
    hits: list[HitOut]
    omitted: int
    degraded: list[str]


class Recall(Tool[RecallParameters, RecallOut]):
    """Finds records by meaning and by words."""

    name = "recall"
    title = "Recall"
    description = (
        "Find what was remembered that bears on a question or task, best first, by meaning and by "
        "words. Ask before answering from memory, in a full sentence with names and dates. Filter "
        "by tier, tags, metadata, speaker, conversation or time. An empty query lists the most "
        "recent."
    )
    scope = Scope.READ
    read_only = True
    idempotent = True
    parameters = RecallParameters
    result = RecallOut

    def call(
        self, system: IntegratedMemorySystem, caller: Caller, parameters: RecallParameters
    ) -> RecallOut:
        """Finds and packs."""
        result = system.recall(
            parameters.query,
            _filter(parameters),
            limit=parameters.limit,
            max_tokens=parameters.max_tokens,
            min_confidence=parameters.min_confidence,
            as_of=parameters.as_of,
            explain=parameters.explain,
            namespace=parameters.namespace or caller.namespace,
        )
        return RecallOut(
            recall_id=result.recall_id,
            hits=[_hit(hit) for hit in result.hits],
            omitted=result.omitted,
            degraded=list(result.degraded),
        )

    def text(self, result: RecallOut) -> str:
        """One line a hit: id, tier, time, who, confidence, content."""
        lines = [_line(hit) for hit in result.hits]
        if result.omitted:
            lines.append(f"({result.omitted} more did not fit; raise max_tokens or lower limit.)")
        if result.degraded:
            lines.append(f"(degraded: {', '.join(result.degraded)})")
        return (
            "\n".join(lines)
            or "Nothing that bears on it. Try other words or fewer filters, or min_confidence 0."
        )


def _filter(parameters: RecallParameters) -> Filter:
    """The filters, with the parameters that stand beside them."""
    where = parameters.filters.to_filter() if parameters.filters else Filter()
    if parameters.tiers:
        where = narrowed(where, tiers=tuple(Tier(name) for name in dict.fromkeys(parameters.tiers)))
    if parameters.tags:
        tags = tuple(dict.fromkeys(parameters.tags))
        where = narrowed(where, tags=tags, tag_match=parameters.tag_match)
    if parameters.include_superseded and Status.SUPERSEDED not in where.statuses:
        where = replace(where, statuses=(*where.statuses, Status.SUPERSEDED))
    return where


def _hit(hit: RecallHit) -> HitOut:
    record = hit.record
    return HitOut(
        id=record.id,
        content=hit.content,
        score=round(hit.score, 4),
        confidence=round(hit.confidence, 4),
        tier=record.tier,
        tags=list(record.tags),
        occurred_at=iso(record.occurred_at),
        valid_from=iso(record.valid_from),
        valid_to=iso(record.valid_to),
        source=source_out(record.source),
        metadata=dict(record.metadata),
        version=record.version,
        status=record.status,
        truncated=hit.truncated,
        why=None if hit.why is None else dict(hit.why),
    )


def _line(hit: HitOut) -> str:
    facts = [hit.tier, *([hit.occurred_at[:16]] if hit.occurred_at else [])]
    if hit.source.speaker:
        facts.append(hit.source.speaker)
    if hit.valid_to:
        facts.append(f"valid until {hit.valid_to[:10]}")
    if hit.status != "active":
        facts.append(hit.status)
    content = " ".join(hit.content.split())
    return f"[{hit.id}] ({', '.join(facts)}; {hit.confidence:.2f}) {content}"
