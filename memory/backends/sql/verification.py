"""Proves that the log is untouched and that the records are what it says; makes them from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import and_, delete, func, literal_column, select

from memory.backends.sql.bodies import erased_record, record_from_body
from memory.backends.sql.chain import GENESIS, ChainKeys
from memory.backends.sql.rows import TOUCHED, Row, record_row, time_of
from memory.backends.sql.schema import (
    changes,
    fingerprints,
    idempotency_keys,
    record_tags,
    records,
    token_vectors,
    vectors,
    words,
)
from memory.backends.sql.session import Session
from memory.errors import StorageCorrupt
from memory.ports import VerificationReport
from memory.records import MemoryRecord, Operation

Progress: TypeAlias = Callable[[int, int], None]

PROBLEMS_MAX = 100
"""How many problems a report names; more are counted in its last line."""

_PROGRESS_EVERY = 1000


@dataclass(slots=True)
class _History:
    """What the log says of one record."""

    namespace: str
    record_id: str
    first_at: int
    version: int = 0
    last_at: int = 0
    erased: bool = False
    bodies_missing: bool = False


class Verification:
    """One run over the whole log and all records, within one snapshot.

    Args:
        session: The connection to read over.
        keys: The keys of the chain.
        progress: Told how many of how many rows are done, now and then.
    """

    def __init__(self, session: Session, keys: ChainKeys, progress: Progress | None) -> None:
        self._session = session
        self._keys = keys
        self._progress = progress
        self._problems: list[str] = []
        self._problem_count = 0
        self._histories: dict[int, _History] = {}
        self._done = 0
        self._total = 0

    def run(self) -> VerificationReport:
        """Verifies everything."""
        with self._session.snapshot():
            change_count, record_count = (
                int(self._session.select(select(func.count()).select_from(table))[0][0])
                for table in (changes, records)
            )
            self._total = change_count + record_count
            self._check_log()
            self._check_records()
            self._check_tags()
        if self._problem_count > len(self._problems):
            self._problems.append(f"{self._problem_count - len(self._problems)} further problems")
        return VerificationReport(
            changes=change_count, records=record_count, problems=tuple(self._problems)
        )

    def _report(self, problem: str) -> None:
        self._problem_count += 1
        if len(self._problems) < PROBLEMS_MAX:
            self._problems.append(problem)

    def _step(self) -> None:
        self._done += 1
        if self._progress and (self._done % _PROGRESS_EVERY == 0 or self._done == self._total):
            self._progress(self._done, self._total)

    def _check_log(self) -> None:
        previous, expected = GENESIS, 1
        for row in _log(self._session):
            if row[0] != expected:
                self._report(f"change {expected}: missing from the log")
            self._check_change(row, previous)
            self._follow(row)
            previous, expected = bytes(row[10]), row[0] + 1
            self._step()
        for history in self._histories.values():
            if history.bodies_missing and not history.erased:
                self._report(f"record {history.record_id}: a body is missing without an erasure")

    def _check_change(self, row: Row, previous: bytes) -> None:
        sequence, _, namespace, record_id, version, operation, at, actor, reason = row[:9]
        body_digest, digest, body = row[9:]
        facts = (sequence, namespace, record_id, version, operation, actor, at, reason)
        if self._keys.change_digest(previous, facts, bytes(body_digest)) != digest:
            self._report(f"change {sequence}: the digest does not match")
        if body is not None and self._keys.body_digest(body) != body_digest:
            self._report(f"change {sequence}: the body does not match its digest")

    def _follow(self, row: Row) -> None:
        sequence, key, namespace, record_id, version, operation, at = row[:7]
        history = self._histories.get(key)
        if history is None:
            history = self._histories[key] = _History(namespace, record_id, at)
        if (history.namespace, history.record_id) != (namespace, record_id):
            self._report(f"change {sequence}: its key belongs to another record")
        if version != history.version + 1:
            self._report(f"change {sequence}: version {history.version + 1} was expected")
        history.version, history.last_at = version, at
        history.erased = operation == Operation.ERASED.value
        history.bodies_missing = history.bodies_missing or row[11] is None

    def _check_records(self) -> None:
        query = (
            select(*records.c, changes.c.body)
            .outerjoin(
                changes,
                and_(changes.c.key == records.c.key, changes.c.version == records.c.version),
            )
            .order_by(records.c.key)
        )
        unseen = set(self._histories)
        for row in self._session.stream(self._session.statements.text(query)):
            unseen.discard(row[0])
            self._check_record(row[:-1], row[-1])
            self._step()
        for key in sorted(unseen):
            self._report(f"record {self._histories[key].record_id}: missing")

    def _check_record(self, row: Row, body: str | None) -> None:
        history = self._histories.get(row[0])
        if history is None:
            self._report(f"record {row[2]}: not in the log")
            return
        if row[3] != history.version:
            self._report(f"record {row[2]}: the log ends with version {history.version}")
            return
        expected = _replayed(history, row[0], row[TOUCHED], body)
        if expected is None or expected != tuple(row):
            self._report(f"record {row[2]}: not what the log says")

    def _check_tags(self) -> None:
        """Both sides sorted alike, so that they are compared in one pass."""
        told = select(records.c.key, records.c.namespace, records.c.tags).order_by(records.c.key)
        kept = select(record_tags.c.key, record_tags.c.namespace, record_tags.c.tag).order_by(
            record_tags.c.key
        )
        text = self._session.statements.text
        wanted = {
            key: (namespace, set(json.loads(tags)))
            for key, namespace, tags in self._session.stream(text(told))
            if tags != "[]"
        }
        found: dict[int, set[str]] = {}
        for key, namespace, tag in self._session.stream(text(kept)):
            if key in wanted and wanted[key][0] == namespace:
                found.setdefault(key, set()).add(tag)
            else:
                self._report(f"key {key}: a tag of no record")
        for key, (_, tags) in wanted.items():
            if found.get(key) != tags:
                self._report(f"key {key}: the tags found by are not those of the record")


def rebuild(session: Session, position: int, progress: Progress | None) -> int:
    """Makes ``records`` and ``record_tags`` anew from the log, within a transaction.

    Rows are replaced under their keys, so that words, vectors and fingerprints stay theirs.

    Returns:
        How many records there are.
    """
    text = session.statements.text
    _remove_strangers(session)
    present = {row[0] for row in session.rows(text(select(records.c.key)))}
    total = session.select(select(func.count(func.distinct(changes.c.key))))[0][0]
    done = 0
    for done, row in enumerate(_final_rows(session, position), start=1):
        if row[0] in present:
            session.many(session.statements.update_record, [(*row[1:], row[0])])
        else:
            session.many(session.statements.insert(records), [row])
        tags = {(row[1], tag, row[0]) for tag in json.loads(row[TOUCHED + 1])}
        session.many(session.statements.insert(record_tags), list(tags))
        if progress and (done % _PROGRESS_EVERY == 0 or done == total):
            progress(done, total)
    return done


def _remove_strangers(session: Session) -> None:
    """Deletes records that the log does not know, and all that hangs on them."""
    known = select(changes.c.key)
    session.run(record_tags.delete())
    for table in (words, vectors, token_vectors, fingerprints, idempotency_keys, records):
        session.run(delete(table).where(table.c.key.not_in(known)))


def _log(session: Session) -> Iterator[Row]:
    return session.stream(session.statements.text(select(*changes.c).order_by(changes.c.seq)))


def _final_rows(session: Session, position: int) -> Iterator[tuple[Any, ...]]:
    latest = select(func.max(changes.c.seq)).group_by(changes.c.key)
    first_at = (
        select(changes.c.at.label("first_at"), changes.c.key)
        .where(changes.c.version == literal_column("1"))
        .subquery()
    )
    query = (
        select(*changes.c, first_at.c.first_at)
        .outerjoin(first_at, first_at.c.key == changes.c.key)
        .where(changes.c.seq.in_(latest))
        .order_by(changes.c.key)
    )
    for row in session.stream(session.statements.text(query)):
        last = _History(row[2], row[3], row[12], row[4], row[6], row[5] == Operation.ERASED.value)
        made = _replayed(last, row[1], position, row[11])
        if made is None:
            raise StorageCorrupt("The log cannot be replayed; verify says where it is damaged.")
        yield made


def _replayed(
    history: _History, key: int, touched: int, body: str | None
) -> tuple[Any, ...] | None:
    """The row that the log gives a record; ``None`` where its last body cannot be read."""
    record: MemoryRecord
    if history.erased:
        times = time_of(history.first_at), time_of(history.last_at)
        record = erased_record(history.namespace, history.record_id, history.version, *times)
    elif body is None:
        return None
    else:
        try:
            record = record_from_body(json.loads(body))
        except (ValueError, KeyError, TypeError):
            return None
    return record_row(record, key, touched)
