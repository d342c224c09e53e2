"""Token vectors of records, for late interaction."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
)
from sqlalchemy.types import TypeEngine

Whole: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")

schema = MetaData()

# What is referred to was made by an earlier migration.
Table("records", schema, Column("key", Whole, primary_key=True))
Table("models", schema, Column("number", Whole, primary_key=True))

token_vectors = Table(
    "token_vectors",
    schema,
    Column(
        "key",
        Whole,
        ForeignKey("records.key", deferrable=True, initially="DEFERRED"),
        primary_key=True,
        autoincrement=False,
        nullable=False,
    ),
    Column("model", Whole, ForeignKey("models.number"), primary_key=True, autoincrement=False),
    Column("version", Whole, nullable=False),
    Column("width", Whole, nullable=False),
    Column("tokens", LargeBinary, nullable=False),
    sqlite_strict=True,
)


def apply(connection: Connection) -> None:
    """Makes the table."""
    token_vectors.create(connection)
