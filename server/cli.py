"""The console script ``memoryd``. Each command's module is loaded only when it is called."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import click

from memory.errors import MemorydError
from server.about import NAME, VERSION
from server.commands.examples import write_examples
from server.commands.session import settings_options

__all__ = ["COMMANDS", "main"]


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """Where a command is defined, and what the list of commands says of it."""

    module: str
    name: str
    help: str

    def load(self) -> click.Command:
        """Imports the command."""
        command = getattr(import_module(f"server.commands.{self.module}"), self.name)
        gc.enable()
        if not isinstance(command, click.Command):
            raise TypeError(f"server.commands.{self.module}.{self.name} is not a command")
        return command


COMMANDS: Mapping[str, LazyCommand] = {
    "serve": LazyCommand("serve", "serve", "Serve over HTTP: MCP, JSON-RPC, REST, WebSocket."),
    "stdio": LazyCommand("stdio", "stdio", "Serve MCP over standard input and output."),
    "store": LazyCommand("memories", "store", "Remember something."),
    "recall": LazyCommand("memories", "recall", "Find what was remembered."),
    "update": LazyCommand("memories", "update", "Change a memory."),
    "forget": LazyCommand("forget", "forget", "Forget memories, or erase them for good."),
    "summarize": LazyCommand("memories", "summarize", "Summarise memories."),
    "import": LazyCommand("importing", "import_command", "Take memories from files."),
    "export": LazyCommand("exporting", "export_command", "Write memories to a file."),
    "doctor": LazyCommand("doctor", "doctor", "Check that everything is in order."),
    "config": LazyCommand("client_config", "config", "Connect MCP clients; show the settings."),
}

FIRST_STEPS = (
    "memoryd serve",
    'memoryd store "Ada prefers tea to coffee"',
    'memoryd recall "what does Ada like to drink?"',
)


class CommandLine(click.Group):
    """The group of all commands: loads them when needed, and turns errors into one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order in which they are listed."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, loaded now."""
        lazy = COMMANDS.get(cmd_name)
        return None if lazy is None else lazy.load()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the first steps below the commands."""
        write_examples(FIRST_STEPS, formatter)

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command; an error of memoryd ends it with one sentence and status 1."""
        try:
            return super().invoke(ctx)
        except MemorydError as error:
            raise click.ClickException(error.message) from error


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"]})
@settings_options()
@click.version_option(VERSION, prog_name=NAME)
def command_line() -> None:
    """The memory server for LLM agents.

    Settings come from options, MEMORYD_* variables and memoryd.toml in the data directory. Options
    may stand before or after the command. The exit status is 0 when all went well, 1 after an
    error, 2 when the command line is wrong.
    """


def main() -> None:
    """Runs the console script."""
    gc.disable()  # would look at every new module again and again; on when a command is loaded
    command_line(prog_name=NAME)
