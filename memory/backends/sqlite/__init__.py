"""The embedded record store: one SQLite file, encrypted as a whole by SQLCipher."""

from memory.backends.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
