"""The statements that run often, built once and compiled once for a dialect.

Their parameters are positional: for inserts the table's columns in their order, else in the order
in which the conditions stand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import (
    BindParameter,
    Dialect,
    Executable,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.sql.elements import ClauseElement

from memory.backends.sql.schema import (
    changes,
    fingerprints,
    idempotency_keys,
    models,
    record_tags,
    records,
    state,
    token_vectors,
    vectors,
    words,
)
from memory.records import Status

ListQuery: TypeAlias = Callable[[Sequence[BindParameter[Any]]], Select[Any]]
"""Makes a query over as many listed values as it is given parameters."""

LIST_SIZES = (1, 8, 64, 512)
"""Lists are padded to one of these lengths, so that few statements serve all."""

_NAMESPACE: BindParameter[str] = bindparam("in_namespace")
_KEY: BindParameter[int] = bindparam("of_key")


class Statements:
    """The text of each statement in one dialect.

    Args:
        dialect: What to compile for; its parameters must be positional.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._listed: dict[tuple[ListQuery, int], str] = {}
        self._inserts = {
            table.name: self.text(insert(table))
            for table in (
                records,
                record_tags,
                changes,
                words,
                models,
                vectors,
                token_vectors,
                fingerprints,
                idempotency_keys,
                state,
            )
        }
        self._deletes = {
            table.name: self.text(delete(table).where(table.c.key == _KEY))
            for table in (words, vectors, token_vectors, fingerprints)
        }
        self.update_record = self.text(_update_record())
        self.delete_tag = self.text(
            delete(record_tags).where(
                record_tags.c.namespace == _NAMESPACE,
                record_tags.c.tag == bindparam("with_tag"),
                record_tags.c.key == _KEY,
            )
        )
        self._deletes_of_model = {
            table.name: self.text(
                delete(table).where(table.c.key == _KEY, table.c.model == bindparam("made_by"))
            )
            for table in (vectors, token_vectors)
        }
        self.erase_bodies = self.text(
            update(changes).values(body=null()).where(changes.c.key == _KEY)
        )
        self.touch_record = self.text(
            update(records).values(touched=bindparam("new")).where(records.c.key == _KEY)
        )
        self.update_state = self.text(
            update(state).values(value=bindparam("new")).where(state.c.name == bindparam("named"))
        )
        self._compile_reads()

    def _compile_reads(self) -> None:
        self.state = self.text(select(state.c.value).where(state.c.name == bindparam("named")))
        self.last_sequence = self.text(select(func.max(changes.c.seq)))
        self.digest_at = self.text(select(changes.c.digest).where(changes.c.seq == bindparam("s")))
        self.model_number = self.text(
            select(models.c.number).where(models.c.name == bindparam("named"))
        )
        self.last_model_number = self.text(select(func.max(models.c.number)))
        self.change_of_version = self.text(
            select(changes.c.at, changes.c.operation).where(
                changes.c.key == _KEY, changes.c.version == bindparam("v")
            )
        )
        self.touched = self.text(
            select(records.c.key).where(
                records.c.namespace == _NAMESPACE, records.c.touched > bindparam("after")
            )
        )

    def text(self, statement: Executable) -> str:
        """Compiles a statement for the dialect."""
        assert isinstance(statement, ClauseElement)  # noqa: S101  # true of every Core statement
        return str(statement.compile(dialect=self._dialect))

    def insert(self, table: Table) -> str:
        """Inserts a whole row."""
        return self._inserts[table.name]

    def delete_by_key(self, table: Table) -> str:
        """Deletes the rows of one record."""
        return self._deletes[table.name]

    def delete_of_model(self, table: Table) -> str:
        """Deletes what one model made of one record."""
        return self._deletes_of_model[table.name]

    def listed(self, query: ListQuery, count: int) -> tuple[str, int]:
        """The query for at least ``count`` values (at most 512), and for how many it is made."""
        size = next(size for size in LIST_SIZES if size >= count)
        sql = self._listed.get((query, size))
        if sql is None:
            listed: list[BindParameter[Any]] = [
                bindparam(f"value_{number}") for number in range(size)
            ]
            sql = self._listed[query, size] = self.text(query(listed))
        return sql, size


def records_by_key(values: Sequence[BindParameter[Any]]) -> Select[Any]:
    """Whole rows by key."""
    return select(*records.c).where(records.c.namespace == _NAMESPACE, records.c.key.in_(values))


def records_by_id(values: Sequence[BindParameter[Any]]) -> Select[Any]:
    """Whole rows by id."""
    return select(*records.c).where(records.c.namespace == _NAMESPACE, records.c.id.in_(values))


def records_by_fingerprint(values: Sequence[BindParameter[Any]]) -> Select[Any]:
    """Whole rows of active records, each led by its fingerprint."""
    return (
        select(fingerprints.c.fingerprint, *records.c)
        .join(records, records.c.key == fingerprints.c.key)
        .where(
            fingerprints.c.namespace == _NAMESPACE,
            fingerprints.c.fingerprint.in_(values),
            records.c.status == literal_column(f"'{Status.ACTIVE.value}'"),
        )
    )


def records_by_idempotency_key(values: Sequence[BindParameter[Any]]) -> Select[Any]:
    """Whole rows, each led by its idempotency key and the fingerprint kept with that."""
    return (
        select(idempotency_keys.c.idempotency_key, idempotency_keys.c.fingerprint, *records.c)
        .join(records, records.c.key == idempotency_keys.c.key)
        .where(
            idempotency_keys.c.namespace == _NAMESPACE,
            idempotency_keys.c.idempotency_key.in_(values),
        )
    )


def changes_by_sequence(values: Sequence[BindParameter[Any]]) -> Select[Any]:
    """Whole changes by sequence number."""
    return select(*changes.c).where(changes.c.namespace == _NAMESPACE, changes.c.seq.in_(values))


def tokens_by_key(values: Sequence[BindParameter[Any]]) -> Select[Any]:
    """Key, width and token vectors that one model made of the present text, by key."""
    return (
        select(token_vectors.c.key, token_vectors.c.width, token_vectors.c.tokens)
        .join(words, words.c.key == token_vectors.c.key)
        .where(
            token_vectors.c.model == bindparam("made_by"),
            token_vectors.c.version == words.c.version,
            token_vectors.c.key.in_(values),
        )
    )


def text_versions(values: Sequence[BindParameter[Any]]) -> Select[Any]:
    """Key, current version and the version that set the text, by key."""
    return (
        select(records.c.key, records.c.version, words.c.version)
        .join(words, words.c.key == records.c.key)
        .where(records.c.key.in_(values))
    )


def _update_record() -> Executable:
    changing = [column.name for column in records.c if column.name != "key"]
    return (
        update(records)
        .values({name: bindparam(f"new_{name}") for name in changing})
        .where(records.c.key == _KEY)
    )
