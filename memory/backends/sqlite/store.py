"""The embedded record store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from memory.backends.sql.chain import ChainKeys
from memory.backends.sql.reading import RecordReader
from memory.backends.sql.store import SqlRecordStore
from memory.backends.sql.transaction import SqlTransaction
from memory.backends.sqlite.connections import (
    LOCK_TIMEOUT_S,
    FileConnections,
    MemoryConnections,
    make_engine,
)
from memory.backends.sqlite.lock import WriteLock
from memory.backends.sqlite.opening import file_errors, inspect_file, make_private, make_ready
from memory.backends.sqlite.writer import GroupCommitWriter
from memory.errors import StorageCorrupt
from memory.ports import Clock
from memory.privacy.keys import MasterKey

T = TypeVar("T")

DATABASE_KEY_PURPOSE = "database"

_IN_MEMORY = "file::memory:"


class SqliteStore(SqlRecordStore):
    """Records and their log in one SQLite file that is encrypted as a whole, or in memory.

    Made by ``open``. Every page on the disk is encrypted and authenticated (AES-256 and
    HMAC-SHA512 by SQLCipher); every acknowledged write has been synchronised to the disk.
    """

    def __init__(self, access: _Access, keys: ChainKeys, path: Path | None) -> None:
        super().__init__(access, keys)
        self._path = path

    @classmethod
    def open(cls, path: Path | None, key: MasterKey, *, clock: Clock) -> SqliteStore:
        """Opens the database, making it or leading it to the present schema where needed.

        Args:
            path: The file, whose folder must exist; ``None`` for a database that ends with the
                store.
            key: The master key of the store.
            clock: Says when a migration was applied.

        Raises:
            StorageCorrupt: The key is wrong, or the file is damaged, foreign or newer than this
                program; the file is left as it was.
            StorageUnavailable: The file cannot be opened or stays locked.
        """
        keys = ChainKeys(key)
        if path is None:
            memory_only = MemoryConnections(make_engine(_IN_MEMORY, None), keys)
            make_ready(memory_only.session, clock(), log_writes=False)
            return cls(_Access(memory_only), keys, None)
        path = path.absolute()
        with file_errors(path):
            connections = _open_file(path, key, keys, clock)
        return cls(_Access(connections), keys, path)

    def check_file(self, progress: Callable[[int, int], None] | None = None) -> tuple[str, ...]:
        """Reads every page: whether it is authentic, and whether the tables and indexes agree.

        Other processes cannot write meanwhile.

        Returns:
            What is wrong, mostly in SQLite's words; empty when all is well.
        """
        if self._path is None:
            return self._check(("quick_check",), progress)
        lock = WriteLock(self._path)
        try:
            with lock.held(LOCK_TIMEOUT_S):
                return self._check(("cipher_integrity_check", "quick_check"), progress)
        finally:
            lock.close()

    def _check(
        self, checks: tuple[str, ...], progress: Callable[[int, int], None] | None
    ) -> tuple[str, ...]:
        problems: list[str] = []
        for done, check in enumerate(checks, start=1):
            try:
                with self._access.reading() as reader:
                    rows = reader.session.rows(f"PRAGMA {check}")
            except StorageCorrupt as error:
                rows = [(f"{check}: {error.message}",)]
            problems += [str(row[0]) for row in rows if row[0] != "ok"]
            if progress:
                progress(done, len(checks))
        return tuple(problems)


class _Access:
    """Reads by the connections, writes by a writer over them."""

    def __init__(self, connections: FileConnections | MemoryConnections) -> None:
        self._connections = connections
        self._writer = GroupCommitWriter(connections.group, LOCK_TIMEOUT_S)
        self._closing = threading.Lock()
        self._closed = False

    def reading(self) -> AbstractContextManager[RecordReader]:
        return self._connections.reading()

    def submit(self, work: Callable[[SqlTransaction], T]) -> T:
        return self._writer.submit(work)

    def close(self) -> None:
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._writer.close(2 * LOCK_TIMEOUT_S)
            self._connections.close()


def _open_file(path: Path, key: MasterKey, keys: ChainKeys, clock: Clock) -> FileConnections:
    database_key = key.derive(DATABASE_KEY_PURPOSE)
    lock = WriteLock(path)
    try:
        with lock.held(LOCK_TIMEOUT_S):
            make_private(path)
            inspect_file(path, database_key)
            engine = make_engine(f"{path.as_uri()}?mode=rw", database_key)
            connections = FileConnections(engine, lock, keys)
            make_ready(connections.session, clock(), log_writes=True)
    except BaseException:
        lock.close()
        raise
    return connections
