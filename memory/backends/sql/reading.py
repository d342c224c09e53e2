"""Every question a record store answers, asked over one session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import numpy as np
from sqlalchemy import ColumnElement, Select, and_, case, func, select

from memory.backends.sql import statements as queries
from memory.backends.sql.bodies import erased_record, record_from_body
from memory.backends.sql.filters import ComparisonCompiler, where_clause
from memory.backends.sql.rows import (
    Row,
    change_from_row,
    microseconds,
    optional_time_of,
    record_from_row,
    time_of,
)
from memory.backends.sql.schema import changes, models, records, vectors, words
from memory.backends.sql.session import Session
from memory.filtering import check_filter, matches
from memory.ports import IndexRow, Keys, NamespaceStatistics, Tokens
from memory.records import Change, Filter, MemoryRecord, Operation, Status

_SEARCHABLE = (Status.ACTIVE.value, Status.SUPERSEDED.value)
HALF = np.dtype("<f2")
"""How vectors are stored: half precision, little-endian."""


class RecordReader:
    """Reads records, changes and what the projections need.

    Args:
        session: The connection to read over.
        comparison: Compiles tests on metadata for its database.
    """

    def __init__(self, session: Session, comparison: ComparisonCompiler) -> None:
        self.session = session
        self._comparison = comparison
        self._statements = session.statements

    def rows_by_id(self, namespace: str, record_ids: Sequence[str]) -> list[Row]:
        """The rows of ``records`` with these ids, in no particular order."""
        return self.session.listed(queries.records_by_id, (namespace,), record_ids)

    def get(self, namespace: str, record_ids: Sequence[str]) -> list[MemoryRecord]:
        """The records with these ids, in the order given."""
        rows = {row[2]: row for row in self.rows_by_id(namespace, record_ids)}
        return [record_from_row(rows[each]) for each in record_ids if each in rows]

    def by_keys(
        self, namespace: str, keys: Sequence[int], where: Filter, at: datetime
    ) -> dict[int, MemoryRecord]:
        """The matching records behind these keys; filtered here, as they are few."""
        check_filter(where)
        plain = [int(key) for key in keys]
        rows = self.session.listed(queries.records_by_key, (namespace,), plain)
        found = {row[0]: record_from_row(row) for row in rows}
        return {key: record for key, record in found.items() if matches(record, where, at)}

    def keys(self, namespace: str, where: Filter, at: datetime) -> Keys:
        """The keys of all matching records, sorted."""
        rows = self.session.select(select(records.c.key).where(self._where(namespace, where, at)))
        found = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        found.sort()
        return found

    def find_rows(
        self,
        namespace: str,
        where: Filter,
        at: datetime,
        limit: int,
        order: Literal["oldest", "newest"],
        offset: int = 0,
    ) -> Sequence[Row]:
        """Rows of ``records`` by the time they happened, ties by key."""
        query = select(*records.c).where(self._where(namespace, where, at))
        by = (records.c.happened_at, records.c.key)
        ordered = by if order == "oldest" else tuple(column.desc() for column in by)
        return self.session.select(query.order_by(*ordered).limit(limit).offset(offset))

    def count(self, namespace: str, where: Filter, at: datetime) -> int:
        """How many records match."""
        query = select(func.count()).select_from(records)
        return int(self.session.select(query.where(self._where(namespace, where, at)))[0][0])

    def by_fingerprint(self, namespace: str, fingerprints: Sequence[bytes]) -> dict[bytes, Row]:
        """The row of the earliest active record of each fingerprint that has one."""
        found = self.session.listed(queries.records_by_fingerprint, (namespace,), fingerprints)
        found.sort(key=lambda row: row[1], reverse=True)
        return {row[0]: row[1:] for row in found}

    def by_idempotency_key(
        self, namespace: str, keys: Sequence[str]
    ) -> dict[str, tuple[Row, bytes]]:
        """The row of the record stored under each key, and the fingerprint kept with the key."""
        found = self.session.listed(queries.records_by_idempotency_key, (namespace,), keys)
        return {row[0]: (row[2:], row[1]) for row in found}

    def state(self, name: str) -> int:
        """The value of a counter, 0 where there is none."""
        rows = self.session.rows(self._statements.state, (name,))
        return int(rows[0][0]) if rows else 0

    def last_sequence(self) -> int:
        """The sequence number of the latest change, 0 when there is none."""
        return self.session.rows(self._statements.last_sequence)[0][0] or 0

    def changes(
        self, after: int, limit: int, namespace: str | None, record_id: str | None
    ) -> list[Change]:
        """Changes above a sequence number, in order."""
        query = select(*changes.c).where(changes.c.seq > after)
        if namespace is not None:
            query = query.where(changes.c.namespace == namespace)
        if record_id is not None:
            query = query.where(_history_of(namespace, record_id))
        rows = self.session.select(query.order_by(changes.c.seq).limit(limit))
        return [change_from_row(row) for row in rows]

    def touched(self, namespace: str, after: int) -> list[int]:
        """The keys written after that position, sorted."""
        return sorted(
            row[0] for row in self.session.rows(self._statements.touched, (namespace, after))
        )

    def index_page(
        self, namespace: str, model: str, scope: ColumnElement[bool], limit: int
    ) -> list[IndexRow]:
        """What the projections need of up to ``limit`` records in scope, by key."""
        query = _index_query(model).where(records.c.namespace == namespace, scope).limit(limit)
        return [_index_row(row) for row in self.session.select(query)]

    def tokens(self, model: str, keys: Sequence[int]) -> dict[int, Tokens]:
        """The token vectors that the model made of these records' present texts, by key."""
        numbers = self.session.rows(self._statements.model_number, (model,))
        if not numbers:
            return {}
        rows = self.session.listed(queries.tokens_by_key, (numbers[0][0],), keys)
        return {
            key: np.frombuffer(tokens, np.int8).reshape(-1, width) for key, width, tokens in rows
        }

    def without_vector(self, model: str, limit: int) -> list[tuple[int, MemoryRecord]]:
        """Searchable records with words and without a vector of the model, by key."""
        query = (
            select(*records.c)
            .join(words, words.c.key == records.c.key)
            .outerjoin(vectors, _vector_of(model))
            .where(records.c.status.in_(_SEARCHABLE), vectors.c.key.is_(None))
            .order_by(records.c.key)
            .limit(limit)
        )
        return [(row[0], record_from_row(row)) for row in self.session.select(query)]

    def namespaces(self) -> list[NamespaceStatistics]:
        """Active records by namespace and tier; a namespace of inactive ones counts 0."""
        active = func.sum(case((records.c.status == Status.ACTIVE.value, 1), else_=0))
        query = select(records.c.namespace, records.c.tier, active).group_by(
            records.c.namespace, records.c.tier
        )
        tiers: dict[str, dict[str, int]] = {}
        for namespace, tier, count in sorted(self.session.select(query)):
            tiers.setdefault(namespace, {}).update({tier: count} if count else {})
        return [
            NamespaceStatistics(namespace=name, records=sum(counts.values()), tiers=counts)
            for name, counts in tiers.items()
        ]

    def latest_at(self, namespace: str, at: datetime) -> list[int]:
        """For each record the sequence number of its last change by then, by first storing."""
        query = (
            select(func.max(changes.c.seq))
            .where(changes.c.namespace == namespace, changes.c.at <= microseconds(at))
            .group_by(changes.c.key)
            .order_by(changes.c.key)
        )
        return [row[0] for row in self.session.select(query)]

    def states(self, namespace: str, sequences: Sequence[int]) -> list[MemoryRecord]:
        """The states these changes left, in order; those since erased are left out."""
        rows = self.session.listed(queries.changes_by_sequence, (namespace,), sequences)
        states = (self._state(row) for row in sorted(rows, key=lambda row: row[1]))
        return [state for state in states if state is not None]

    def _state(self, row: Row) -> MemoryRecord | None:
        change = change_from_row(row)
        if change.body is not None:
            return record_from_body(change.body)
        if change.operation is not Operation.ERASED:
            return None
        first = self.session.rows(self._statements.change_of_version, (row[1], 1))
        created = time_of(first[0][0])
        return erased_record(change.namespace, change.record_id, change.version, created, change.at)

    def _where(self, namespace: str, where: Filter, at: datetime) -> ColumnElement[bool]:
        return where_clause(namespace, where, at, self._comparison)


def _history_of(namespace: str | None, record_id: str) -> ColumnElement[bool]:
    """The changes of a record; found by its key where the namespace is known."""
    if namespace is None:
        return changes.c.record_id == record_id
    keys = select(records.c.key).where(records.c.namespace == namespace, records.c.id == record_id)
    return changes.c.key.in_(keys)


def _vector_of(model: str) -> ColumnElement[bool]:
    number = select(models.c.number).where(models.c.name == model).scalar_subquery()
    return and_(
        vectors.c.key == records.c.key,
        vectors.c.model == number,
        vectors.c.version == words.c.version,
    )


def _index_query(model: str) -> Select[Any]:
    return (
        select(
            records.c.key,
            records.c.tier,
            records.c.status,
            records.c.expires_at,
            records.c.speaker,
            records.c.conversation_id,
            records.c.happened_at,
            records.c.turn,
            words.c.terms,
            words.c.date_terms,
            vectors.c.vector,
        )
        .outerjoin(words, words.c.key == records.c.key)
        .outerjoin(vectors, _vector_of(model))
        .order_by(records.c.key)
    )


def _index_row(row: Row) -> IndexRow:
    key, tier, status, expires_at, *place, terms, dates, vector = row
    speaker, conversation_id, happened_at, turn = place
    return IndexRow(
        key=key,
        tier=tier,
        searchable=status in _SEARCHABLE,
        superseded=status == Status.SUPERSEDED.value,
        expires_at=optional_time_of(expires_at),
        speaker=speaker,
        conversation_id=conversation_id,
        position=(time_of(happened_at), key if turn is None else turn),
        terms=tuple(terms.split(" ")) if terms else (),
        date_terms=tuple(dates.split(" ")) if dates else (),
        vector=None if vector is None else np.frombuffer(vector, HALF).astype(np.float32),
    )
