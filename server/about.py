"""What this program is called, and which version of it this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["NAME", "TITLE", "VERSION"]

NAME = "memoryd"
TITLE = "memoryd: memory for agents"


def _version() -> str:
    try:
        return version(NAME)
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0"


VERSION = _version()
