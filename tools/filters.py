"""The filter language of the wire, and its translation into the memory's own filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import AliasChoices, AwareDatetime, Field
from pydantic.functional_validators import BeforeValidator

from memory.errors import InvalidInput
from memory.records import (
    AllOf,
    AnyOf,
    Comparison,
    ComparisonOperator,
    Condition,
    Filter,
    Not,
    SourceKind,
    Status,
    Tier,
    TimeRange,
)
from tools.definition import Parameters
from tools.wire import Tags, TierName, json_value

__all__ = ["FiltersIn", "as_list", "condition"]

DEPTH_MAX = 12

OPERATORS: Mapping[str, ComparisonOperator] = {
    "eq": "eq",
    "ne": "ne",
    "gt": "gt",
    "gte": "gte",
    "lt": "lt",
    "lte": "lte",
    "in": "in",
    "nin": "not_in",
    "not_in": "not_in",
    "contains": "contains",
    "exists": "exists",
}

LISTED = frozenset({"in", "not_in"})
CONNECTIVES = frozenset({"and", "or", "not"})

T = TypeVar("T")


def as_list(value: object) -> object:
    """A single value as a list of one, for callers that mean one."""
    return [value] if isinstance(value, str) else value


Names: TypeAlias = Annotated[list[str], BeforeValidator(as_list)]
TierNames: TypeAlias = Annotated[list[TierName], BeforeValidator(as_list)]
StatusName: TypeAlias = Literal["active", "superseded", "quarantined", "forgotten"]
KindName: TypeAlias = Literal["user", "agent", "tool", "document", "import"]


class FiltersIn(Parameters):
    """Which records are meant; every part that is given must hold."""

    ids: Names = Field(default_factory=list, validation_alias=AliasChoices("ids", "id"))
    tiers: TierNames = Field(default_factory=list, validation_alias=AliasChoices("tiers", "tier"))
    tags: Tags = Field(default_factory=list)
    tag_match: Literal["any", "all"] = "any"
    metadata: dict[str, object] | None = Field(
        default=None,
        description='{"project": "apollo"}, {"cost": {"gte": 10, "lt": 20}}, operators eq ne in '
        'nin gt gte lt lte contains exists; {"and": [..]}, {"or": [..]}, {"not": {..}}; a dot in '
        "a key goes into nested objects.",
    )
    source_kind: Annotated[list[KindName], BeforeValidator(as_list)] = Field(default_factory=list)
    source_id: Names = Field(default_factory=list)
    conversation_id: Names = Field(default_factory=list)
    speaker: Names = Field(default_factory=list)
    occurred_after: AwareDatetime | None = Field(
        default=None,
        validation_alias=AliasChoices("occurred_after", "after", "since"),
        description="Happened at or after this time.",
    )
    occurred_before: AwareDatetime | None = Field(
        default=None,
        validation_alias=AliasChoices("occurred_before", "before", "until"),
        description="Happened before this time.",
    )
    created_after: AwareDatetime | None = Field(default=None, description="Stored at or after.")
    created_before: AwareDatetime | None = Field(default=None, description="Stored before.")
    importance_min: float | None = Field(default=None, ge=0, le=1)
    importance_max: float | None = Field(default=None, ge=0, le=1)
    pinned: bool | None = None
    status: Annotated[list[StatusName], BeforeValidator(as_list)] = Field(
        default=["active"], min_length=1
    )
    include_expired: bool = False

    def to_filter(self) -> Filter:
        """The same in the memory's own vocabulary.

        Raises:
            InvalidInput: The metadata condition is malformed.
        """
        return Filter(
            ids=_unique(self.ids, str),
            tiers=_unique(self.tiers, Tier),
            tags=_unique(self.tags, str),
            tag_match=self.tag_match,
            metadata=None if not self.metadata else condition(self.metadata),
            source_kinds=_unique(self.source_kind, SourceKind),
            source_ids=_unique(self.source_id, str),
            conversation_ids=_unique(self.conversation_id, str),
            speakers=_unique(self.speaker, str),
            occurred=TimeRange(after=self.occurred_after, before=self.occurred_before),
            created=TimeRange(after=self.created_after, before=self.created_before),
            importance_min=self.importance_min,
            importance_max=self.importance_max,
            pinned=self.pinned,
            statuses=_unique(self.status, Status),
            include_expired=self.include_expired,
        )


def _unique(values: Sequence[str], kind: Callable[[str], T]) -> tuple[T, ...]:
    return tuple(kind(value) for value in dict.fromkeys(values))


def condition(described: Mapping[str, object], depth: int = 1) -> Condition:
    """The condition that a metadata filter describes.

    Raises:
        InvalidInput: An operator is unknown, a value is of the wrong kind, or it is too deep.
    """
    if depth > DEPTH_MAX:
        raise InvalidInput(f"filters.metadata: nested deeper than {DEPTH_MAX}", "filters.metadata")
    parts = [
        _connective(key.lower(), value, depth)
        if key.lower() in CONNECTIVES
        else _comparisons(key, value)
        for key, value in described.items()
    ]
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _connective(name: str, value: object, depth: int) -> Condition:
    if name == "not":
        return Not(condition(_mapping(value, name), depth + 1))
    if not isinstance(value, list) or not value:  # an empty one would mean all, or none
        raise InvalidInput(f"filters.metadata: {name} takes a list", "filters.metadata")
    conditions = tuple(condition(_mapping(one, name), depth + 1) for one in value)
    return AllOf(conditions) if name == "and" else AnyOf(conditions)


def _mapping(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict) or not value:
        raise InvalidInput(f"filters.metadata: {name} takes conditions", "filters.metadata")
    return value


def _comparisons(key: str, value: object) -> Condition:
    path = tuple(key.split("."))
    if not isinstance(value, dict):
        return Comparison(path, "eq", json_value(value))
    if not value:
        raise InvalidInput("filters.metadata: an operator is missing", "filters.metadata")
    parts = tuple(_comparison(path, name, operand) for name, operand in value.items())
    return parts[0] if len(parts) == 1 else AllOf(parts)


def _comparison(path: tuple[str, ...], name: str, operand: object) -> Comparison:
    operator = OPERATORS.get(name.lower().lstrip("$"))
    if operator is None:
        known = ", ".join(OPERATORS)
        raise InvalidInput(f"filters.metadata: operators are {known}", "filters.metadata")
    if (operator in LISTED) is not isinstance(operand, list) and operator not in ("eq", "ne"):
        kind = "a list" if operator in LISTED else "one value"
        raise InvalidInput(f"filters.metadata: {operator} takes {kind}", "filters.metadata")
    if operator == "exists" and not isinstance(operand, bool):
        raise InvalidInput("filters.metadata: exists takes true or false", "filters.metadata")
    return Comparison(path, operator, json_value(operand))
