"""The console script, from the command line to the files it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evals.cli import command_line
from tests.protocol.processes import serving


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command_line, [str(one) for one in arguments])


def measure(command: str, small_set: Path, output: Path, *more: str | Path) -> Result:
    where = ("--data", small_set, "--output", output, "--embedder", "hashing")
    return run(command, *where, *more)


def test_retrieval_prints_tables_and_writes_a_report(small_set: Path, tmp_path: Path) -> None:
    done = measure("retrieval", small_set, tmp_path / "out", "--no-picture")
    assert done.exit_code == 0, done.output
    assert "reciprocal rank fusion" in done.output
    assert "3 questions over 5 records" in done.output
    written = json.loads((tmp_path / "out" / "retrieval.json").read_text())
    assert len(written["results"]) == 3


def test_json_is_all_that_is_printed_when_asked_for(small_set: Path, tmp_path: Path) -> None:
    done = measure("retrieval", small_set, tmp_path / "out", "--no-picture", "--json")
    told = json.loads(done.stdout)
    assert (told["kind"], told["run"]["questions"]) == ("retrieval", 3)
    assert "results" not in told


def test_only_the_first_conversations_are_used_when_asked_for(
    small_set: Path, tmp_path: Path
) -> None:
    more = ("--no-picture", "--json", "--conversations", "1")
    done = measure("retrieval", small_set, tmp_path / "out", *more)
    assert json.loads(done.stdout)["run"]["records"] == 3


def test_a_picture_is_drawn_beside_the_report(small_set: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    done = measure("retrieval", small_set, tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "retrieval.png").read_bytes().startswith(b"\x89PNG")


def test_abstention_prints_a_table_and_writes_a_report(small_set: Path, tmp_path: Path) -> None:
    done = measure("abstention", small_set, tmp_path / "out", "--foreign", "1")
    assert "Answerable questions still answered: 1.000" in done.output
    written = json.loads((tmp_path / "out" / "abstention.json").read_text())
    assert written["kind"] == "abstention"


def test_a_run_compared_with_itself_has_nothing_to_report(small_set: Path, tmp_path: Path) -> None:
    measure("retrieval", small_set, tmp_path / "out", "--no-picture")
    file = tmp_path / "out" / "retrieval.json"
    done = run("compare", file, file)
    assert "3 questions in both runs" in done.output
    assert "Worst losses" not in done.output


@pytest.mark.parametrize(
    "command", ["retrieval", "abstention", "compare", "train", "ablation", "token-axes"]
)
def test_the_help_of_every_command_shows_examples(command: str) -> None:
    assert f"  memoryd-eval {command}" in run(command, "--help").output


def test_errors_are_one_sentence_and_status_one(tmp_path: Path) -> None:
    done = run("retrieval", "--set", "locomo", "--output", tmp_path)
    assert done.exit_code == 1
    assert done.output.strip() == "Error: locomo: say where it is with --data"


def test_a_file_that_is_no_report_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text("{}")
    assert "no report" in run("compare", file, file).output


def test_a_running_server_is_measured_like_a_memory_in_this_process(
    small_set: Path, tmp_path: Path
) -> None:
    here = measure("retrieval", small_set, tmp_path / "here", "--no-picture", "--json")
    with serving(tmp_path / "home") as server:
        more = ("--no-picture", "--json", "--server", server.url)
        there = measure("retrieval", small_set, tmp_path / "there", *more)
    assert there.exit_code == 0, there.output
    told, expected = json.loads(there.stdout), json.loads(here.stdout)
    assert told["run"]["subject"] == server.url
    assert told["groups"] == expected["groups"]


@pytest.mark.parametrize("address", ["127.0.0.1:8765", "ftp://host", "http://", "http://h:port"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, address: str) -> None:
    done = run("retrieval", "--output", tmp_path, "--server", address)
    assert "give an address such as http://127.0.0.1:8765" in done.output


def test_a_server_that_is_not_there_is_said_not_to_answer(small_set: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "home") as server:
        gone = server.url
    done = measure("retrieval", small_set, tmp_path / "out", "--server", gone)
    assert (done.exit_code, "does not answer" in done.output) == (1, True)
