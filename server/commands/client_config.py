"""The command ``config``: snippets for MCP clients, and the effective settings."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from server.about import NAME
from server.commands.examples import CommandWithExamples
from server.commands.output import note, print_json, print_text
from server.commands.session import Session, json_option, pass_session, settings_options
from server.config import PREFIX, Settings

__all__ = ["CLIENTS", "config"]

CARRIED = ("embedder", "late_interaction", "namespace")
"""Settings that go into a snippet when they are not the defaults."""

WILDCARD_HOSTS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class Client:
    """An MCP client: where its configuration is, and the shape of it.

    ``http`` and ``stdio`` make the entry of one server; a client without ``http`` starts its
    servers itself.
    """

    file: str
    stdio: Callable[[Settings], dict[str, object]]
    http: Callable[[Settings], dict[str, object]] | None
    key: str = "mcpServers"

    def snippet(self, settings: Settings, *, over_http: bool) -> dict[str, object]:
        """The configuration of a client that knows memoryd alone."""
        make = self.http if over_http and self.http else self.stdio
        return {self.key: {NAME: make(settings)}}


def _command(settings: Settings) -> dict[str, object]:
    command, *arguments = _console_script()
    environment = {f"{PREFIX}HOME": str(settings.home.expanduser().absolute())}
    if settings.database:
        environment[f"{PREFIX}DATABASE"] = str(_absolute(settings.database))
    if settings.key_file is not None:
        environment[f"{PREFIX}KEY_FILE"] = str(settings.key_file.expanduser().absolute())
    for name in CARRIED:
        value = getattr(settings, name)
        if value != Settings.model_fields[name].default:
            environment[f"{PREFIX}{name.upper()}"] = _as_variable(value)
    return {"command": command, "args": [*arguments, "stdio"], "env": environment}


def _as_variable(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _console_script() -> list[str]:
    """How to start memoryd, by absolute paths: clients start it with a PATH of their own."""
    beside = shutil.which(NAME, path=str(Path(sys.executable).parent))
    found = beside or shutil.which(NAME)
    if found:
        return [str(Path(found).absolute())]
    return [sys.executable, "-c", "from server.cli import main; main()"]


def _absolute(database: str) -> str:
    plain = "://" not in database and database != ":memory:"
    return str(Path(database).expanduser().absolute()) if plain else database


def _address(settings: Settings) -> str:
    host = "127.0.0.1" if settings.host in WILDCARD_HOSTS else settings.host
    bracketed = f"[{host}]" if ":" in host else host
    return f"http://{bracketed}:{settings.port}/mcp"


def _typed_command(settings: Settings) -> dict[str, object]:
    return {"type": "stdio", **_command(settings)}


def _typed_http(settings: Settings) -> dict[str, object]:
    return {"type": "http", "url": _address(settings)}


def _url(settings: Settings) -> dict[str, object]:
    return {"url": _address(settings)}


CLIENTS: Mapping[str, Client] = {
    "claude-code": Client(".mcp.json in the project", _typed_command, _typed_http),
    "claude-desktop": Client(
        "claude_desktop_config.json (Settings > Developer > Edit Config)", _command, None
    ),
    "cursor": Client("~/.cursor/mcp.json, or .cursor/mcp.json in the project", _command, _url),
    "vscode": Client(".vscode/mcp.json in the project", _typed_command, _typed_http, "servers"),
    "windsurf": Client(
        "~/.codeium/windsurf/mcp_config.json",
        _command,
        lambda settings: {"serverUrl": _address(settings)},
    ),
    "gemini-cli": Client(
        "~/.gemini/settings.json", _command, lambda settings: {"httpUrl": _address(settings)}
    ),
}


@click.command(
    cls=CommandWithExamples,
    examples=(
        "memoryd config claude-desktop",
        "memoryd config cursor --http",
        "memoryd config --settings",
    ),
)
@click.argument("client", type=click.Choice(list(CLIENTS)), required=False)
@click.option(
    "--http/--stdio", "over_http", default=False, help="Connect to `memoryd serve`, or start one."
)
@click.option("--settings", "show_settings", is_flag=True, help="Print the settings in effect.")
@json_option
@settings_options(hidden=True)
@pass_session
def config(
    session: Session, /, client: str | None, over_http: bool, show_settings: bool, as_json: bool
) -> None:
    """Print the configuration that connects an MCP CLIENT to memoryd; all known without one."""
    settings = session.settings()
    if show_settings:
        print_json(_effective(settings))
    elif client is not None:
        _print_one(CLIENTS[client], settings, over_http=over_http)
    else:
        _print_all(settings, over_http=over_http, as_json=as_json)


def _effective(settings: Settings) -> dict[str, object]:
    """The settings, with what follows from them; secrets are hidden."""
    database = settings.database_path
    return {
        **settings.model_dump(mode="json"),
        "database": ":memory:" if database is None else str(database),
        "key_file": str(settings.key_path),
    }


def _print_one(client: Client, settings: Settings, *, over_http: bool) -> None:
    if over_http and client.http is None:
        raise click.UsageError("This client starts its servers itself; leave --http out.")
    print_json(client.snippet(settings, over_http=over_http))
    note(f"Put this into {client.file}.")


def _print_all(settings: Settings, *, over_http: bool, as_json: bool) -> None:
    listed: dict[str, object] = {
        name: {"file": client.file, "config": client.snippet(settings, over_http=over_http)}
        for name, client in CLIENTS.items()
        if client.http is not None or not over_http
    }
    if as_json:
        print_json(listed)
        return
    for name in listed:
        print_text(f"# {name}: {CLIENTS[name].file}")
        print_json(CLIENTS[name].snippet(settings, over_http=over_http))
