"""The command ``serve``."""

from __future__ import annotations

import click

from server.app import serve as serve_settings
from server.commands.examples import CommandWithExamples
from server.commands.session import Session, pass_session, settings_options

__all__ = ["serve"]


@click.command(
    cls=CommandWithExamples,
    examples=(
        "memoryd serve",
        "memoryd serve --port 9000 --home ~/agent-memory",
    ),
)
@click.option("--host", help="The address to listen on; 127.0.0.1 unless given.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 8765 unless given.")
@click.option("--allow-remote", is_flag=True, default=None, help="Listen beyond this computer.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="How much is logged, to standard error.",
)
@settings_options(hidden=True)
@pass_session
def serve(session: Session, /, **options: object) -> None:
    """Serve the memory over HTTP: MCP on /mcp, JSON-RPC on /rpc and /ws, REST under /memory."""
    serve_settings(session.settings(**options))
