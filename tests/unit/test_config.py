"""Settings: where they come from and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory.errors import InvalidInput
from server.composition import compose
from server.config import read_settings

KEY = "ab" * 32


def test_nothing_need_be_set() -> None:
    settings = read_settings({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8765)
    assert settings.database_path == settings.home / "memory.db"


def test_the_command_line_wins_over_the_environment_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "memoryd.toml").write_text(
        "port = 1111\nthreads = 3\nlog_level = 'error'\n", encoding="utf-8"
    )
    settings = read_settings(
        {"MEMORYD_HOME": str(tmp_path), "MEMORYD_PORT": "2222", "MEMORYD_THREADS": "4"}, threads=5
    )
    assert (settings.port, settings.threads, settings.log_level) == (2222, 5, "error")


@pytest.mark.parametrize(("told", "meant"), [("false", False), ("0", False), ("true", True)])
def test_late_interaction_can_be_turned_off(told: str, meant: bool) -> None:
    assert read_settings({}).late_interaction
    assert read_settings({"MEMORYD_LATE_INTERACTION": told}).late_interaction is meant


@pytest.mark.parametrize("wanted", [True, False])
def test_the_embedder_is_composed_with_or_without_late_interaction(
    tmp_path: Path, wanted: bool
) -> None:
    settings = read_settings({"MEMORYD_HOME": str(tmp_path)}, late_interaction=wanted)
    with compose(settings).system as system:
        (model,) = system.metadata.models
        assert ("token-axes" in model.name) is wanted


def test_the_key_is_never_shown() -> None:
    settings = read_settings({"MEMORYD_MASTER_KEY": KEY})
    assert KEY not in repr(settings)
    assert KEY not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"MEMORYD_PORT": "many"}, "port"),
        ({"MEMORYD_PORT": "70000"}, "port"),
        ({"MEMORYD_LOG_LEVEL": "loud"}, "log_level"),
        ({"MEMORYD_CONFIG": "/nowhere/memoryd.toml"}, "MEMORYD_CONFIG"),
    ],
)
def test_a_bad_setting_is_named(variables: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        read_settings(variables)


def test_an_unknown_key_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "memoryd.toml").write_text("prot = 1\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="prot"):
        read_settings({"MEMORYD_HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("database", "path"),
    [
        ("/data/a.db", Path("/data/a.db")),
        ("sqlite:////data/a.db", Path("/data/a.db")),
        ("sqlite:///a.db", Path("a.db")),
        (":memory:", None),
    ],
)
def test_the_database_may_be_a_path_or_a_url(database: str, path: Path | None) -> None:
    assert read_settings({"MEMORYD_DATABASE": database}).database_path == path


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(InvalidInput, match="database"):
        _ = read_settings({"MEMORYD_DATABASE": "mysql://x"}).database_path
