"""Compiles filters into conditions on the table ``records``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, and_, func, not_, or_, select, true

from memory.backends.sql.rows import microseconds
from memory.backends.sql.schema import record_tags, records
from memory.filtering import check_filter
from memory.records import AllOf, AnyOf, Comparison, Condition, Filter, Not, TimeRange

Clause: TypeAlias = ColumnElement[bool]
ComparisonCompiler: TypeAlias = Callable[[Comparison], Clause]
"""Makes one test on the column ``metadata``; each database has its own functions for JSON."""


def where_clause(
    namespace: str, where: Filter, at: datetime, comparison: ComparisonCompiler
) -> Clause:
    """The condition that holds for exactly the records that ``filtering.matches`` accepts.

    Raises:
        InvalidInput: The filter is malformed or too large.
    """
    check_filter(where)
    clauses = [
        records.c.namespace == namespace,
        records.c.status.in_([status.value for status in where.statuses]),
        *_plain(where),
        *_numbers(where),
        *_within(records.c.happened_at, where.occurred),
        *_within(records.c.created_at, where.created),
    ]
    if not where.include_expired:
        now = microseconds(at)
        clauses.append(or_(records.c.expires_at.is_(None), records.c.expires_at > now))
    if where.tags:
        clauses.append(_tagged(namespace, where))
    if where.metadata is not None:
        clauses.append(metadata_clause(where.metadata, comparison))
    return and_(*clauses)


def metadata_clause(condition: Condition, comparison: ComparisonCompiler) -> Clause:
    """The clause of a whole condition, given how one comparison is made."""
    match condition:
        case AllOf(conditions):
            return and_(true(), *(metadata_clause(each, comparison) for each in conditions))
        case AnyOf(conditions):
            return or_(not_(true()), *(metadata_clause(each, comparison) for each in conditions))
        case Not(inner):
            return not_(metadata_clause(inner, comparison))
        case Comparison():
            return comparison(condition)


def _plain(where: Filter) -> list[Clause]:
    listed: tuple[tuple[ColumnElement[Any], Sequence[str]], ...] = (
        (records.c.id, where.ids),
        (records.c.tier, [tier.value for tier in where.tiers]),
        (records.c.source_kind, [kind.value for kind in where.source_kinds]),
        (records.c.source_id, where.source_ids),
        (records.c.conversation_id, where.conversation_ids),
        (records.c.speaker, where.speakers),
    )
    return [column.in_(values) for column, values in listed if values]


def _numbers(where: Filter) -> list[Clause]:
    clauses: list[Clause] = []
    if where.importance_min is not None:
        clauses.append(records.c.importance >= where.importance_min)
    if where.importance_max is not None:
        clauses.append(records.c.importance <= where.importance_max)
    if where.pinned is not None:
        clauses.append(records.c.pinned == int(where.pinned))
    return clauses


def _within(column: ColumnElement[int], allowed: TimeRange) -> list[Clause]:
    clauses: list[Clause] = []
    if allowed.after is not None:
        clauses.append(column >= microseconds(allowed.after))
    if allowed.before is not None:
        clauses.append(column < microseconds(allowed.before))
    return clauses


def _tagged(namespace: str, where: Filter) -> Clause:
    tags = sorted(set(where.tags))
    keys = select(record_tags.c.key).where(
        record_tags.c.namespace == namespace, record_tags.c.tag.in_(tags)
    )
    if where.tag_match == "all":
        keys = keys.group_by(record_tags.c.key).having(func.count() == len(tags))
    return records.c.key.in_(keys)
