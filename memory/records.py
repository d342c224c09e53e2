"""The vocabulary of the memory: frozen values that every room shares.

Nothing here knows storage, protocols or models. Times are timezone-aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

JsonValue: TypeAlias = bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"] | None

DEFAULT_NAMESPACE = "default"

MIN_CONFIDENCE = 0.15
"""Hits that recall is less sure of are left out by default. Where it was measured (see
``memory.recall.confidence``), it keeps 98 to 99 of 100 answerable questions and turns away at least
four of five about what was never stored."""


class Tier(StrEnum):
    """Where a record lives; each tier has a retention of its own."""

    SHORT_TERM = "short_term"
    WORKING = "working"
    LONG_TERM = "long_term"
    EPISODIC = "episodic"
    SEMANTIC = "semantic"


class Status(StrEnum):
    """Whether a record is found by recall, and if not, why."""

    ACTIVE = "active"
    SUPERSEDED = "superseded"
    QUARANTINED = "quarantined"
    FORGOTTEN = "forgotten"


class SourceKind(StrEnum):
    """What kind of origin a record has."""

    USER = "user"
    AGENT = "agent"
    TOOL = "tool"
    DOCUMENT = "document"
    IMPORT = "import"


class Operation(StrEnum):
    """What a change did to its record."""

    STORED = "stored"
    UPDATED = "updated"
    FORGOTTEN = "forgotten"
    ERASED = "erased"
    SUPERSEDED = "superseded"
    QUARANTINED = "quarantined"
    RELEASED = "released"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a record came from: its provenance.

    ``conversation_id``, ``speaker`` and ``turn`` (position in the conversation, from 0 or 1)
    place a record among its neighbours.
    """

    kind: SourceKind = SourceKind.AGENT
    id: str | None = None
    conversation_id: str | None = None
    speaker: str | None = None
    turn: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a caller wants stored; everything but ``content`` has a default.

    ``expires_at`` and ``ttl_seconds`` exclude each other. ``idempotency_key`` makes a retry safe:
    the same key with the same entry answers with the record of the first call.
    """

    content: str
    tier: Tier = Tier.LONG_TERM
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    source: Source = field(default_factory=Source)
    importance: float = 0.5
    occurred_at: datetime | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    expires_at: datetime | None = None
    ttl_seconds: float | None = None
    pinned: bool = False
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRecord:
    """One memory as it stands after its latest change.

    ``id`` is a UUIDv7 (RFC 9562), ``importance`` lies in 0..1, ``version`` counts from 1.
    ``occurred_at`` says when it happened, ``valid_from``/``valid_to`` when it is true,
    ``created_at``/``updated_at`` when memoryd was told. An erased record keeps its row with empty
    content, so that its identity can never be reused.
    """

    id: str
    namespace: str
    tier: Tier
    content: str
    tags: tuple[str, ...]
    metadata: Mapping[str, JsonValue]
    source: Source
    importance: float
    occurred_at: datetime | None
    valid_from: datetime | None
    valid_to: datetime | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    version: int
    status: Status = Status.ACTIVE
    superseded_by: str | None = None
    pinned: bool = False

    @property
    def indexed_text(self) -> str:
        """The text that is embedded and searched: what was said, led by who said it."""
        return f"{self.source.speaker}: {self.content}" if self.source.speaker else self.content


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row of the change log.

    ``body`` is the record's whole state after the change, or ``None`` where the content was erased.
    ``digest`` is a keyed hash over the previous digest and this change (32 bytes).
    """

    seq: int
    namespace: str
    record_id: str
    version: int
    operation: Operation
    actor: str
    at: datetime
    reason: str
    body: Mapping[str, JsonValue] | None
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """A half-open stretch of time: ``after`` is included, ``before`` is not; ``None`` is open."""

    after: datetime | None = None
    before: datetime | None = None


ComparisonOperator: TypeAlias = Literal[
    "eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "contains", "exists"
]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A test on one metadata value, named by its path of keys.

    ``eq`` and ``in`` compare type and value (numbers by value, so 1 equals 1.0; true is no number).
    The order tests hold between two numbers or two strings and are false otherwise. ``ne`` and
    ``not_in`` are the negations and therefore hold where the key is absent. ``contains`` holds
    where the value is a list with that element or a string with that part (case-sensitive).
    """

    path: tuple[str, ...]
    operator: ComparisonOperator
    value: JsonValue


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds where every condition holds (and where there is none)."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds where at least one condition holds."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds where the condition does not."""

    condition: Condition


Condition: TypeAlias = Comparison | AllOf | AnyOf | Not


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which records are meant; every part that is given must hold.

    The defaults mean what recall may show: active and not expired. ``occurred`` is about when a
    record happened, else when it was stored. An empty tuple means "no restriction", except for
    ``statuses``, where it would match nothing and is refused.
    """

    ids: tuple[str, ...] = ()
    tiers: tuple[Tier, ...] = ()
    tags: tuple[str, ...] = ()
    tag_match: Literal["any", "all"] = "any"
    metadata: Condition | None = None
    source_kinds: tuple[SourceKind, ...] = ()
    source_ids: tuple[str, ...] = ()
    conversation_ids: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    occurred: TimeRange = TimeRange()
    created: TimeRange = TimeRange()
    importance_min: float | None = None
    importance_max: float | None = None
    pinned: bool | None = None
    statuses: tuple[Status, ...] = (Status.ACTIVE,)
    include_expired: bool = False

    def restricts(self) -> bool:
        """Whether anything beyond status and expiry is asked for."""
        plain = Filter(statuses=self.statuses, include_expired=self.include_expired)
        return self != plain


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreResult:
    """What became of one entry of a store call; ``id`` and ``version`` are absent when refused."""

    index: int
    status: Literal["stored", "duplicate", "refused"]
    id: str | None = None
    version: int | None = None
    reason: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallHit:
    """A record in a recall result.

    ``score`` ranks within this result (higher is better, 0..1 within one query), ``confidence``
    (0..1) can be compared between queries. ``content`` may be shortened (``truncated``) to fit the
    token budget. ``why`` names the parts of the score when an explanation was asked for.
    """

    record: MemoryRecord
    content: str
    score: float
    confidence: float
    truncated: bool = False
    why: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallResult:
    """Hits, best first; ``omitted`` counts further hits that did not fit the token budget.

    ``degraded`` names what was not at full quality, such as ``words_only``; empty when all was.
    """

    recall_id: str
    hits: tuple[RecallHit, ...]
    omitted: int = 0
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetResult:
    """How many records were forgotten, or would be (``dry_run``), and the first of their ids."""

    forgotten: int
    ids: tuple[str, ...]
    dry_run: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarySentence:
    """One sentence of a summary and the record it was taken from."""

    text: str
    record_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A summary of records: sentences in time order, each citing its record."""

    sentences: tuple[SummarySentence, ...]
    considered: int
    degraded: tuple[str, ...] = ()
