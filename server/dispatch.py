"""Dispatch: the one way in from every protocol to the tools.

A call is validated and run in a thread of a bounded pool, because the memory is synchronous. A
caller that goes away does not stop a call that has begun: a write is one transaction and ends as
such; only calls that still wait for a thread are given up.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import anyio
import anyio.to_thread
from pydantic import ValidationError

from memory.errors import InvalidInput, MemorydError, NotFound
from server.starting import Memories
from tools.catalogue import TOOLS
from tools.definition import Caller, Result, Tool
from tools.reasons import invalid_input

__all__ = ["Dispatcher", "Outcome", "result_json", "result_value"]

log = logging.getLogger(__name__)

Outcome: TypeAlias = tuple[Tool[Any, Any], Result]
"""The tool that ran, of which only it knows the result's type, and what it gave."""

INTERNAL = (
    "something failed inside memoryd and was logged; the same call is unlikely to succeed at once"
)


class Dispatcher:
    """Runs tools by name.

    Args:
        memories: Where the memory is that the tools work on; calls wait until it is composed.
        threads: How many calls run at once; further ones wait for their turn.
        tools: What can be called.
    """

    def __init__(
        self,
        memories: Memories,
        threads: int,
        tools: Sequence[Tool[Any, Any]] = TOOLS,
    ) -> None:
        self.memories = memories
        self._threads = threads
        self._limiter: anyio.CapacityLimiter | None = None
        self._tools: dict[str, Tool[Any, Any]] = {tool.name: tool for tool in tools}

    async def call(
        self, tool_name: str, arguments: Mapping[str, object], caller: Caller
    ) -> Outcome:
        """Validates the arguments and runs the tool.

        Args:
            tool_name: The tool's plain name, such as ``store``.
            arguments: JSON values by parameter name.
            caller: Who calls.

        Returns:
            The tool and its result.

        Raises:
            MemorydError: What went wrong, in words for the caller. Anything unforeseen is logged
                and becomes an error of the code ``internal`` that says nothing about its cause.
        """
        tool = self._tools.get(tool_name)
        if tool is None:
            raise NotFound(f"there is no such tool; the tools are {', '.join(self._tools)}")
        if self._limiter is None:  # belongs to an event loop, so it is made inside one
            self._limiter = anyio.CapacityLimiter(self._threads)
        return await anyio.to_thread.run_sync(
            self._run, tool, arguments, caller, limiter=self._limiter
        )

    def _run(
        self, tool: Tool[Any, Any], arguments: Mapping[str, object], caller: Caller
    ) -> Outcome:
        try:
            parameters = tool.parameters.model_validate(arguments)
            return tool, tool.call(self.memories.system, caller, parameters)
        except MemorydError:
            raise
        except ValidationError as error:
            raise invalid_input(error) from None
        except RecursionError:
            raise InvalidInput("parameters: nested too deeply") from None
        except Exception as error:  # noqa: BLE001 - the last barrier before the wire
            log_failure(tool.name, error)
            raise MemorydError(INTERNAL) from None


def result_value(result: Result) -> dict[str, object]:
    """The result as JSON values; what is at its default is left out."""
    return result.model_dump(mode="json", exclude_defaults=True)


def result_json(result: Result) -> bytes:
    """The result as JSON text in UTF-8; what is at its default is left out."""
    return result.model_dump_json(exclude_defaults=True).encode()


def log_failure(what: str, error: BaseException) -> None:
    """Logs where an unforeseen error came from, without its message, which may hold content."""
    frames = []
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        frames.append(f"  {code.co_filename}:{step.tb_lineno} in {code.co_qualname}")
        step = step.tb_next
    log.error("%s failed: %s\n%s", what, type(error).__qualname__, "\n".join(frames))
