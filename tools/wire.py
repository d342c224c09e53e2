"""The values of the wire contract that several tools share: sources, entries, records."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import AliasChoices, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.functional_validators import BeforeValidator

from memory.errors import InvalidInput
from memory.records import Entry, JsonValue, MemoryRecord, Source, SourceKind, Tier
from tools.definition import Parameters, Result

__all__ = [
    "EntryFields",
    "EntryIn",
    "Json",
    "Namespace",
    "RecordOut",
    "SourceIn",
    "SourceOut",
    "Tags",
    "TierName",
    "iso",
    "json_value",
    "source_out",
]

TierName: TypeAlias = Literal["short_term", "working", "long_term", "episodic", "semantic"]
Json: TypeAlias = dict[str, object]


def _split(value: object) -> object:
    """A comma-separated string as a list, for callers that can only send strings."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


Tags: TypeAlias = Annotated[list[str], BeforeValidator(_split)]
Namespace: TypeAlias = Annotated[
    str | None,
    Field(description="Which memory to use: one per user, project or agent. Default: your own."),
]


class SourceIn(Parameters):
    """Where an entry comes from."""

    kind: Literal["user", "agent", "tool", "document", "import"] = "agent"
    id: str | None = None
    conversation_id: str | None = Field(
        default=None, description="The conversation; its turns are found together."
    )
    speaker: str | None = Field(default=None, description="Who said it.")
    turn: int | None = Field(default=None, ge=0, description="Position in the conversation.")

    def to_source(self) -> Source:
        """The same in the memory's own vocabulary."""
        return Source(
            kind=SourceKind(self.kind),
            id=self.id,
            conversation_id=self.conversation_id,
            speaker=self.speaker,
            turn=self.turn,
        )


class EntryFields(Parameters):
    """What can be said of an entry; a call that gives several has no content of its own."""

    content: str | None = None
    tier: TierName = Field(
        default="long_term",
        description="long_term (default), semantic: facts, episodic: events, working: the task at "
        "hand (a week), short_term: passing (a day).",
    )
    tags: Tags = Field(default_factory=list)
    metadata: Json = Field(default_factory=dict, description="Any JSON; filters can use it.")
    importance: float = Field(default=0.5, ge=0, le=1)
    occurred_at: AwareDatetime | None = Field(
        default=None, description="When it happened, ISO 8601 with zone; set it if you know it."
    )
    valid_from: AwareDatetime | None = None
    valid_to: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    ttl_seconds: float | None = Field(default=None, gt=0)
    source: SourceIn = Field(default_factory=SourceIn)
    pinned: bool = False
    idempotency_key: str | None = Field(
        default=None, description="Makes a retry safe: same key, same entry, stored once."
    )


class EntryIn(EntryFields):
    """One thing to remember."""

    content: str = Field(
        validation_alias=AliasChoices("content", "text"),
        description="What to remember, in its own words: one fact, event or turn.",
    )

    def to_entry(self) -> Entry:
        """The same in the memory's own vocabulary."""
        return Entry(
            content=self.content,
            tier=Tier(self.tier),
            tags=tuple(self.tags),
            metadata={key: json_value(value) for key, value in self.metadata.items()},
            source=self.source.to_source(),
            importance=self.importance,
            occurred_at=self.occurred_at,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            expires_at=self.expires_at,
            ttl_seconds=self.ttl_seconds,
            pinned=self.pinned,
            idempotency_key=self.idempotency_key,
        )


class SourceOut(BaseModel):
    """Where a record came from; what is not known is left out."""

    model_config = ConfigDict(frozen=True)

    kind: str
    id: str | None = None
    conversation_id: str | None = None
    speaker: str | None = None
    turn: int | None = None


class RecordOut(Result):
    """A record in its current state."""

    id: str
    namespace: str
    tier: str
    content: str
    tags: list[str]
    metadata: Json
    importance: float
    occurred_at: str | None
    valid_from: str | None
    valid_to: str | None
    created_at: str
    updated_at: str
    expires_at: str | None
    source: SourceOut
    pinned: bool
    status: str
    superseded_by: str | None
    version: int

    @classmethod
    def of(cls, record: MemoryRecord) -> RecordOut:
        """The record as the wire carries it."""
        return cls(
            id=record.id,
            namespace=record.namespace,
            tier=record.tier,
            content=record.content,
            tags=list(record.tags),
            metadata=dict(record.metadata),
            importance=record.importance,
            occurred_at=iso(record.occurred_at),
            valid_from=iso(record.valid_from),
            valid_to=iso(record.valid_to),
            created_at=record.created_at.astimezone(UTC).isoformat(),
            updated_at=record.updated_at.astimezone(UTC).isoformat(),
            expires_at=iso(record.expires_at),
            source=source_out(record.source),
            pinned=record.pinned,
            status=record.status,
            superseded_by=record.superseded_by,
            version=record.version,
        )


def source_out(source: Source) -> SourceOut:
    """The source as the wire carries it."""
    return SourceOut(
        kind=source.kind,
        id=source.id,
        conversation_id=source.conversation_id,
        speaker=source.speaker,
        turn=source.turn,
    )


def json_value(value: object) -> JsonValue:
    """The value, which a protocol has decoded from JSON, by its proper type.

    Raises:
        InvalidInput: It is nothing that JSON can hold.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [json_value(one) for one in value]
    if isinstance(value, dict):
        return {str(key): json_value(one) for key, one in value.items()}
    raise InvalidInput("only JSON values can be stored or compared")


def iso(moment: datetime | None) -> str | None:
    """The time in UTC as ISO 8601, or ``None``."""
    return None if moment is None else moment.astimezone(UTC).isoformat()
