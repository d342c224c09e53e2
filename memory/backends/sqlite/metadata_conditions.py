"""Tests on metadata by SQLite's JSON functions.

Keys are compared as bound values over ``json_each``, never written into a JSON path, so that any
character may occur in them. Every test is an EXISTS, which is true or false and never NULL.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Text,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias

from memory.backends.sql.filters import Clause
from memory.backends.sql.schema import records
from memory.records import Comparison, JsonValue


def metadata_condition(test: Comparison) -> Clause:
    """The clause on ``records.metadata`` that means what ``Comparison`` documents."""
    found = _at_path(func.json_each(records.c.metadata), test.path, test)
    negated = test.operator in ("ne", "not_in") or (test.operator == "exists" and not test.value)
    return not_(found) if negated else found


def _each(source: FunctionElement[Any]) -> TableValuedAlias:
    return source.table_valued("key", "value", "type", "atom").alias()


def _at_path(source: FunctionElement[Any], path: tuple[str, ...], test: Comparison) -> Clause:
    member = _each(source)
    inner = _holds(member, test) if len(path) == 1 else _at_path(_children(member), path[1:], test)
    return _any(member, member.c.key == path[0], inner)


def _any(member: TableValuedAlias, *clauses: Clause) -> Clause:
    query = select(literal(1)).select_from(member).where(*clauses)
    return exists(query.correlate_except(member))


def _children(member: TableValuedAlias, kind: str = "object") -> FunctionElement[Any]:
    """The members of a nested object or list; none where the value is of another type."""
    empty = "{}" if kind == "object" else "[]"
    return func.json_each(case((member.c.type == kind, member.c.value), else_=empty))


def _holds(member: TableValuedAlias, test: Comparison) -> Clause:
    match test.operator:
        case "exists":
            return true()
        case "eq" | "ne":
            return _equals(member, test.value)
        case "in" | "not_in":
            values = test.value if isinstance(test.value, list) else []
            return or_(false(), *(_equals(member, value) for value in values))
        case "contains":
            return _contains(member, test.value)
        case _:
            return _ordered(member, test)


def _is_number(member: TableValuedAlias) -> Clause:
    return member.c.type.in_(("integer", "real"))


def _equals(member: TableValuedAlias, value: JsonValue) -> Clause:
    match value:
        case None:
            return member.c.type == "null"
        case bool():
            return member.c.type == ("true" if value else "false")
        case int() | float():
            return and_(_is_number(member), member.c.atom == value)
        case str():
            return and_(member.c.type == "text", member.c.atom == value)
        case list():
            return _equals_members(member, "array", dict(enumerate(value)))
        case dict():
            return _equals_members(member, "object", dict(value))


def _equals_members(member: TableValuedAlias, kind: str, values: dict[Any, JsonValue]) -> Clause:
    counted = _each(_children(member, kind))
    count = select(func.count()).select_from(counted).correlate_except(counted).scalar_subquery()
    clauses = [member.c.type == kind, count == len(values)]
    for key, value in values.items():
        inner = _each(_children(member, kind))
        clauses.append(_any(inner, inner.c.key == key, _equals(inner, value)))
    return and_(*clauses)


def _contains(member: TableValuedAlias, part: JsonValue) -> Clause:
    element = _each(_children(member, "array"))
    listed = _any(element, _equals(element, part))
    if not isinstance(part, str):
        return listed
    inside = func.instr(member.c.atom, literal(part, Text)) > 0
    return or_(listed, and_(member.c.type == "text", inside))


def _ordered(member: TableValuedAlias, test: Comparison) -> Clause:
    value = test.value
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return false()
    kind = member.c.type == "text" if isinstance(value, str) else _is_number(member)
    atom = member.c.atom
    compared: dict[str, Clause] = {
        "gt": atom > value,
        "gte": atom >= value,
        "lt": atom < value,
        "lte": atom <= value,
    }
    return and_(kind, compared[test.operator])
