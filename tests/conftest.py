"""What every test may use: a clock that is set by hand, ids that count, a fast memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings

from memory import EventBus, IntegratedMemorySystem, SharedMetadata
from memory.embedding import embedder_from

# How long an example takes says more about the machine than about the code.
settings.register_profile(
    "memoryd", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("memoryd")


class ManualClock:
    """A clock that stands still until it is moved; each reading is a microsecond later."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 5, 8, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.moment += timedelta(microseconds=1)
        return self.moment

    def advance(self, **parts: float) -> None:
        self.moment += timedelta(**parts)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def memories(clock: ManualClock) -> Iterator[IntegratedMemorySystem]:
    """A memory in this process with the hashing embedder, which needs no model."""
    with IntegratedMemorySystem(
        EventBus(), SharedMetadata(), embedder=embedder_from("hashing"), clock=clock
    ) as system:
        yield system
