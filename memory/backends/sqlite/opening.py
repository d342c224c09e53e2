"""Opening a database file: looked at without writing first, then made ready."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlcipher3 import dbapi2

from memory.backends.sql.migrations import check_version, migrate
from memory.backends.sql.session import Session
from memory.backends.sqlite.connections import connect
from memory.backends.sqlite.errors import CORRUPT, translated
from memory.errors import StorageCorrupt, StorageUnavailable

_PLAIN_HEADER = b"SQLite format 3\0"


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Turns the errors of the file system into one of ours.

    Raises:
        StorageUnavailable: The folder is missing, full, or may not be written.
    """
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(
            f"The database {path} cannot be opened: {error.strerror}. Check that its folder "
            "exists, has room, and that this user may write there."
        ) from error


def make_private(path: Path) -> None:
    """Makes the file, readable by its owner alone, unless it is there."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def inspect_file(path: Path, key: bytes) -> None:
    """Proves, without writing anything, that the file is a database of ours and the key its key.

    Where a log of writes lies beside it, after a crash or because another process has it open, the
    file is read together with that; else on its own. An empty file is a new one.

    Raises:
        StorageCorrupt: Wrong key, another program's file, damage, or a newer version's database.
    """
    with path.open("rb") as file:
        header = file.read(len(_PLAIN_HEADER))
    if not header:
        return
    if header == _PLAIN_HEADER:
        raise StorageCorrupt("The file is a database without encryption, so it is not memoryd's.")
    log = path.with_name(path.name + "-wal")
    alone = not (log.exists() and log.stat().st_size)
    target = f"{path.as_uri()}?mode=ro{'&immutable=1' if alone else ''}"
    try:
        connection = connect(target, key)
        try:
            version = _version(connection)
            if alone:
                _check_size(connection, path)
        finally:
            connection.close()
    except dbapi2.Error as error:
        raise translated(error) from error
    check_version(version)


def make_ready(session: Session, now: datetime, *, log_writes: bool) -> None:
    """Switches to write-ahead logging and applies missing migrations; under the write lock.

    Raises:
        StorageCorrupt: The database was made by a newer version of memoryd.
    """
    if log_writes and session.rows("PRAGMA journal_mode")[0][0] != "wal":
        session.rows("PRAGMA journal_mode = WAL")
    session.rows("BEGIN IMMEDIATE")
    try:
        applied = migrate(session.connection, now)
        session.rows("COMMIT")
    finally:
        if session.in_transaction:
            session.rows("ROLLBACK")
    if applied and log_writes:
        session.rows("PRAGMA wal_checkpoint(TRUNCATE)")


def _check_size(connection: dbapi2.Connection, path: Path) -> None:
    """Refuses a file that ends before its last page does."""
    pages, page_bytes = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "page_size")
    )
    if path.stat().st_size < pages * page_bytes:
        raise StorageCorrupt(f"The file has been cut short. {CORRUPT}")


def _version(connection: dbapi2.Connection) -> int:
    """The number of the latest migration, 0 in an empty database."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    if not tables:
        return 0
    if "migrations" not in tables or "changes" not in tables:
        raise StorageCorrupt(f"The file is not memoryd's. {CORRUPT}")
    return int(connection.execute("SELECT max(number) FROM migrations").fetchone()[0] or 0)
