"""The one way in: threads are bounded, begun writes end, the unforeseen stays inside."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any, ClassVar

import anyio
import pytest

from memory.errors import MemorydError, NotFound
from memory.system import IntegratedMemorySystem
from server.composition import Composition
from server.config import Settings
from server.dispatch import Dispatcher
from tools.catalogue import TOOLS
from tools.definition import Caller, Parameters, Result, Scope, Tool

pytestmark = pytest.mark.anyio

CALLER = Caller()
BOUND_S = 10


class Empty(Parameters):
    pass


class Done(Result):
    pass


class Probe(Tool[Empty, Done]):
    """Waits until it is let go; counts how many are inside at once."""

    name: ClassVar[str] = "probe"
    title: ClassVar[str] = "Probe"
    description: ClassVar[str] = "Waits."
    scope: ClassVar[Scope] = Scope.READ
    parameters = Empty
    result = Done

    def __init__(self) -> None:
        self.go = threading.Event()
        self.inside = 0
        self.most = 0
        self.ended = 0
        self._lock = threading.Lock()

    def call(self, system: IntegratedMemorySystem, caller: Caller, parameters: Empty) -> Done:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        assert self.go.wait(BOUND_S)
        with self._lock:
            self.inside -= 1
            self.ended += 1
        return Done()

    def text(self, result: Done) -> str:
        return "done"


class Broken(Probe):
    name: ClassVar[str] = "broken"

    def call(self, system: IntegratedMemorySystem, caller: Caller, parameters: Empty) -> Done:
        raise ValueError("hunter2")


class Deep(Probe):
    name: ClassVar[str] = "deep"

    def call(self, system: IntegratedMemorySystem, caller: Caller, parameters: Empty) -> Done:
        return self.call(system, caller, parameters)


def dispatcher(memories: IntegratedMemorySystem, *tools: Tool[Any, Any]) -> Dispatcher:
    composition = Composition(settings=Settings(), system=memories)
    return Dispatcher(composition, threads=2, tools=tools or TOOLS)


async def test_only_so_many_calls_run_at_once(memories: IntegratedMemorySystem) -> None:
    probe = Probe()
    calls = dispatcher(memories, probe)
    with anyio.fail_after(BOUND_S):
        async with anyio.create_task_group() as tasks:
            for _ in range(6):
                tasks.start_soon(calls.call, "probe", {}, CALLER)
            while probe.inside < 2:
                await anyio.lowlevel.checkpoint()
            probe.go.set()
    assert (probe.most, probe.ended) == (2, 6)


async def test_a_call_that_has_begun_ends_although_its_caller_goes_away(
    memories: IntegratedMemorySystem,
) -> None:
    probe = Probe()
    calls = dispatcher(memories, probe)
    with anyio.fail_after(BOUND_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(calls.call, "probe", {}, CALLER)
            while not probe.inside:
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
            probe.go.set()
    assert probe.ended == 1


async def test_an_unforeseen_failure_is_told_without_its_cause(
    memories: IntegratedMemorySystem, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(MemorydError) as caught:
        await dispatcher(memories, Broken()).call("broken", {}, CALLER)
    assert (caught.value.code, caught.value.__cause__) == ("internal", None)
    assert "hunter2" not in caught.value.message + caplog.text
    assert "broken failed: ValueError" in caplog.text
    assert "test_dispatch.py" in caplog.text


@pytest.mark.parametrize("arguments", [{"a": 1}, {"\ud800": 1}])
async def test_unknown_parameters_are_refused(
    memories: IntegratedMemorySystem, arguments: Mapping[str, object]
) -> None:
    with pytest.raises(MemorydError) as caught:
        await dispatcher(memories, Probe()).call("probe", arguments, CALLER)
    assert caught.value.code == "invalid_input"


async def test_what_is_nested_too_deeply_is_invalid(memories: IntegratedMemorySystem) -> None:
    with pytest.raises(MemorydError) as caught:
        await dispatcher(memories, Deep()).call("deep", {}, CALLER)
    assert caught.value.code == "invalid_input"


async def test_an_unknown_tool_is_not_found(memories: IntegratedMemorySystem) -> None:
    with pytest.raises(NotFound, match="store, recall"):
        await dispatcher(memories).call("dance", {}, CALLER)
