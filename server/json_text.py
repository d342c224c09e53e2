"""Strict JSON: what the protocols take in, and nothing that parsers would read differently."""

from __future__ import annotations

import json

__all__ = ["NotJson", "parse_json"]


class NotJson(Exception):
    """The text is no JSON that can be taken; the reason says why, without the text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse_json(body: bytes | str) -> object:
    """The value of a JSON text (RFC 8259) in UTF-8.

    NaN and infinity are refused, and so are objects that name a member twice (RFC 7493), which
    parsers understand differently.

    Raises:
        NotJson: It is not such a text, or nested too deeply.
    """
    try:
        text = body if isinstance(body, str) else body.decode("utf-8")
        return _DECODER.decode(text)
    except UnicodeDecodeError:
        raise NotJson("the text is not UTF-8") from None
    except RecursionError:
        raise NotJson("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"it is not JSON (line {error.lineno}, column {error.colno})") from None
    except ValueError as error:
        raise NotJson(str(error) if isinstance(error, _Refused) else "a number is too long") from (
            None
        )


class _Refused(ValueError):
    """A construct that this parser does not take."""


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("an object names a member twice")
    return members


def _no_constant(name: str) -> object:
    raise _Refused(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_members)
