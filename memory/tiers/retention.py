"""How long each tier keeps a record whose caller did not say.

Nothing is deleted when a record expires: it is no longer found, and its history stays in the
change log until it is erased.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from memory.records import Entry, Tier

__all__ = ["DEFAULT_LIFETIMES", "expiry"]

DEFAULT_LIFETIMES: Mapping[Tier, timedelta] = MappingProxyType(
    {Tier.SHORT_TERM: timedelta(hours=24), Tier.WORKING: timedelta(days=7)}
)
"""Tiers that are not in here keep their records until they are forgotten."""


def expiry(
    entry: Entry, stored_at: datetime, lifetimes: Mapping[Tier, timedelta] = DEFAULT_LIFETIMES
) -> datetime | None:
    """When the entry expires: as its caller said, else by its tier; never when it is pinned."""
    if entry.expires_at is not None:
        return entry.expires_at
    if entry.ttl_seconds is not None:
        return stored_at + timedelta(seconds=entry.ttl_seconds)
    lifetime = None if entry.pinned else lifetimes.get(entry.tier)
    return None if lifetime is None else stored_at + lifetime
