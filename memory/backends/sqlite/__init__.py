"""Record store in one encrypted SQLite file, or in memory."""

from memory.backends.sqlite.connections import library_versions
from memory.backends.sqlite.store import SqliteStore

__all__ = ["SqliteStore", "library_versions"]
