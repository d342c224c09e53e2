"""Every error that a caller of the memory can meet.

    MemorydError
    ├── InvalidInput          what was sent cannot be taken; says which field and why
    ├── NotFound              no such record in this namespace
    ├── Conflict              the record changed meanwhile, or an idempotency key was reused
    ├── CapacityExceeded      a tier is full and its policy refuses
    ├── QuotaExceeded         the caller's allowance is used up
    ├── Unauthenticated       who is calling is not known
    ├── Forbidden             the caller may not do this
    └── Unavailable           a part that is needed cannot answer now
        ├── StorageUnavailable    the store is busy, full, closed or unreachable
        ├── StorageCorrupt        the stored file is damaged, or the key is not the file's key
        └── EmbedderUnavailable   the embedding model cannot be loaded or does not answer

No message ever holds what the caller sent or what is stored: only names of fields, reasons and
what to do next. Numbers of protocols (HTTP, JSON-RPC) are given by ``server.error_map`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memory.records import MemoryRecord

__all__ = [
    "CapacityExceeded",
    "Conflict",
    "EmbedderUnavailable",
    "Forbidden",
    "InvalidInput",
    "MemorydError",
    "NotFound",
    "QuotaExceeded",
    "StorageCorrupt",
    "StorageUnavailable",
    "Unauthenticated",
    "Unavailable",
]


class MemorydError(Exception):
    """The root of all errors of memoryd.

    Args:
        message: One sentence for a person or a model: what is wrong and what to do next.
        details: Structured facts for a program, made of JSON values; never content.
    """

    code = "internal"
    """Stable name of the kind of error; part of the public contract."""

    retryable = False
    """Whether the same call, unchanged, can succeed later."""

    def __init__(self, message: str, details: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, object] = MappingProxyType(dict(details or {}))


class InvalidInput(MemorydError):
    """What was sent cannot be taken.

    Args:
        message: What is wrong and what to do.
        field: Path of the offending field, such as ``entries.2.importance``.
    """

    code = "invalid_input"

    def __init__(
        self, message: str, field: str | None = None, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message, {**({"field": field} if field else {}), **(details or {})})
        self.field = field


class NotFound(MemorydError):
    """No such record in this namespace (or it is another's, which is not told apart)."""

    code = "not_found"


class Conflict(MemorydError):
    """The record changed meanwhile, or an idempotency key was reused for another entry.

    Args:
        message: What is wrong and what to do.
        details: Structured facts.
        current: The record as it stands now, for the caller whose version was stale.
    """

    code = "conflict"

    def __init__(
        self,
        message: str,
        details: Mapping[str, object] | None = None,
        current: MemoryRecord | None = None,
    ) -> None:
        super().__init__(message, details)
        self.current = current


class CapacityExceeded(MemorydError):
    """A tier is full and its policy refuses further records."""

    code = "capacity_exceeded"
    retryable = True


class QuotaExceeded(MemorydError):
    """The caller's allowance is used up."""

    code = "quota_exceeded"
    retryable = True


class Unauthenticated(MemorydError):
    """Who is calling is not known."""

    code = "unauthenticated"


class Forbidden(MemorydError):
    """The caller may not do this."""

    code = "forbidden"


class Unavailable(MemorydError):
    """A part that is needed cannot answer now."""

    code = "unavailable"
    retryable = True


class StorageUnavailable(Unavailable):
    """The store is busy, full, closed or unreachable; nothing was written."""


class StorageCorrupt(Unavailable):
    """The stored file is damaged or cannot be read with this key; it was left as it is."""

    retryable = False


class EmbedderUnavailable(Unavailable):
    """The embedding model cannot be loaded or does not answer."""
