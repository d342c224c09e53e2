"""What every command has in common: its settings, the memory it opens, and how it calls a tool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import click

from server.config import Settings, read_settings

__all__ = ["Session", "json_option", "pass_session", "settings_options"]

Command = TypeVar("Command", bound=Callable[..., object])


@dataclass(slots=True)
class Session:
    """One run of the console script.

    Args:
        overrides: The settings that were given as options, by name.
    """

    overrides: dict[str, object] = field(default_factory=dict)

    def settings(self, **further: object) -> Settings:
        """The settings, those given as options over those of the environment and the file.

        Raises:
            InvalidInput: A setting cannot be taken.
        """
        return read_settings(None, **{**self.overrides, **further})

    @property
    def namespace_given(self) -> str | None:
        """The namespace that was given as an option."""
        namespace = self.overrides.get("namespace")
        return None if namespace is None else str(namespace)


pass_session = click.make_pass_decorator(Session, ensure=True)
"""Gives a command the session as its first argument."""


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if value is not None and parameter.name is not None:
        context.ensure_object(Session).overrides[parameter.name] = value


SETTINGS: Mapping[str, tuple[click.Path | type, str]] = {
    "--home": (click.Path(file_okay=False, path_type=Path), "The data directory."),
    "--database": (str, "Path of the database file; `:memory:` keeps nothing."),
    "--key-file": (
        click.Path(dir_okay=False, path_type=Path),
        "The file that holds the key of the database.",
    ),
    "--embedder": (str, "minilm, hashing, or sentence-transformers:<model or path>."),
    "--namespace": (str, "Which memory to use: one per user, project or agent."),
}
"""The settings that can be given as options, before or after the command."""


def settings_options(*, hidden: bool = False) -> Callable[[Command], Command]:
    """Gives a command the options of the settings; ``hidden`` keeps all but one out of its help."""

    def add(command: Command) -> Command:
        for name, (kind, text) in reversed(tuple(SETTINGS.items())):
            option = click.option(
                name,
                type=kind,
                help=text,
                expose_value=False,
                callback=_remember,
                hidden=hidden and name != "--namespace",
            )
            command = option(command)
        return command

    return add


def json_option(command: Command) -> Command:
    """Gives a command the option ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(
        command
    )
