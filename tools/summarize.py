"""The tool ``summarize``: the gist of many memories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import AliasChoices, AwareDatetime, Field

from memory.records import Tier, TimeRange
from tools.definition import Caller, Parameters, Result, Scope, Tool
from tools.filters import FiltersIn
from tools.wire import Namespace, TierName, iso

if TYPE_CHECKING:
    from memory.system import IntegratedMemorySystem

__all__ = ["Summarize"]


class TimeframeIn(Parameters):
    """A stretch of time: from ``after`` (included) to ``before`` (not included)."""

    after: AwareDatetime | None = Field(
        default=None, validation_alias=AliasChoices("after", "since", "from")
    )
    before: AwareDatetime | None = Field(
        default=None, validation_alias=AliasChoices("before", "until", "to")
    )


class SummarizeParameters(Parameters):
    """What to summarise, and how long the summary may be."""

    tier: TierName | None = None
    timeframe: TimeframeIn | None = None
    filters: FiltersIn | None = None
    max_tokens: int = Field(default=500, ge=1, le=20_000)
    namespace: Namespace = None


class SourceSentence(Result):
    """Which record a sentence of the summary was taken from."""

    id: str
    text: str
    at: str | None


class SummarizeOut(Result):
    """The summary, its sentences with their records, and what was not at its best."""

    summary: str
    sources: list[SourceSentence]
    degraded: list[str]


class Summarize(Tool[SummarizeParameters, SummarizeOut]):
    """Summarises records by their most central sentences."""

    name = "summarize"
    title = "Summarise memories"
    description = (
        "The gist of many memories in few words: their most central sentences in time order, each "
        "with the id of its record. Narrow it by tier, timeframe or filters."
    )
    scope = Scope.READ
    read_only = True
    idempotent = True
    parameters = SummarizeParameters
    result = SummarizeOut

    def call(
        self, system: IntegratedMemorySystem, caller: Caller, parameters: SummarizeParameters
    ) -> SummarizeOut:
        """Summarises what matches."""
        timeframe = parameters.timeframe
        summary = system.summarize(
            Tier(parameters.tier) if parameters.tier else None,
            TimeRange(after=timeframe.after, before=timeframe.before) if timeframe else None,
            filters=parameters.filters.to_filter() if parameters.filters else None,
            max_tokens=parameters.max_tokens,
            namespace=parameters.namespace or caller.namespace,
        )
        sources = [
            SourceSentence(id=one.record_id, text=one.text, at=iso(one.at))
            for one in summary.sentences
        ]
        return SummarizeOut(
            summary="\n".join(one.text for one in summary.sentences),
            sources=sources,
            degraded=list(summary.degraded),
        )

    def text(self, result: SummarizeOut) -> str:
        """One line a sentence, each with its record."""
        lines = [f"[{one.id}] {(one.at or '')[:10]} {one.text}" for one in result.sources]
        return "\n".join(lines) or "Nothing to summarise."
