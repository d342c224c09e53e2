"""Settings: the only reader of the environment (``MEMORYD_*``) and of ``memoryd.toml``.

What the environment says wins over the file, the file over the defaults. The file is
``memoryd.toml`` in the data directory, or the one that ``MEMORYD_CONFIG`` names.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from memory.errors import InvalidInput
from memory.records import DEFAULT_NAMESPACE
from tools.reasons import invalid_input

__all__ = ["PREFIX", "Settings", "read_settings"]

PREFIX = "MEMORYD_"
CONFIG_FILE = "memoryd.toml"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"


def default_home() -> Path:
    """The platform's place for a user's application data."""
    return Path(platformdirs.user_data_dir("memoryd", appauthor=False))


class Settings(BaseModel):
    """Everything that can be set, each also as ``MEMORYD_<NAME>`` or as a key of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(default_factory=default_home, description="The data directory.")
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=8765, ge=0, le=65535, description="The port; 0 takes a free one.")
    database: str = Field(
        default="",
        description="Path of the database file (or sqlite:///path); `:memory:` keeps nothing. "
        "Default: memory.db in the data directory.",
    )
    master_key: SecretStr | None = Field(
        default=None, description="The key of the database: 32 bytes as 64 hex digits or base64."
    )
    key_file: Path | None = Field(
        default=None,
        description="Where the key is kept when master_key is not set; made at the first start. "
        "Default: master.key in the data directory.",
    )
    embedder: str = Field(
        default="minilm",
        description="minilm, hashing, or sentence-transformers:<model or path>.",
    )
    late_interaction: bool = Field(
        default=True,
        description="Compare questions with records token by token too (minilm only): finds more, "
        "takes about 64 bytes more a token.",
    )
    namespace: str = Field(
        default=DEFAULT_NAMESPACE, description="The namespace of calls that name none."
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Host names (comma-separated) that requests may name beside loopback.",
    )
    allowed_origins: tuple[str, ...] = Field(
        default=(), description="Web origins (comma-separated) whose pages may call."
    )
    allow_remote: bool = Field(
        default=False,
        description="Listen on an address other than loopback, with something in front that "
        "authenticates callers.",
    )
    body_max_bytes: int = Field(
        default=4 * 2**20, ge=1024, le=2**30, description="The largest request body."
    )
    threads: int = Field(default=8, ge=1, le=256, description="How many calls run at once.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="How much is logged, to standard error."
    )

    @field_validator("allowed_hosts", "allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @property
    def database_path(self) -> Path | None:
        """The file of the database, or ``None`` for one that ends with the process.

        Raises:
            InvalidInput: The setting names no SQLite database.
        """
        name = self.database or str(self.home / "memory.db")
        if name == ":memory:":
            return None
        scheme, separator, rest = name.partition("://")
        if separator and scheme != "sqlite":
            raise InvalidInput("database: give a path or sqlite:///path", "database")
        return Path(rest.removeprefix("/") if separator else name).expanduser()

    @property
    def key_path(self) -> Path:
        """Where the key is kept when it is not given."""
        return self.key_file or self.home / "master.key"


def read_settings(environment: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """The settings of this process.

    Args:
        environment: The variables to read; those of the process when ``None``.
        **overrides: Settings given on the command line; ``None`` means not given.

    Raises:
        InvalidInput: A setting cannot be taken; it is named.
    """
    variables = os.environ if environment is None else environment
    told = {
        name: variables[PREFIX + name.upper()]
        for name in Settings.model_fields
        if variables.get(PREFIX + name.upper())
    }
    told_now = {name: value for name, value in overrides.items() if value is not None}
    home = Path(str(told_now.get("home") or told.get("home") or default_home()))
    file = variables.get(CONFIG_VARIABLE)
    written = _read_file(Path(file) if file else home / CONFIG_FILE, required=bool(file))
    try:
        return Settings.model_validate({**written, **told, **told_now})
    except ValidationError as error:
        raise invalid_input(error, "settings") from None


def _read_file(path: Path, *, required: bool) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise InvalidInput(
                f"settings: {CONFIG_VARIABLE} names a file that is not there"
            ) from None
        return {}
    except (OSError, ValueError) as error:
        raise InvalidInput(f"settings: {path.name} cannot be read as TOML") from error
