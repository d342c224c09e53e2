"""Migrations lead to the schema that the code works with."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from memory.backends.sql.migrations import MIGRATIONS, applied_version, migrate
from memory.backends.sql.schema import migrations, schema
from memory.errors import StorageCorrupt
from tests.contract.record_store_samples import NOW


@pytest.fixture
def connection():
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def tables(connection):
    rows = connection.execute(text("SELECT type, name, tbl_name, sql FROM sqlite_schema"))
    return sorted(map(tuple, rows), key=repr)


def test_all_migrations_together_give_the_schema_of_the_tables(connection):
    other = create_engine("sqlite://")
    with other.begin() as migrated:
        migrate(migrated, NOW)
        from_migrations = tables(migrated)
    other.dispose()
    schema.create_all(connection)
    assert from_migrations == tables(connection)


def test_migrating_twice_does_nothing_the_second_time(connection):
    assert migrate(connection, NOW) == len(MIGRATIONS)
    assert migrate(connection, NOW) == 0
    assert applied_version(connection) == len(MIGRATIONS)


def test_migrations_are_numbered_from_1_without_gaps():
    assert [each.number for each in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_a_newer_database_is_refused(connection):
    migrate(connection, NOW)
    connection.execute(migrations.insert().values(number=99, name="later", applied_at=0))
    with pytest.raises(StorageCorrupt, match="newer version"):
        migrate(connection, NOW)


def test_an_empty_database_has_version_0(connection):
    assert applied_version(connection) == 0
