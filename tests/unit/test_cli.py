"""The command line: results on standard output, messages on standard error, exit statuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli import COMMANDS, command_line
from server.commands.output import printable

ROOT = Path(__file__).parents[2]


class CommandLine:
    """Runs commands in a home of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        environment = {"MEMORYD_HOME": str(home), "MEMORYD_EMBEDDER": "hashing"}
        self._runner = CliRunner(env={**environment, "MEMORYD_PORT": "0"})

    def __call__(self, *arguments: str, text: str | bytes | None = None) -> Result:
        return self._runner.invoke(command_line, arguments, input=text, prog_name="memoryd")

    def json(self, *arguments: str) -> object:
        """The result of a command that goes well, as JSON."""
        result = self(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def contents(self, *arguments: str) -> list[str]:
        """The contents that recall finds."""
        found = self.json("recall", *arguments)
        assert isinstance(found, dict)
        return [hit["content"] for hit in found["hits"]]


@pytest.fixture
def memoryd(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(memoryd: CommandLine, name: str) -> None:
    result = memoryd(name, "--help")
    assert result.exit_code == 0
    assert f"memoryd {name}" in result.stdout.split("Examples:")[1]


def test_help_lists_every_command(memoryd: CommandLine) -> None:
    listed = memoryd("--help").stdout
    assert all(command.help in listed for command in COMMANDS.values())


def test_listing_and_version_load_nothing_heavy() -> None:
    program = (
        "import sys; from server.cli import command_line; "
        "command_line(['--help'], standalone_mode=False); "
        "print(sorted({'numpy', 'mcp', 'uvicorn', 'rich', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_is_stored_is_recalled(memoryd: CommandLine) -> None:
    stored = memoryd("store", "Ada prefers tea", "--tag", "drinks", "--speaker", "Ada")
    assert stored.exit_code == 0
    assert stored.stdout.startswith("Stored as ")
    assert "Ada prefers tea" in memoryd("recall", "tea").stdout


def test_options_of_store_reach_the_record(memoryd: CommandLine) -> None:
    details = ["--tier", "semantic", "--metadata", '{"n": 1}', "--conversation", "c", "--turn", "3"]
    memoryd("store", "Fact", *details, "--occurred-at", "2026-05-08T12:00Z", "--importance", "0.9")
    line = json.loads(memoryd("export", "-").stdout)
    assert (line["tier"], line["metadata"], line["importance"]) == ("semantic", {"n": 1}, 0.9)
    assert (line["source"]["conversation_id"], line["source"]["turn"]) == ("c", 3)
    assert line["occurred_at"] == "2026-05-08T12:00:00+00:00"


def test_a_time_without_zone_is_local(memoryd: CommandLine) -> None:
    assert memoryd("store", "Fact", "--occurred-at", "2026-05-08").exit_code == 0
    assert memoryd("store", "Fact", "--occurred-at", "soon").exit_code == 2


def test_text_comes_from_standard_input(memoryd: CommandLine) -> None:
    memoryd("store", "-", text="piped\nover two lines\n")
    assert memoryd.contents("piped") == ["piped\nover two lines"]
    assert memoryd("store", "-", text=b"\xff").exit_code == 2


def test_recall_takes_filters_and_explains(memoryd: CommandLine) -> None:
    memoryd("store", "tea in May", "--metadata", '{"month": 5}')
    memoryd("store", "tea in June", "--metadata", '{"month": 6}')
    assert memoryd.contents("tea", "--filters", '{"metadata": {"month": 6}}') == ["tea in June"]
    assert "words" in memoryd("recall", "tea", "--explain").stdout


def test_update_changes_a_record(memoryd: CommandLine) -> None:
    stored = memoryd.json("store", "old text")
    assert isinstance(stored, dict)
    record_id = stored["results"][0]["id"]
    assert memoryd("update", record_id, "--content", "new text").exit_code == 0
    assert memoryd.contents("text") == ["new text"]
    assert memoryd("update", record_id, "--content", "x", "--expected-version", "1").exit_code == 1
    assert memoryd("update", record_id).exit_code == 2


def test_summarize_cites_records(memoryd: CommandLine) -> None:
    memoryd("store", "The kiln arrived on Tuesday.")
    assert "The kiln arrived on Tuesday." in memoryd("summarize").stdout


def test_forgetting_a_tier_needs_a_yes(memoryd: CommandLine) -> None:
    memoryd("store", "scratch", "--tier", "working")
    refused = memoryd("forget", "--tier", "working")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "--yes" in refused.stderr
    assert "Would forget 1" in memoryd("forget", "--tier", "working", "--dry-run").stdout
    assert "Forgot 1" in memoryd("forget", "--tier", "working", "--yes").stdout


def test_erasing_needs_a_yes_and_leaves_nothing_to_export(memoryd: CommandLine) -> None:
    memoryd("store", "private", "--tag", "gone")
    command = ["forget", "--filters", '{"tags": ["gone"]}', "--erase"]
    assert memoryd(*command).exit_code == 1
    assert memoryd(*command, "--yes").exit_code == 0
    assert memoryd("export", "-", "--include-forgotten").stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["recall", "--limit", "1000"],
        ["recall", "--filters", "tea"],
        ["store"],
        ["forget"],
        ["import", "nowhere.jsonl"],
        ["config", "claude-desktop", "--http"],
        ["nonsense"],
    ],
)
def test_a_wrong_command_line_ends_with_2(memoryd: CommandLine, arguments: list[str]) -> None:
    result = memoryd(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["forget", "0198c0de-0000-7000-8000-000000000000"],
        ["recall", "--filters", '{"colour": "red"}'],
        ["store", " "],
        ["recall", "--embedder", "nonsense"],
        ["recall", "--database", "postgres://x"],
    ],
)
def test_an_error_is_one_sentence_and_ends_with_1(
    memoryd: CommandLine, arguments: list[str]
) -> None:
    result = memoryd(*arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert "Traceback" not in result.stderr
    assert len(line) < 250


def test_options_stand_before_or_after_the_command(memoryd: CommandLine) -> None:
    memoryd("--namespace", "n", "store", "before")
    memoryd("store", "after", "--namespace", "n")
    assert sorted(memoryd.contents("--namespace", "n")) == ["after", "before"]
    assert memoryd.contents() == []


def test_control_characters_do_not_reach_the_terminal(memoryd: CommandLine) -> None:
    memoryd("store", "red \x1b[31m alert")
    assert "\x1b" not in memoryd("recall", "alert").stdout
    assert (
        printable("a\x07b\tc\n\u202e")
        == "a\N{REPLACEMENT CHARACTER}b\tc\n\N{REPLACEMENT CHARACTER}"
    )
