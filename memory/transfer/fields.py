"""Reads the fields of one JSON object by their proper types, and notices those it does not know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from memory.errors import InvalidInput
from memory.records import JsonValue

__all__ = ["Fields"]

DEPTH_MAX = 64
UNKNOWN_SHOWN = 5
NAME_SHOWN = 40

Choice = TypeVar("Choice", bound=StrEnum)


class Fields:
    """The fields of a JSON object, each taken once; ``null`` is the same as absent.

    Every method raises InvalidInput, naming the field, when its value is of another type.

    Args:
        value: The object, as decoded from JSON.
        prefix: What stands before the names of its fields in messages, such as ``source.``.
    """

    def __init__(self, value: Mapping[str, object], prefix: str = "") -> None:
        self._left = dict(value)
        self._prefix = prefix

    def text(self, name: str) -> str:
        """A string that must be there."""
        value = self.optional_text(name)
        if value is None:
            raise self._wrong(name, "is required, as a string")
        return value

    def optional_text(self, name: str) -> str | None:
        """A string, or ``None``."""
        value = self._left.pop(name, None)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, "give a string")
        return value

    def number(self, name: str) -> float | None:
        """A number, or ``None``."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, "give a number")
        try:
            return float(value)
        except OverflowError:
            raise self._wrong(name, "give a smaller number") from None

    def whole_number(self, name: str) -> int | None:
        """A whole number, or ``None``."""
        value = self._left.pop(name, None)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise self._wrong(name, "give a whole number")
        return value

    def flag(self, name: str) -> bool:
        """True or false; false when absent."""
        value = self._left.pop(name, None)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "give true or false")
        return bool(value)

    def time(self, name: str) -> datetime | None:
        """A time with its zone, in UTC, or ``None``."""
        text = self.optional_text(name)
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
            known = moment.astimezone(UTC) if moment.tzinfo is not None else None
        except (ValueError, OverflowError):
            known = None
        if known is None:
            raise self._wrong(name, "give the time with its zone, such as 2026-05-08T12:00:00Z")
        return known

    def required_time(self, name: str) -> datetime:
        """A time that must be there."""
        moment = self.time(name)
        if moment is None:
            raise self._wrong(name, "is required, such as 2026-05-08T12:00:00Z")
        return moment

    def choice(self, name: str, default: Choice) -> Choice:
        """One of the names that the default's kind has; the default when absent."""
        text = self.optional_text(name)
        if text is None:
            return default
        kind = type(default)
        try:
            return kind(text)
        except ValueError:
            raise self._wrong(name, f"one of {', '.join(kind)}") from None

    def names(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty when absent."""
        value = self._left.pop(name, None)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._wrong(name, "give a list of strings")
        return tuple(value)

    def metadata(self, name: str) -> dict[str, JsonValue]:
        """A JSON object; empty when absent."""
        value = self._left.pop(name, None)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._wrong(name, "give a JSON object")
        return {key: self._json(name, one, 1) for key, one in value.items()}

    def nested(self, name: str) -> Fields:
        """The fields of an object inside this one; none when absent."""
        value = self._left.pop(name, None)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(name, "give a JSON object")
        return Fields(value or {}, f"{self._prefix}{name}.")

    def finish(self) -> None:
        """Makes sure that every field was taken.

        Raises:
            InvalidInput: There are fields that are not known; they are named.
        """
        if not self._left:
            return
        shown = [self._prefix + _printable(name) for name in sorted(self._left)]
        listed = ", ".join(shown[:UNKNOWN_SHOWN]) + (", ..." if shown[UNKNOWN_SHOWN:] else "")
        message = f"unknown fields: {listed}; other facts belong into metadata"
        raise InvalidInput(message, shown[0])

    def _json(self, name: str, value: object, depth: int) -> JsonValue:
        if depth > DEPTH_MAX:
            raise self._wrong(name, "is nested too deep")
        if value is None or isinstance(value, str | bool | int | float):
            return value
        if isinstance(value, list):
            return [self._json(name, one, depth + 1) for one in value]
        if isinstance(value, dict):
            return {str(key): self._json(name, one, depth + 1) for key, one in value.items()}
        raise self._wrong(name, "holds something that is not JSON")

    def _wrong(self, name: str, what: str) -> InvalidInput:
        return InvalidInput(f"{self._prefix}{name}: {what}", f"{self._prefix}{name}")


def _printable(name: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in name[:NAME_SHOWN])
