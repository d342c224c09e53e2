"""The one table from errors of the memory to the numbers and bodies of the protocols.

Every protocol carries the same facts: the stable code, a sentence, whether a retry can help, and
details. Over HTTP they are the body ``{"error": {...}}``, in JSON-RPC they are ``error.data``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from memory.errors import (
    CapacityExceeded,
    Conflict,
    Forbidden,
    InvalidInput,
    MemorydError,
    NotFound,
    QuotaExceeded,
    Unauthenticated,
    Unavailable,
)
from tools.wire import RecordOut

__all__ = [
    "NUMBERS",
    "Numbers",
    "error_body",
    "facts_of",
    "numbers_of",
    "problem_body",
    "retry_headers",
]


@dataclass(frozen=True, slots=True)
class Numbers:
    """How protocols number one kind of error."""

    http: int
    json_rpc: int
    meaning: str


NUMBERS: Mapping[type[MemorydError], Numbers] = MappingProxyType(
    {
        InvalidInput: Numbers(422, -32602, "What was sent cannot be taken; the field is named."),
        NotFound: Numbers(404, -32010, "There is no such record in this namespace."),
        Conflict: Numbers(
            409, -32011, "The record changed meanwhile, or an idempotency key was reused."
        ),
        CapacityExceeded: Numbers(429, -32012, "A tier is full."),
        QuotaExceeded: Numbers(429, -32012, "The caller's allowance is used up."),
        Unauthenticated: Numbers(401, -32013, "Who is calling is not known."),
        Forbidden: Numbers(403, -32014, "The caller may not do this."),
        Unavailable: Numbers(503, -32015, "A part that is needed cannot answer now."),
        MemorydError: Numbers(500, -32603, "Something failed inside memoryd."),
    }
)
"""An error is numbered by the nearest of its classes that is named here."""

RETRY_AFTER_S = 1
MESSAGE_CHARACTERS_MAX = 2_000


def numbers_of(error: MemorydError) -> Numbers:
    """The numbers of the nearest class of this error that has some."""
    return next(NUMBERS[kind] for kind in type(error).__mro__ if kind in NUMBERS)


def facts_of(error: MemorydError) -> dict[str, object]:
    """What a program may want to know of the error: JSON values.

    A conflict over a version tells the record's current state as ``current``.
    """
    details = dict(error.details)
    if isinstance(error, Conflict) and error.current is not None:
        details["current"] = RecordOut.of(error.current).model_dump(mode="json")
    return {
        "code": error.code,
        "message": error.message[:MESSAGE_CHARACTERS_MAX],
        "retryable": error.retryable,
        "details": details,
    }


def error_body(error: MemorydError) -> bytes:
    """The HTTP body that tells of the error."""
    return _body(facts_of(error))


def problem_body(code: str, message: str) -> bytes:
    """The HTTP body, of the same shape, for what is wrong with a request itself."""
    return _body({"code": code, "message": message, "retryable": False, "details": {}})


def retry_headers(error: MemorydError) -> dict[str, str]:
    """When to try again (RFC 9110, 10.2.3), for errors that pass."""
    return {"retry-after": str(RETRY_AFTER_S)} if error.retryable else {}


def _body(facts: Mapping[str, object]) -> bytes:
    # ASCII only: names of unknown fields are told, and those can hold lone surrogates.
    return json.dumps({"error": facts}, separators=(",", ":")).encode("ascii")
