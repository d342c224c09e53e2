"""One database connection at work: quick for what is compiled already, open for any statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError

from memory.backends.sql.rows import Row
from memory.backends.sql.statements import LIST_SIZES, ListQuery, Statements
from memory.errors import MemorydError

Translator: TypeAlias = Callable[[Exception], MemorydError]
"""Turns an error of the driver into one of ours."""

_STREAM_ROWS = 500


class Session:
    """A connection used by one thread at a time; every error of the driver is translated.

    Args:
        connection: A connection in autocommit mode; transactions are begun by command.
        statements: The statements compiled for its dialect.
        translate: Translates what the driver raises.
    """

    def __init__(
        self, connection: Connection, statements: Statements, translate: Translator
    ) -> None:
        self.statements = statements
        self._connection = connection
        driver: Any = connection.connection.driver_connection
        self._driver = driver
        self._cursor: Any = self._driver.cursor()
        self._translate = translate
        self._errors: tuple[type[Exception], ...] = (
            connection.dialect.dbapi.Error,  # type: ignore[union-attr]  # there is a driver
            DBAPIError,
            UnicodeEncodeError,
            OverflowError,
        )

    @property
    def connection(self) -> Connection:
        """The connection, for migrations."""
        return self._connection

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open; some errors end it."""
        return bool(self._driver.in_transaction)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of a compiled query."""
        try:
            return self._cursor.execute(sql, parameters).fetchall()  # type: ignore[no-any-return]
        except self._errors as error:
            raise self._translate(error) from error

    def listed(self, query: ListQuery, scope: Sequence[object], values: Sequence[Any]) -> list[Row]:
        """All rows of a query over listed values, in as many runs as that takes."""
        found: list[Row] = []
        for start in range(0, len(values), LIST_SIZES[-1]):
            part = values[start : start + LIST_SIZES[-1]]
            sql, size = self.statements.listed(query, len(part))
            found += self.rows(sql, (*scope, *part, *[part[-1]] * (size - len(part))))
        return found

    def many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Runs a compiled statement once for each row of parameters."""
        try:
            self._cursor.executemany(sql, rows)
        except self._errors as error:
            raise self._translate(error) from error

    def stream(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[Row]:
        """The rows of a compiled query, a few hundred at a time; use within a snapshot."""
        cursor = self._driver.cursor()
        try:
            cursor.execute(sql, parameters)
            while rows := cursor.fetchmany(_STREAM_ROWS):
                yield from rows
        except self._errors as error:
            raise self._translate(error) from error
        finally:
            cursor.close()

    def select(self, statement: Executable) -> list[Row]:
        """All rows of any query, as the driver gives them."""
        try:
            with self._connection.execute(statement) as result:
                return list(result.cursor.fetchall())
        except self._errors as error:
            raise self._translate(error) from error

    def run(self, statement: Executable) -> None:
        """Runs any statement that gives no rows."""
        try:
            self._connection.execute(statement)
        except self._errors as error:
            raise self._translate(error) from error

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads within see the same state of the database."""
        self.rows("BEGIN")
        try:
            yield
        finally:
            self.rows("ROLLBACK")

    def close(self) -> None:
        """Closes the connection."""
        try:
            self._cursor.close()
            self._connection.close()
        except self._errors as error:
            raise self._translate(error) from error
