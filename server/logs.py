"""Logging: to standard error, and never what was stored or asked.

Messages of exceptions can hold content (a validator quotes what it refuses, a driver the statement
that failed), so tracebacks are written without them: where it happened and what kind it was.
"""

from __future__ import annotations

import logging
import sys
import traceback
from types import TracebackType
from typing import TypeAlias

__all__ = ["ContentFreeFormatter", "configure_logging", "hush_shutdown"]

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
THIRD_PARTY = ("uvicorn", "uvicorn.error", "mcp", "sse_starlette", "asyncio", "faiss")
UNFINISHED = "ASGI callable returned without completing response."

ExceptionInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


class ContentFreeFormatter(logging.Formatter):
    """Writes exceptions without their messages."""

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - the name is logging's
        """Where the exception came from, and its kind."""
        kind, _, trace = ei
        frames = [
            f"  {frame.filename}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(trace)
        ]
        return "\n".join([*frames, kind.__qualname__ if kind else ""])


def configure_logging(level: str) -> None:
    """Logs to standard error from this level on; libraries from warnings on.

    Addresses that were requested are never logged: their query strings hold questions.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ContentFreeFormatter(FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in THIRD_PARTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True


def hush_shutdown() -> None:
    """Drops the line that the HTTP server writes for each stream that ends with the process."""
    logging.getLogger("uvicorn.error").addFilter(_is_finished)


def _is_finished(record: logging.LogRecord) -> bool:
    return record.msg != UNFINISHED
