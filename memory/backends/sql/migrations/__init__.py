"""Numbered steps that lead any older database, or an empty one, to the present schema.

A migration never changes once released; it defines its tables itself instead of importing them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, inspect, select

from memory.backends.sql.migrations import m0001_first, m0002_token_vectors
from memory.backends.sql.rows import microseconds
from memory.backends.sql.schema import migrations
from memory.errors import StorageCorrupt


@dataclass(frozen=True, slots=True)
class Migration:
    """One step; ``apply`` runs within a transaction and must not end it."""

    number: int
    name: str
    apply: Callable[[Connection], None]


MIGRATIONS = (
    Migration(1, "first", m0001_first.apply),
    Migration(2, "token_vectors", m0002_token_vectors.apply),
)
"""All steps in order, numbered from 1 without gaps."""


def check_version(version: int) -> None:
    """Refuses a database of a version that this program does not know.

    Raises:
        StorageCorrupt: The database was made by a newer version of memoryd.
    """
    if version > len(MIGRATIONS):
        raise StorageCorrupt(
            "The database was written by a newer version of memoryd and was left as it is; "
            "install that version or a later one.",
            {"database_version": version, "known_version": len(MIGRATIONS)},
        )


def applied_version(connection: Connection) -> int:
    """The number of the latest migration that was applied, 0 for an empty database."""
    if not inspect(connection).has_table(migrations.name):
        return 0
    return max(connection.execute(select(migrations.c.number)).scalars(), default=0)


def migrate(connection: Connection, now: datetime) -> int:
    """Applies what is missing, within a transaction that the caller began and will end.

    Returns:
        How many migrations were applied.

    Raises:
        StorageCorrupt: The database was made by a newer version of memoryd.
    """
    version = applied_version(connection)
    check_version(version)
    missing = MIGRATIONS[version:]
    for migration in missing:
        migration.apply(connection)
        connection.execute(
            insert(migrations).values(
                number=migration.number, name=migration.name, applied_at=microseconds(now)
            )
        )
    return len(missing)
