"""The tables of a relational record store, as they stand after all migrations.

Times are whole microseconds since 1970 in UTC. Wide columns come last in their tables, so that
reading the narrow ones does not touch overflow pages. Whatever changes here needs a migration;
a test proves that both lead to the same schema.
"""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

Whole: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
Real: TypeEngine[float] = Double().with_variant(REAL(), "sqlite")

schema = MetaData()

migrations = Table(
    "migrations",
    schema,
    Column("number", Whole, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("applied_at", Whole, nullable=False),
    sqlite_strict=True,
)
"""Which migrations have been applied, and when."""

state = Table(
    "state",
    schema,
    Column("name", Text, primary_key=True),
    Column("value", Whole, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""Single counters: ``position`` of the latest write, ``last_key`` given to a record."""

records = Table(
    "records",
    schema,
    Column("key", Whole, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("version", Whole, CheckConstraint("version >= 1"), nullable=False),
    Column("status", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("pinned", Whole, CheckConstraint("pinned IN (0, 1)"), nullable=False),
    Column("importance", Real, CheckConstraint("importance BETWEEN 0 AND 1"), nullable=False),
    Column("happened_at", Whole, nullable=False),
    Column("created_at", Whole, nullable=False),
    Column("updated_at", Whole, nullable=False),
    Column("occurred_at", Whole),
    Column("valid_from", Whole),
    Column("valid_to", Whole),
    Column("expires_at", Whole),
    Column("superseded_by", Text),
    Column("source_kind", Text, nullable=False),
    Column("source_id", Text),
    Column("conversation_id", Text),
    Column("speaker", Text),
    Column("turn", Whole),
    Column("touched", Whole, nullable=False),
    Column("tags", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("content", Text, nullable=False),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)
"""Every record as it stands: what replaying ``changes`` gives.

``happened_at`` is ``occurred_at``, else ``created_at``; ``touched`` the position of the last write.
"""

Index("records_identity", records.c.namespace, records.c.id, unique=True)
Index("records_order", records.c.namespace, records.c.key)
Index("records_touched", records.c.namespace, records.c.touched)
Index("records_happened", records.c.namespace, records.c.happened_at)
Index("records_status", records.c.namespace, records.c.status, records.c.tier, records.c.expires_at)
Index(
    "records_conversation",
    records.c.namespace,
    records.c.conversation_id,
    sqlite_where=records.c.conversation_id.is_not(None),
    postgresql_where=records.c.conversation_id.is_not(None),
)


def _record_key(*, primary_key: bool) -> Column[int]:
    """A reference that is checked at commit, so that records can be made anew under it."""
    reference = ForeignKey("records.key", deferrable=True, initially="DEFERRED")
    return Column(
        "key", Whole, reference, primary_key=primary_key, autoincrement=False, nullable=False
    )


record_tags = Table(
    "record_tags",
    schema,
    Column("namespace", Text, primary_key=True),
    Column("tag", Text, primary_key=True),
    _record_key(primary_key=True),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""The tags of every record, for finding records by tag."""

changes = Table(
    "changes",
    schema,
    Column("seq", Whole, primary_key=True),
    Column("key", Whole, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("version", Whole, CheckConstraint("version >= 1"), nullable=False),
    Column("operation", Text, nullable=False),
    Column("at", Whole, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body_digest", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("body", Text),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)
"""The append-only log; ``body`` is the whole state after the change, absent once erased."""

Index("changes_version", changes.c.key, changes.c.version, unique=True)
Index("changes_history", changes.c.namespace, changes.c.key, changes.c.seq, changes.c.at)

fingerprints = Table(
    "fingerprints",
    schema,
    _record_key(primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""The keyed hash of each record's text, by which duplicates are found."""

Index("fingerprints_value", fingerprints.c.namespace, fingerprints.c.fingerprint)

idempotency_keys = Table(
    "idempotency_keys",
    schema,
    Column("namespace", Text, primary_key=True),
    Column("idempotency_key", Text, primary_key=True),
    _record_key(primary_key=False),
    Column("fingerprint", LargeBinary, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""What was stored under each idempotency key; a row is never changed."""

words = Table(
    "words",
    schema,
    _record_key(primary_key=True),
    Column("version", Whole, nullable=False),
    Column("date_terms", Text, nullable=False),
    Column("terms", Text, nullable=False),
    sqlite_strict=True,
)
"""The analysed terms of each record, space-joined; ``version`` is the one that set the text."""

models = Table(
    "models",
    schema,
    Column("number", Whole, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    sqlite_strict=True,
)
"""The embedders that made vectors, numbered so that no vector repeats the long name."""

vectors = Table(
    "vectors",
    schema,
    _record_key(primary_key=True),
    Column("model", Whole, ForeignKey("models.number"), primary_key=True, autoincrement=False),
    Column("version", Whole, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""Vectors in half precision, little-endian, one a model; ``version`` as in ``words``."""

token_vectors = Table(
    "token_vectors",
    schema,
    _record_key(primary_key=True),
    Column("model", Whole, ForeignKey("models.number"), primary_key=True, autoincrement=False),
    Column("version", Whole, nullable=False),
    Column("width", Whole, nullable=False),
    Column("tokens", LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""One row of 8-bit numbers a token, ``width`` long, for late interaction; else as ``vectors``."""
