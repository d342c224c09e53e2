"""The kinds of values that options take."""

from __future__ import annotations

import json
from datetime import datetime

import click

from memory.records import Tier

__all__ = ["JSON_OBJECT", "MOMENT", "TIER"]

TIER = click.Choice([tier.value for tier in Tier])


class JsonObject(click.ParamType[dict[str, object]]):
    """A JSON object, such as ``{"project": "apollo"}``."""

    name = "json"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, object]:
        """The object that the text holds."""
        if isinstance(value, dict):
            return value
        try:
            decoded = json.loads(str(value))
        except (ValueError, RecursionError):
            decoded = None
        if not isinstance(decoded, dict):
            self.fail('give a JSON object, such as \'{"project": "apollo"}\'', param, ctx)
        return decoded


class Moment(click.ParamType[str]):
    """A time in ISO 8601; without a zone, this computer's is meant."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The time with its zone, in ISO 8601."""
        try:
            moment = datetime.fromisoformat(str(value))
            return (moment if moment.tzinfo else moment.astimezone()).isoformat()
        except (ValueError, OverflowError):
            self.fail("give a date or time, such as 2026-05-08 or 2026-05-08T12:00Z", param, ctx)


JSON_OBJECT = JsonObject()
MOMENT = Moment()
