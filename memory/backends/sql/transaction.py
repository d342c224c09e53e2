"""One atomic write: buffered rows, the chain of digests, and a view of its own writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Table

from memory.backends.sql import statements as queries
from memory.backends.sql.bodies import check_record, check_text, erased_record, record_body
from memory.backends.sql.chain import GENESIS, ChainKeys
from memory.backends.sql.reading import HALF, RecordReader
from memory.backends.sql.rows import Row, microseconds, record_from_row, record_row, time_of
from memory.backends.sql.schema import (
    changes,
    fingerprints,
    idempotency_keys,
    models,
    record_tags,
    records,
    token_vectors,
    vectors,
    words,
)
from memory.errors import Conflict, MemorydError
from memory.ports import Encoding, Floats, Indexed, WriteIdentity
from memory.records import Filter, MemoryRecord, Operation, Status


@dataclass(slots=True)
class Head:
    """Where the log and the counters stand."""

    sequence: int
    digest: bytes
    position: int
    last_key: int


@dataclass(frozen=True, slots=True)
class _Standing:
    """What a transaction knows of a record that is there."""

    key: int
    version: int
    tags: tuple[str, ...]
    status: Status


def read_head(reader: RecordReader) -> Head:
    """Where things stand now; to be asked within the transaction that goes on from there."""
    sequence = reader.last_sequence()
    digests = reader.session.rows(reader.session.statements.digest_at, (sequence,))
    return Head(
        sequence=sequence,
        digest=bytes(digests[0][0]) if digests else GENESIS,
        position=reader.state("position"),
        last_key=reader.state("last_key"),
    )


def write_head(reader: RecordReader, head: Head) -> None:
    """Writes the counters."""
    rows = [(head.position, "position"), (head.last_key, "last_key")]
    reader.session.many(reader.session.statements.update_state, rows)


_FLUSH_ORDER: tuple[Table, ...] = (
    records,
    record_tags,
    changes,
    words,
    vectors,
    token_vectors,
    fingerprints,
    idempotency_keys,
)


class SqlTransaction:
    """Fulfils ``memory.ports.Transaction`` within a database transaction that others began.

    Rows are buffered and written together, at the latest before the next read. ``head`` moves on
    with every change; call ``finish`` before it is used.

    Args:
        reader: Reads over the session of the transaction.
        keys: The keys of the chain.
        head: Where the log stands; this transaction's own copy.
    """

    def __init__(self, reader: RecordReader, keys: ChainKeys, head: Head) -> None:
        self.head = head
        self._reader = reader
        self.session = reader.session
        self._statements = reader.session.statements
        self._keys = keys
        self._inserts: dict[Table, list[tuple[Any, ...]]] = {table: [] for table in _FLUSH_ORDER}
        self._updates: list[tuple[Any, ...]] = []
        self._removals: dict[str, list[tuple[Any, ...]]] = {}
        self._pending: set[int] = set()
        self._standing: dict[tuple[str, str], _Standing] = {}
        self._models: dict[str, int] = {}
        self._moved = False
        self._failure: MemorydError | None = None

    def get(self, namespace: str, record_id: str) -> MemoryRecord | None:
        """The record's current state, whatever its status, or ``None``."""
        self.flush()
        rows = self._reader.rows_by_id(namespace, (record_id,))
        return self._noted(rows[0]) if rows else None

    def find(self, namespace: str, where: Filter, at: datetime, limit: int) -> list[MemoryRecord]:
        """Up to ``limit`` matching records, oldest first."""
        self.flush()
        rows = self._reader.find_rows(namespace, where, at, limit, "oldest")
        return [self._noted(row) for row in rows]

    def count(self, namespace: str, where: Filter, at: datetime) -> int:
        """How many records match."""
        self.flush()
        return self._reader.count(namespace, where, at)

    def by_fingerprint(
        self, namespace: str, fingerprints: Sequence[bytes]
    ) -> dict[bytes, MemoryRecord]:
        """The active record of each of these fingerprints that has one."""
        self.flush()
        found = self._reader.by_fingerprint(namespace, fingerprints)
        return {each: self._noted(row) for each, row in found.items()}

    def by_idempotency_key(
        self, namespace: str, keys: Sequence[str]
    ) -> dict[str, tuple[MemoryRecord, bytes]]:
        """What was stored under each of these keys, and the fingerprint it was stored with."""
        self.flush()
        found = self._reader.by_idempotency_key(namespace, keys)
        return {key: (self._noted(row), kept) for key, (row, kept) in found.items()}

    def write(
        self,
        record: MemoryRecord,
        operation: Operation,
        *,
        actor: str,
        reason: str = "",
        indexed: Indexed | None = None,
        identity: WriteIdentity | None = None,
    ) -> int:
        """Makes ``record`` the current state and appends the change to the log.

        Raises:
            Conflict: The version does not follow the current one, the id is taken, or the record
                has been erased.
            InvalidInput: The record holds what cannot be stored.
        """
        check_record(record)
        body = record_body(record)
        before = self._before(record)
        if before is not None and self._is_erased(before):
            raise Conflict("The record has been erased; store its content as a new record.")
        key = self._put(record, before)
        if indexed is not None:
            self._put_words(record, key, indexed)
        if identity is not None:
            self._put_identity(record, key, identity)
        return self._log(
            record, key, operation, (actor, reason), body, self._keys.body_digest(body)
        )

    def erase(self, record: MemoryRecord, *, actor: str, reason: str = "") -> int:
        """Removes the record's content for good: from its row, words, vectors and every change.

        ``record`` is the state after erasing: the next version, and the time in ``updated_at``;
        nothing else of it is kept.

        Raises:
            Conflict: The version does not follow the current one, or there is no such record.
        """
        before = self._before(record)
        if before is None:
            raise Conflict("There is no such record to erase.")
        key = before.key
        self.flush()
        first = self.session.rows(self._statements.change_of_version, (key, 1))
        erased = erased_record(
            record.namespace,
            record.id,
            record.version,
            time_of(first[0][0]),
            record.updated_at,
        )
        self._put(erased, before)
        for table in (words, vectors, token_vectors, fingerprints):
            self._remove(self._statements.delete_by_key(table), (key,))
        self._remove(self._statements.erase_bodies, (key,))
        digest = self._keys.body_digest(record_body(erased))
        return self._log(erased, key, Operation.ERASED, (actor, reason), None, digest)

    def put_vectors(self, model: str, given: Sequence[tuple[int, int, Encoding]]) -> None:
        """Adds vectors to records whose text is still that of the version given with them."""
        texts = self._unchanged([(key, version) for key, version, _ in given])
        fit = [(key, texts[key], encoding) for key, _, encoding in given if key in texts]
        number, position = self._model_number(model), self.new_position()
        many, statements = self.session.many, self._statements
        many(statements.touch_record, [(position, key) for key, _, _ in fit])
        for table in (vectors, token_vectors):
            many(statements.delete_of_model(table), [(key, number) for key, _, _ in fit])
        for key, version, encoding in fit:
            self._put_encoding((key, number, version), encoding)
        self._pending.update(key for key, _, _ in fit)

    def put_words(self, given: Sequence[tuple[int, int, tuple[str, ...], tuple[str, ...]]]) -> None:
        """Replaces the words of records whose text is still that of the version given."""
        texts = self._unchanged([(key, version) for key, version, _, _ in given])
        fit = [(key, texts[key], new, dates) for key, _, new, dates in given if key in texts]
        position = self.new_position()
        many, statements = self.session.many, self._statements
        many(statements.touch_record, [(position, key) for key, *_ in fit])
        many(statements.delete_by_key(words), [(key,) for key, *_ in fit])
        rows = [(key, text, " ".join(dates), " ".join(new)) for key, text, new, dates in fit]
        many(statements.insert(words), rows)

    def _unchanged(self, given: Sequence[tuple[int, int]]) -> dict[int, int]:
        """Of keys with versions, those whose text is still the same: the version that set it."""
        self.flush()
        rows = self.session.listed(queries.text_versions, (), [key for key, _ in given])
        versions = {key: (text, current) for key, current, text in rows}
        return {
            key: versions[key][0]
            for key, version in given
            if key in versions and versions[key][0] <= version <= versions[key][1]
        }

    def finish(self) -> Head:
        """Writes what is buffered; returns where the log stands then.

        Raises:
            MemorydError: A write failed, also if ``work`` took no notice of that.
        """
        self.flush()
        if self._failure is not None:
            raise self._failure
        return self.head

    def flush(self) -> None:
        """Writes what is buffered, so that reads see it."""
        if not self._pending:
            return
        try:
            self._write_buffers()
        except MemorydError as error:
            self._failure = error
            raise
        finally:
            self._clear_buffers()

    def _write_buffers(self) -> None:
        many, statements = self.session.many, self._statements
        for sql, rows in self._removals.items():
            many(sql, rows)
        for table in _FLUSH_ORDER:
            if rows := self._inserts[table]:
                many(statements.insert(table), rows)
            if table is records and self._updates:
                many(statements.update_record, self._updates)

    def _clear_buffers(self) -> None:
        self._pending.clear()
        self._updates.clear()
        self._removals.clear()
        for rows in self._inserts.values():
            rows.clear()

    def _remove(self, sql: str, *rows: tuple[Any, ...]) -> None:
        if rows:
            self._removals.setdefault(sql, []).extend(rows)

    def _noted(self, row: Row) -> MemoryRecord:
        record = record_from_row(row)
        self._note(record, row[0])
        return record

    def _note(self, record: MemoryRecord, key: int) -> None:
        standing = _Standing(key, record.version, record.tags, record.status)
        self._standing[record.namespace, record.id] = standing

    def _before(self, record: MemoryRecord) -> _Standing | None:
        """The record as it stands, if it is there and ``record`` is its next version."""
        identity = (record.namespace, record.id)
        before = self._standing.get(identity)
        if before is None and record.version > 1:
            self.get(*identity)
            before = self._standing.get(identity)
        if record.version != (before.version if before else 0) + 1:
            raise Conflict("The record changed meanwhile; read it again and repeat the change.")
        return before

    def _is_erased(self, before: _Standing) -> bool:
        if before.status is not Status.FORGOTTEN:
            return False
        self.flush()
        change = self.session.rows(self._statements.change_of_version, (before.key, before.version))
        return bool(change) and change[0][1] == Operation.ERASED.value

    def _put(self, record: MemoryRecord, before: _Standing | None) -> int:
        if before is None:
            key = self.head.last_key = self.head.last_key + 1
            self._inserts[records].append(record_row(record, key, self.new_position()))
        else:
            key = before.key
            if key in self._pending:
                self.flush()
            row = record_row(record, key, self.new_position())
            self._updates.append((*row[1:], key))
        self._pending.add(key)
        self._put_tags(record, key, before.tags if before else ())
        self._note(record, key)
        return key

    def _put_tags(self, record: MemoryRecord, key: int, old: tuple[str, ...]) -> None:
        if record.tags == old:
            return
        namespace = record.namespace
        self._remove(self._statements.delete_tag, *[(namespace, tag, key) for tag in set(old)])
        self._inserts[record_tags].extend((namespace, tag, key) for tag in set(record.tags))

    def _put_words(self, record: MemoryRecord, key: int, indexed: Indexed) -> None:
        if record.version > 1:
            self._remove(self._statements.delete_by_key(words), (key,))
            for table in (vectors, token_vectors):
                self._remove(self._statements.delete_by_key(table), (key,))
        terms, dates = " ".join(indexed.terms), " ".join(indexed.date_terms)
        check_text(terms, "terms")
        self._inserts[words].append((key, record.version, dates, terms))
        if indexed.encoding is not None:
            made_by = self._model_number(indexed.model)
            self._put_encoding((key, made_by, record.version), indexed.encoding)

    def _put_encoding(self, row: tuple[int, int, int], encoding: Encoding) -> None:
        self._inserts[vectors].append((*row, _half(encoding.vector)))
        if encoding.tokens.size:
            width = encoding.tokens.shape[1]
            self._inserts[token_vectors].append((*row, width, encoding.tokens.tobytes()))

    def _put_identity(self, record: MemoryRecord, key: int, identity: WriteIdentity) -> None:
        if record.version > 1:
            self._remove(self._statements.delete_by_key(fingerprints), (key,))
        self._inserts[fingerprints].append((key, record.namespace, identity.fingerprint))
        if identity.idempotency_key is not None:
            check_text(identity.idempotency_key, "idempotency_key")
            row = (record.namespace, identity.idempotency_key, key, identity.fingerprint)
            self._inserts[idempotency_keys].append(row)

    def _log(
        self,
        record: MemoryRecord,
        key: int,
        operation: Operation,
        why: tuple[str, str],
        body: str | None,
        body_digest: bytes,
    ) -> int:
        actor, reason = why
        check_text(actor, "actor")
        check_text(reason, "reason")
        head = self.head
        sequence = head.sequence + 1
        at = microseconds(record.updated_at)
        named = (record.namespace, record.id, record.version, operation.value)
        digest = self._keys.change_digest(
            head.digest, (sequence, *named, actor, at, reason), body_digest
        )
        row = (sequence, key, *named, at, actor, reason, body_digest, digest, body)
        self._inserts[changes].append(row)
        head.sequence, head.digest = sequence, digest
        return sequence

    def new_position(self) -> int:
        """The position of everything this transaction writes."""
        if not self._moved:
            self.head.position += 1
            self._moved = True
        return self.head.position

    def _model_number(self, name: str) -> int:
        number = self._models.get(name)
        if number is None:
            number = self._models[name] = self._read_or_add_model(name)
        return number

    def _read_or_add_model(self, name: str) -> int:
        rows = self.session.rows(self._statements.model_number, (name,))
        if rows:
            return int(rows[0][0])
        number = (self.session.rows(self._statements.last_model_number)[0][0] or 0) + 1
        self.session.many(self._statements.insert(models), [(number, name)])
        return number


def _half(vector: Floats) -> bytes:
    return np.asarray(vector, HALF).tobytes()
