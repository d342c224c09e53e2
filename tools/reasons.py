"""Why parameters cannot be taken: names of fields and reasons, never the caller's values."""

from __future__ import annotations

from pydantic import ValidationError

from memory.errors import InvalidInput

__all__ = ["invalid_input"]

REASONS_MAX = 10
PATH_CHARACTERS_MAX = 100

BETTER = {
    "timezone_aware": "give the time with its zone, such as 2026-05-08T12:00:00Z",
    "extra_forbidden": "is not a known parameter",
    "missing": "is required",
    "finite_number": "give a finite number",
    "string_unicode": "remove lone surrogates; text must be well-formed Unicode",
}
"""Plainer words than pydantic's for the kinds of error that callers meet most."""


def invalid_input(error: ValidationError, prefix: str = "") -> InvalidInput:
    """The error that says which fields cannot be taken and why."""
    problems = [
        {
            "field": _path((*([prefix] if prefix else []), *one["loc"])),
            "reason": BETTER.get(one["type"], one["msg"]),
        }
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    shown = problems[:REASONS_MAX]
    message = "; ".join(f"{problem['field']}: {problem['reason']}" for problem in shown)
    return InvalidInput(message, shown[0]["field"], {"problems": shown})


def _path(steps: tuple[str | int, ...]) -> str:
    """Where in the parameters: an unknown name is the caller's own and may be of any length."""
    path = ".".join(map(str, steps)) or "parameters"
    return path if len(path) <= PATH_CHARACTERS_MAX else f"{path[:PATH_CHARACTERS_MAX]}…"
