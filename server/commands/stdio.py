"""The command ``stdio``."""

from __future__ import annotations

import click

from server.commands.examples import CommandWithExamples
from server.commands.session import Session, pass_session, settings_options
from server.stdio import serve_stdio

__all__ = ["stdio"]


@click.command(
    cls=CommandWithExamples,
    examples=(
        "claude mcp add memoryd -- memoryd stdio",
        "memoryd config claude-desktop",
    ),
)
@settings_options(hidden=True)
@pass_session
def stdio(session: Session, /) -> None:
    """Serve MCP over standard input and output, for clients that start memoryd themselves."""
    serve_stdio(session.settings())
