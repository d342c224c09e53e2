"""What a tool is: one definition from which every protocol makes its face."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from memory.records import DEFAULT_NAMESPACE

if TYPE_CHECKING:
    from memory.system import IntegratedMemorySystem

__all__ = ["Caller", "Parameters", "Result", "Scope", "Tool"]


class Scope(StrEnum):
    """What a caller must be allowed to do."""

    READ = "read"
    WRITE = "write"
    FORGET = "forget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: the name for the log, and the namespace that is meant when none is given."""

    actor: str = "local"
    namespace: str = DEFAULT_NAMESPACE


class Parameters(BaseModel):
    """The parameters of a tool; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Result(BaseModel):
    """The result of a tool, as every protocol carries it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


ParametersType = TypeVar("ParametersType", bound=Parameters)
ResultType = TypeVar("ResultType", bound=Result)


class Tool(ABC, Generic[ParametersType, ResultType]):
    """One operation: its names and texts, its parameters and result, and the call itself."""

    name: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    scope: ClassVar[Scope]
    read_only: ClassVar[bool] = False
    destructive: ClassVar[bool] = False
    idempotent: ClassVar[bool] = False
    parameters: type[ParametersType]
    result: type[ResultType]

    @abstractmethod
    def call(
        self, system: IntegratedMemorySystem, caller: Caller, parameters: ParametersType
    ) -> ResultType:
        """Does it.

        Raises:
            MemorydError: What went wrong, in words for the caller.
        """

    @abstractmethod
    def text(self, result: ResultType) -> str:
        """The result in few words for a language model."""
