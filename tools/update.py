"""The tool ``update``: change what was remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import AliasChoices, AwareDatetime, Field

from memory.records import JsonValue, Tier
from tools.definition import Caller, Parameters, Result, Scope, Tool
from tools.wire import Json, Namespace, SourceIn, Tags, TierName, json_value

if TYPE_CHECKING:
    from memory.system import IntegratedMemorySystem

__all__ = ["Update"]


class ChangesIn(Parameters):
    """New values; each replaces the old one. null clears a time."""

    content: str | None = Field(default=None, validation_alias=AliasChoices("content", "text"))
    tier: TierName | None = None
    tags: Tags | None = None
    metadata: Json | None = None
    importance: float | None = Field(default=None, ge=0, le=1)
    occurred_at: AwareDatetime | None = None
    valid_from: AwareDatetime | None = None
    valid_to: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    ttl_seconds: float | None = Field(default=None, gt=0)
    source: SourceIn | None = None
    pinned: bool | None = None


class UpdateParameters(Parameters):
    """Which record, and what to change."""

    id: str = Field(
        validation_alias=AliasChoices("id", "memory_id"), description="Id from store or recall."
    )
    changes: ChangesIn
    expected_version: int | None = Field(
        default=None, ge=1, description="The version you saw; refused if it has changed since."
    )
    namespace: Namespace = None


class UpdateOut(Result):
    """The record's id and its version after the change."""

    id: str
    version: int


CLEARABLE = frozenset({"occurred_at", "valid_from", "valid_to", "expires_at"})


class Update(Tool[UpdateParameters, UpdateOut]):
    """Changes fields of a record; the former state stays in its history."""

    name = "update"
    title = "Correct a memory"
    description = (
        "Correct or complete a memory by id: its content, tier, tags, metadata, importance, times "
        "or source. Use it when a fact was wrong or has changed, instead of storing the new one "
        "beside the old one. The former state stays in the history."
    )
    scope = Scope.WRITE
    destructive = True
    idempotent = True
    parameters = UpdateParameters
    result = UpdateOut

    def call(
        self, system: IntegratedMemorySystem, caller: Caller, parameters: UpdateParameters
    ) -> UpdateOut:
        """Applies the changes that were named."""
        record = system.update(
            parameters.id,
            _changes(parameters.changes),
            expected_version=parameters.expected_version,
            namespace=parameters.namespace or caller.namespace,
            actor=caller.actor,
        )
        return UpdateOut(id=record.id, version=record.version)

    def text(self, result: UpdateOut) -> str:
        """What became of it."""
        return f"{result.id} is at version {result.version} now."


def _changes(changes: ChangesIn) -> dict[str, object]:
    """The fields that the caller set, in the memory's own vocabulary."""
    told: dict[str, object] = {}
    for name in changes.model_fields_set:
        value = getattr(changes, name)
        if value is not None or name in CLEARABLE:
            told[name] = value
    if changes.tier is not None:
        told["tier"] = Tier(changes.tier)
    if changes.tags is not None:
        told["tags"] = tuple(dict.fromkeys(changes.tags))
    if changes.source is not None:
        told["source"] = changes.source.to_source()
    if changes.metadata is not None:
        metadata: dict[str, JsonValue] = {
            key: json_value(value) for key, value in changes.metadata.items()
        }
        told["metadata"] = metadata
    return told
