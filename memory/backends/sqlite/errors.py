"""What SQLite's errors mean to a caller of the memory."""

from __future__ import annotations

import sqlite3

from memory.errors import (
    Conflict,
    InvalidInput,
    MemorydError,
    StorageCorrupt,
    StorageUnavailable,
)

_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: "The database is busy; try again, and see which process holds it.",
    sqlite3.SQLITE_LOCKED: "The database is busy; try again, and see which process holds it.",
    sqlite3.SQLITE_PROTOCOL: "The database is busy; try again, and see which process holds it.",
    sqlite3.SQLITE_FULL: "The disk is full; nothing was written. Make room and try again.",
    sqlite3.SQLITE_IOERR: "The disk does not answer; check it, then try again.",
    sqlite3.SQLITE_NOMEM: "There is not enough memory; nothing was written.",
    sqlite3.SQLITE_READONLY: "The database cannot be written; check the permissions of its folder.",
    sqlite3.SQLITE_PERM: "The database cannot be opened; check the permissions of its folder.",
    sqlite3.SQLITE_CANTOPEN: "The database cannot be opened; check that its folder exists and that "
    "this user may write there.",
}
_TAKEN = "UNIQUE constraint failed"
"""How SQLite's message begins; the driver does not tell the extended code."""

CORRUPT = (
    "The database is damaged, or the key is not the one it was made with; it was left as it is. "
    "Check the key, else restore a backup."
)


def translated(error: Exception) -> MemorydError:
    """The error of ours that an error of the driver, or of binding a value, stands for."""
    original = getattr(error, "orig", None) or error
    if isinstance(original, (UnicodeEncodeError, OverflowError)):
        return InvalidInput("A text or number cannot be stored as it is.")
    code = (getattr(original, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return StorageCorrupt(CORRUPT)
    if str(original).startswith(_TAKEN):
        return Conflict("The id or the idempotency key is taken already.")
    if code in (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG):
        return InvalidInput(
            "The record breaks a rule of the database.", details={"sqlite_code": code}
        )
    reason = _UNAVAILABLE.get(code, "The database cannot answer; see the log of the server.")
    return StorageUnavailable(reason, {"sqlite_code": code})
