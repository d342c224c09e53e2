"""The commands that deal with files, clients and the state of the installation."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from memory.errors import StorageUnavailable
from server.commands.client_config import CLIENTS
from server.private_file import private_file
from tests.unit.test_cli import CommandLine


@pytest.fixture
def memoryd(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home")


def write(folder: Path, *lines: object) -> str:
    file = folder / "in.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return str(file)


def test_import_says_what_became_of_every_line(memoryd: CommandLine, tmp_path: Path) -> None:
    file = write(tmp_path, {"content": "a"}, {"content": "b", "colour": 1}, {"content": "a"})
    result = memoryd("import", file)
    assert result.exit_code == 1
    assert result.stdout == "Stored 1, 1 were there already, 1 refused.\n"
    assert "line 2: refused: unknown fields: colour" in result.stderr


def test_import_reads_standard_input(memoryd: CommandLine) -> None:
    result = memoryd("import", "-", "--json", "--tag", "piped", text='{"content": "a"}\n')
    assert json.loads(result.stdout)["stored"] == 1
    assert memoryd.contents("--tag", "piped") == ["a"]


def test_a_dry_run_of_import_writes_nothing(memoryd: CommandLine, tmp_path: Path) -> None:
    result = memoryd("import", write(tmp_path, {"content": "a"}), "--dry-run")
    assert result.stdout == "Dry run: 1 can be taken, 0 would be refused.\n"
    assert memoryd.contents() == []


def test_markdown_folders_are_imported(memoryd: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "tea.md").write_text("# Tea\nGreen at 80 degrees.", encoding="utf-8")
    assert memoryd("import", str(tmp_path / "notes")).exit_code == 0
    assert memoryd.contents("green tea") == ["Tea\n\nGreen at 80 degrees."]


def test_a_file_of_unclear_format_is_refused(memoryd: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("Just text", encoding="utf-8")
    assert "jsonl, markdown or mcp-memory" in memoryd("import", str(file)).stderr
    assert memoryd("import", str(file), "--format", "markdown").exit_code == 0


def test_an_export_is_private_and_comes_back_the_same(memoryd: CommandLine, tmp_path: Path) -> None:
    memoryd("store", "one", "--namespace", "a")
    memoryd("store", "two")
    file = tmp_path / "out.jsonl"
    result = memoryd("export", str(file), "--all-namespaces")
    assert result.stdout == f"Exported 2 records to {file}.\n"
    assert "not encrypted" in result.stderr
    assert file.stat().st_mode & 0o777 == 0o600

    other = CommandLine(tmp_path / "other")
    assert "Stored 2" in other("import", str(file)).stdout
    assert other("export", "-", "--all-namespaces").stdout == file.read_text(encoding="utf-8")
    assert "Stored 0, 2 were there already" in other("import", str(file)).stdout


def test_export_takes_filters(memoryd: CommandLine) -> None:
    memoryd("store", "one", "--tier", "semantic")
    memoryd("store", "two", "--tag", "kept")
    assert json.loads(memoryd("export", "-", "--tag", "kept").stdout)["content"] == "two"
    assert json.loads(memoryd("export", "-", "--tier", "semantic").stdout)["content"] == "one"
    by_filter = memoryd("export", "-", "--filters", '{"tags": ["kept"]}').stdout
    assert json.loads(by_filter)["content"] == "two"


def test_forgotten_records_are_exported_only_when_asked(memoryd: CommandLine) -> None:
    memoryd("store", "gone")
    memoryd("forget", "--tier", "long_term", "--yes")
    assert memoryd("export", "-").stdout == ""
    assert json.loads(memoryd("export", "-", "--include-forgotten").stdout)["content"] == "gone"


def test_a_failed_export_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    file.write_text("old", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError), private_file(file) as draft:
        draft.write("half, then what cannot be written: \ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    assert file.read_text(encoding="utf-8") == "old"


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageUnavailable, match="cannot be written"),
        private_file(tmp_path / "missing" / "out.jsonl"),
    ):
        pass


@pytest.mark.parametrize("client", CLIENTS)
def test_snippets_start_memoryd_by_absolute_paths(memoryd: CommandLine, client: str) -> None:
    snippet = json.loads(memoryd("config", client).stdout)
    entry = snippet[CLIENTS[client].key]["memoryd"]
    assert Path(entry["command"]).is_absolute()
    assert entry["args"][-1] == "stdio"
    assert entry["env"] == {"MEMORYD_HOME": str(memoryd.home), "MEMORYD_EMBEDDER": "hashing"}


def test_snippets_carry_late_interaction_only_when_it_is_off(
    memoryd: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def environment() -> dict[str, str]:
        entry = json.loads(memoryd("config", "cursor").stdout)["mcpServers"]["memoryd"]
        return dict(entry["env"])

    assert "MEMORYD_LATE_INTERACTION" not in environment()
    monkeypatch.setenv("MEMORYD_LATE_INTERACTION", "0")
    assert environment()["MEMORYD_LATE_INTERACTION"] == "false"


def test_snippets_over_http_name_the_address(memoryd: CommandLine) -> None:
    listed = memoryd.json("config", "--http")
    assert isinstance(listed, dict)
    assert "claude-desktop" not in listed
    assert listed["vscode"]["config"]["servers"]["memoryd"]["url"].endswith("/mcp")


def test_the_settings_are_shown_without_secrets(
    memoryd: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMORYD_MASTER_KEY", "ab" * 32)
    shown = memoryd("config", "--settings").stdout
    assert json.loads(shown)["embedder"] == "hashing"
    assert "abab" not in shown


def test_doctor_finds_a_healthy_memory_in_order(memoryd: CommandLine) -> None:
    memoryd("store", "fact")
    checks = memoryd.json("doctor", "--rebuild")
    assert isinstance(checks, list)
    verdicts = {check["name"]: check["verdict"] for check in checks}
    assert verdicts.pop("embedder") == "WARN"
    assert set(verdicts.values()) == {"OK"}
    assert {"key", "database", "log", "rebuild", "port", "versions"} <= set(verdicts)


def test_doctor_changes_nothing_before_the_first_start(memoryd: CommandLine) -> None:
    assert memoryd("doctor").exit_code == 0
    assert not memoryd.home.exists()


def test_doctor_says_what_to_do_about_a_missing_key(memoryd: CommandLine) -> None:
    memoryd("store", "fact")
    (memoryd.home / "master.key").unlink()
    result = memoryd("doctor")
    assert result.exit_code == 1
    assert "FAIL key" in result.stdout
    assert "restore your copy" in result.stdout


def test_doctor_fails_on_a_key_that_others_can_read(memoryd: CommandLine) -> None:
    memoryd("store", "fact")
    (memoryd.home / "master.key").chmod(0o644)
    result = memoryd("doctor")
    assert result.exit_code == 1
    assert "chmod 600" in result.stdout


def test_doctor_fails_on_a_damaged_database(memoryd: CommandLine) -> None:
    for number in range(20):
        memoryd("store", f"fact {number}")
    database = memoryd.home / "memory.db"
    raw = bytearray(database.read_bytes())
    for page in range(8192, len(raw), 4096):
        raw[page + 100] ^= 0xFF
    database.write_bytes(raw)
    result = memoryd("doctor")
    assert result.exit_code == 1
    assert "FAIL database" in result.stdout


def test_doctor_reads_bad_settings(memoryd: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMORYD_THREADS", "many")
    result = memoryd("doctor")
    assert result.exit_code == 1
    assert "settings.threads" in result.stdout


def test_the_examples_of_help_can_be_parsed(memoryd: CommandLine) -> None:
    shown = memoryd("recall", "--help").stdout.split("Examples:")[1]
    for line in filter(None, map(str.strip, shown.splitlines())):
        assert memoryd(*shlex.split(line)[1:]).exit_code == 0
