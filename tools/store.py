"""The tool ``store``: remember one thing, or many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AliasChoices, Field, SkipValidation, ValidationError

from memory.errors import InvalidInput
from memory.records import Entry, StoreResult
from memory.validation import ENTRIES_MAX
from tools.definition import Caller, Result, Scope, Tool
from tools.reasons import invalid_input
from tools.wire import EntryFields, EntryIn, Namespace

if TYPE_CHECKING:
    from memory.system import IntegratedMemorySystem

__all__ = ["Store"]


class StoreParameters(EntryFields):
    """One ``content`` with its fields, or ``entries`` for which those fields are the defaults."""

    content: str | None = Field(
        default=None,
        validation_alias=AliasChoices("content", "text"),
        description="What to remember, in its own words: one fact, event or turn.",
    )
    # Each entry is validated by itself, so that a bad one does not refuse the others.
    entries: list[Annotated[EntryIn, SkipValidation]] | None = Field(
        default=None, description="Several at once, instead of content."
    )
    namespace: Namespace = None


class EntryResult(Result):
    """What became of one entry."""

    index: int
    id: str | None = None
    version: int | None = None
    status: Literal["stored", "duplicate", "refused"]
    reason: str | None = None


class StoreOut(Result):
    """What became of each entry, in the order given."""

    results: list[EntryResult]


class Store(Tool[StoreParameters, StoreOut]):
    """Stores entries; each gets an answer of its own."""

    name = "store"
    title = "Remember"
    description = (
        "Remember facts, events, preferences or conversation turns across sessions. One idea per "
        "entry; say when it happened (occurred_at) and who said it (source.speaker) if known. "
        "Stores one content, or many entries at once. Durable when it returns; exact repeats are "
        "recognised."
    )
    scope = Scope.WRITE
    parameters = StoreParameters
    result = StoreOut

    def call(
        self, system: IntegratedMemorySystem, caller: Caller, parameters: StoreParameters
    ) -> StoreOut:
        """Stores the content, or all entries that can be taken."""
        namespace = parameters.namespace or caller.namespace
        if (parameters.content is None) == (parameters.entries is None):
            raise InvalidInput("give either content or entries", "content")
        if parameters.entries is None:
            entry = EntryIn.model_validate(_told(parameters)).to_entry()
            result = system.store(entry, namespace=namespace, actor=caller.actor)
            return StoreOut(results=[_entry_result(result, 0)])
        return StoreOut(results=_store_each(system, caller, parameters, namespace))

    def text(self, result: StoreOut) -> str:
        """One line an entry, or a count when there are many."""
        if len(result.results) == 1:
            return _line(result.results[0])
        kinds = [one.status for one in result.results]
        counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
        refused = [_line(one) for one in result.results if one.status == "refused"]
        return "\n".join([f"{len(kinds)} entries: {counts}.", *refused])


def _told(parameters: StoreParameters) -> dict[str, object]:
    """The fields that the caller set, without those that are not an entry's."""
    return parameters.model_dump(exclude_unset=True, exclude={"entries", "namespace"})


def _store_each(
    system: IntegratedMemorySystem, caller: Caller, parameters: StoreParameters, namespace: str
) -> list[EntryResult]:
    given = parameters.entries or []
    if len(given) > ENTRIES_MAX:
        raise InvalidInput(f"entries: at most {ENTRIES_MAX:,} a call", "entries")
    if not given:
        raise InvalidInput("entries: give at least one", "entries")
    defaults = _told(parameters)
    entries: list[Entry] = []
    places: list[int] = []
    results: dict[int, EntryResult] = {}
    for index, raw in enumerate(given):
        try:
            entries.append(_entry(raw, defaults, index))
            places.append(index)
        except InvalidInput as error:
            results[index] = EntryResult(index=index, status="refused", reason=error.message)
    stored = system.store(entries, namespace=namespace, actor=caller.actor) if entries else []
    for place, result in zip(places, stored, strict=True):
        results[place] = _entry_result(result, place)
    return [results[index] for index in range(len(given))]


def _entry(raw: object, defaults: dict[str, object], index: int) -> Entry:
    """One entry of a batch, the call's own fields as its defaults."""
    key = defaults.get("idempotency_key")
    numbered = {"idempotency_key": f"{key}:{index}"} if key else {}
    told = {"content": raw} if isinstance(raw, str) else raw
    if not isinstance(told, dict):
        raise InvalidInput(f"entries.{index}: give an object with content", f"entries.{index}")
    try:
        return EntryIn.model_validate({**defaults, **numbered, **told}).to_entry()
    except ValidationError as error:
        raise invalid_input(error, f"entries.{index}") from None


def _entry_result(result: StoreResult, index: int) -> EntryResult:
    return EntryResult(
        index=index,
        id=result.id,
        version=result.version,
        status=result.status,
        reason=result.reason,
    )


def _line(one: EntryResult) -> str:
    if one.status == "refused":
        return f"Entry {one.index} refused: {one.reason}"
    return f"{one.status.capitalize()} as {one.id}." + (f" ({one.reason})" if one.reason else "")
