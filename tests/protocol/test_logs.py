"""Logs say where something failed, never what was stored or asked."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from server.logs import ContentFreeFormatter, configure_logging


@pytest.fixture
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def fail() -> None:
    raise ValueError("hunter2")


def test_a_traceback_has_places_and_kinds_but_no_messages() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(ContentFreeFormatter("%(message)s"))
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "it failed", None, None)
    try:
        fail()
    except ValueError as error:
        record.exc_info = (ValueError, error, error.__traceback__)
    handler.emit(record)
    assert "it failed" in written.getvalue()
    assert "ValueError" in written.getvalue()
    assert "test_logs.py" in written.getvalue()
    assert "hunter2" not in written.getvalue()


@pytest.mark.usefixtures("restored_logging")
def test_everything_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    logging.getLogger("server.test").info("an event")
    logging.getLogger("server.test").debug("a detail")
    logging.getLogger("mcp.server").info("a session")
    out, err = capsys.readouterr()
    assert out == ""
    assert "an event" in err
    assert "a detail" not in err
    assert "a session" not in err


@pytest.mark.usefixtures("restored_logging")
def test_requested_addresses_are_not_logged() -> None:
    configure_logging("debug")
    assert logging.getLogger("uvicorn.access").disabled
