"""The tool ``forget``: let go of what was remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AliasChoices, Field
from pydantic.functional_validators import BeforeValidator

from memory.errors import InvalidInput
from memory.records import Filter, Tier
from tools.definition import Caller, Parameters, Result, Scope, Tool
from tools.filters import FiltersIn, as_list
from tools.wire import Namespace, TierName

if TYPE_CHECKING:
    from memory.system import IntegratedMemorySystem

__all__ = ["Forget"]


class ForgetParameters(Parameters):
    """Which records to forget: by id, by ids, or by tier and filters."""

    id: str | None = Field(default=None, validation_alias=AliasChoices("id", "memory_id"))
    ids: Annotated[list[str], BeforeValidator(as_list)] | None = Field(
        default=None, min_length=1, max_length=1000
    )
    tier: TierName | None = None
    filters: FiltersIn | None = Field(
        default=None, validation_alias=AliasChoices("filters", "conditions")
    )
    dry_run: bool = Field(default=False, description="Only say what would go.")
    confirm: bool = Field(
        default=False, description="Needed for a whole tier or namespace, and to erase by filters."
    )
    erase: bool = Field(default=False, description="Gone for good; cannot be undone.")
    namespace: Namespace = None


class ForgetOut(Result):
    """How many records went (or would go), and the first 100 of their ids."""

    forgotten: int
    ids: list[str]
    dry_run: bool = False
    erased: bool = False


class Forget(Tool[ForgetParameters, ForgetOut]):
    """Forgets records, recoverably; or erases them for good."""

    name = "forget"
    title = "Forget"
    description = (
        "Forget memories by id, or all of a tier that match filters. Look first with dry_run. "
        "Forgotten records are no longer found but can be brought back; erase removes them for "
        "good."
    )
    scope = Scope.FORGET
    destructive = True
    idempotent = True
    parameters = ForgetParameters
    result = ForgetOut

    def call(
        self, system: IntegratedMemorySystem, caller: Caller, parameters: ForgetParameters
    ) -> ForgetOut:
        """Forgets what was named."""
        target, where = _target(parameters)
        result = system.forget(
            target,
            where,
            dry_run=parameters.dry_run,
            confirm=parameters.confirm,
            erase=parameters.erase,
            namespace=parameters.namespace or caller.namespace,
            actor=caller.actor,
        )
        return ForgetOut(
            forgotten=result.forgotten,
            ids=list(result.ids),
            dry_run=result.dry_run,
            erased=result.erased,
        )

    def text(self, result: ForgetOut) -> str:
        """How many went, and which."""
        done = "Erased" if result.erased else "Forgot"
        verb = f"Would {'erase' if result.erased else 'forget'}" if result.dry_run else done
        noun = "record" if result.forgotten == 1 else "records"
        shown = f": {', '.join(result.ids[:10])}" if result.ids else ""
        more = ", ..." if result.forgotten > 10 else ""
        return f"{verb} {result.forgotten} {noun}{shown}{more}"


def _target(parameters: ForgetParameters) -> tuple[str | list[str] | Tier | None, Filter | None]:
    where = parameters.filters.to_filter() if parameters.filters else None
    named = [parameters.id, parameters.ids, parameters.tier]
    given = [one for one in named if one is not None]
    if len(given) > 1:
        raise InvalidInput("give one of id, ids or tier", "id")
    if not given and where is None and not parameters.confirm:
        raise InvalidInput("say what to forget: id, ids, tier or filters", "id")
    if parameters.tier is not None:
        return Tier(parameters.tier), where
    return parameters.ids if parameters.id is None else parameters.id, where
