"""The catalogue: every tool there is, in the order in which agents see them."""

from __future__ import annotations

from typing import TypeAlias

from tools.forget import Forget
from tools.recall import Recall
from tools.store import Store
from tools.summarize import Summarize
from tools.update import Update

__all__ = ["TOOLS", "AnyTool", "by_name"]

AnyTool: TypeAlias = Store | Recall | Update | Forget | Summarize

TOOLS: tuple[AnyTool, ...] = (Store(), Recall(), Update(), Forget(), Summarize())


def by_name(name: str) -> AnyTool | None:
    """The tool of that name, or ``None``."""
    return next((tool for tool in TOOLS if tool.name == name), None)
