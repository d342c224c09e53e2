"""Opens the memory for a command and calls tools on it, as every other face does."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from memory.system import IntegratedMemorySystem
from server.commands.session import Session
from server.composition import compose
from server.config import Settings
from tools.definition import Caller, Parameters, Result, Tool
from tools.reasons import invalid_input

__all__ = ["ACTOR", "Opened", "open_memory", "show_warnings"]

ACTOR = "cli"

ParametersType = TypeVar("ParametersType", bound=Parameters)
ResultType = TypeVar("ResultType", bound=Result)


@dataclass(frozen=True, slots=True)
class Opened:
    """A memory that is open, and the settings it was opened with."""

    settings: Settings
    system: IntegratedMemorySystem

    def call(
        self, tool: Tool[ParametersType, ResultType], arguments: Mapping[str, object]
    ) -> ResultType:
        """Calls a tool; arguments that are ``None`` or empty were not given.

        Raises:
            MemorydError: What went wrong.
        """
        given = {name: value for name, value in arguments.items() if value not in (None, (), {})}
        try:
            parameters = tool.parameters.model_validate(given)
        except ValidationError as error:
            raise invalid_input(error) from None
        caller = Caller(actor=ACTOR, namespace=self.settings.namespace)
        return tool.call(self.system, caller, parameters)


@contextmanager
def open_memory(session: Session) -> Iterator[Opened]:
    """The memory that the settings name; a server may have it open at the same time.

    Raises:
        MemorydError: It cannot be opened.
    """
    show_warnings()
    settings = session.settings()
    composition = compose(settings)
    try:
        yield Opened(settings, composition.system)
    finally:
        composition.system.close()


def show_warnings() -> None:
    """Lets warnings of the memory appear on standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
