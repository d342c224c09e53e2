"""Connections to an encrypted database file, or to one that lives in memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import Connection, Engine, NullPool, create_engine
from sqlcipher3 import dbapi2

from memory.backends.sql.chain import ChainKeys
from memory.backends.sql.group import Group
from memory.backends.sql.reading import RecordReader
from memory.backends.sql.session import Session
from memory.backends.sql.statements import Statements
from memory.backends.sqlite.errors import translated
from memory.backends.sqlite.lock import WriteLock
from memory.backends.sqlite.metadata_conditions import metadata_condition
from memory.backends.sqlite.writer import closed
from memory.errors import MemorydError

LOCK_TIMEOUT_S = 30.0
"""How long a group of writes waits for another process."""

IDLE_READERS_MAX = 8
"""How many connections are kept open for readers to come."""

_CACHE_KIBIBYTES = 16_384
_WAL_PAGES = 4000
_WAL_BYTES_KEPT = 64 * 2**20

_TUNING = (
    f"PRAGMA busy_timeout = {int(LOCK_TIMEOUT_S * 1000)}",
    "PRAGMA synchronous = FULL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA trusted_schema = OFF",
    f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}",
    f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}",
    f"PRAGMA journal_size_limit = {_WAL_BYTES_KEPT}",
)


def connect(target: str, key: bytes | None) -> dbapi2.Connection:
    """A driver connection in autocommit mode, unlocked with the raw 32-byte key if there is one.

    Nothing is read yet, so a wrong key shows at the first query.
    """
    connection = dbapi2.connect(
        target, uri=True, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    connection.execute("PRAGMA cipher_log_level = NONE")
    if key is not None:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    return connection


def library_versions() -> dict[str, str]:
    """The versions of SQLite and SQLCipher, by name."""
    with closing(connect(":memory:", None)) as connection:
        (cipher,) = connection.execute("PRAGMA cipher_version").fetchone()
    return {"SQLite": dbapi2.sqlite_version, "SQLCipher": str(cipher)}


def make_engine(target: str, key: bytes | None) -> Engine:
    """An engine whose connections are unlocked and tuned; it pools none."""

    def creator() -> dbapi2.Connection:
        connection = connect(target, key)
        for command in _TUNING:
            connection.execute(command)
        return connection

    return create_engine(
        "sqlite://",
        module=dbapi2,
        creator=creator,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
    )


def open_connection(engine: Engine) -> Connection:
    """A connection of the engine.

    Raises:
        StorageUnavailable: The file cannot be opened.
        StorageCorrupt: It is damaged or the key is wrong.
    """
    try:
        return engine.connect()
    except (dbapi2.Error, engine.dialect.loaded_dbapi.Error) as error:
        raise translated(error) from error


class _Readers:
    """Makes readers over one engine; the statements are compiled once for all."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._statements = Statements(engine.dialect)

    def new(self) -> RecordReader:
        session = Session(open_connection(self._engine), self._statements, translated)
        return RecordReader(session, metadata_condition)


@contextmanager
def _transaction(reader: RecordReader, keys: ChainKeys) -> Iterator[Group]:
    session = reader.session
    session.rows("BEGIN IMMEDIATE")
    try:
        group = Group(reader, keys, lambda: session.in_transaction)
        yield group
        group.finish()
        session.rows("COMMIT")
    finally:
        if session.in_transaction:
            session.rows("ROLLBACK")


class FileConnections:
    """One connection to write over, and as many to read over as threads read at once.

    Args:
        engine: Makes connections to the file.
        lock: Shared with the other processes that write to the file.
        keys: The keys of the chain.
    """

    def __init__(self, engine: Engine, lock: WriteLock, keys: ChainKeys) -> None:
        self._lock = lock
        self._keys = keys
        self._readers = _Readers(engine)
        self._writer = self._readers.new()
        self._idle: deque[RecordReader] = deque()
        self._closed = False

    @property
    def session(self) -> Session:
        """The session that writes, for migrating."""
        return self._writer.session

    @contextmanager
    def reading(self) -> Iterator[RecordReader]:
        """A reader that no other thread has."""
        if self._closed:
            raise closed()
        try:
            reader = self._idle.pop()
        except IndexError:
            reader = self._readers.new()
        try:
            yield reader
        finally:
            self._put_back(reader)

    @contextmanager
    def group(self) -> Iterator[Group]:
        """A write transaction; for the writer's thread alone."""
        with self._lock.held(LOCK_TIMEOUT_S), _transaction(self._writer, self._keys) as group:
            yield group

    def close(self) -> None:
        """Closes all connections; those in use when they are put back.

        The last connection to a file moves its log of writes into it, so the lock is held.
        """
        self._closed = True
        try:
            with self._lock.held(LOCK_TIMEOUT_S):
                self._close_all()
        except MemorydError:
            self._close_all()
            raise
        finally:
            self._lock.close()

    def _put_back(self, reader: RecordReader) -> None:
        if self._closed or len(self._idle) >= IDLE_READERS_MAX:
            reader.session.close()
        else:
            self._idle.append(reader)

    def _close_all(self) -> None:
        while self._idle:
            self._idle.pop().session.close()
        self._writer.session.close()


class MemoryConnections:
    """One connection for all, under a lock; its database ends with it.

    Args:
        engine: Makes the connection.
        keys: The keys of the chain.
    """

    def __init__(self, engine: Engine, keys: ChainKeys) -> None:
        self._keys = keys
        self._reader = _Readers(engine).new()
        self._lock = threading.RLock()
        self._closed = False

    @property
    def session(self) -> Session:
        """The one session, for migrating."""
        return self._reader.session

    @contextmanager
    def reading(self) -> Iterator[RecordReader]:
        """The one reader, once no other thread uses it."""
        with self._lock:
            if self._closed:
                raise closed()
            yield self._reader

    @contextmanager
    def group(self) -> Iterator[Group]:
        """A write transaction."""
        with self._lock, _transaction(self._reader, self._keys) as group:
            yield group

    def close(self) -> None:
        """Drops the database."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._reader.session.close()
