"""The memory itself: a library that knows no network, no protocol and no environment.

The names that users need are exported here and imported when first asked for, so that importing
one part of the library does not load all of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memory.errors import MemorydError
    from memory.events import Event, EventBus
    from memory.metadata import SharedMetadata
    from memory.records import (
        Entry,
        Filter,
        MemoryRecord,
        Source,
        SourceKind,
        Status,
        Tier,
        TimeRange,
    )
    from memory.system import IntegratedMemorySystem

__all__ = [
    "Entry",
    "Event",
    "EventBus",
    "Filter",
    "IntegratedMemorySystem",
    "MemoryRecord",
    "MemorydError",
    "SharedMetadata",
    "Source",
    "SourceKind",
    "Status",
    "Tier",
    "TimeRange",
]

_HOMES = {
    "Event": "memory.events",
    "EventBus": "memory.events",
    "IntegratedMemorySystem": "memory.system",
    "MemorydError": "memory.errors",
    "SharedMetadata": "memory.metadata",
}


def __getattr__(name: str) -> object:
    """The exported name, from the module it lives in."""
    if name not in __all__:
        raise AttributeError(f"module 'memory' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "memory.records")), name)
