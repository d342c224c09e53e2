"""The commands that look inside, from the command line to the files they write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evals.cli import command_line
from memory.recall.ranking import Weights

SAMPLE = {
    "sample_id": "one",
    "conversation": {
        "session_1_date_time": "12:05 am on 1 January, 2023",
        "session_1": [
            {"speaker": "Ben", "dia_id": "D1:1", "text": "I sold the boat."},
            {"speaker": "Ada", "dia_id": "D1:2", "text": "The piano stays."},
        ],
    },
    "qa": [{"question": "Who sold the boat?", "evidence": ["D1:1"], "category": 4}],
}


def run(command: str, output: Path, *more: str) -> Result:
    where = ("--output", str(output), "--embedder", "hashing")
    return CliRunner().invoke(command_line, [command, *where, *more])


@pytest.fixture
def locomo(tmp_path: Path) -> str:
    file = tmp_path / "locomo10.json"
    file.write_text(json.dumps([SAMPLE]))
    return f"locomo={file}"


@pytest.fixture
def own(small_set: Path) -> str:
    return f"jsonl={small_set}"


def test_train_learns_from_several_sets_and_writes_a_report(
    own: str, locomo: str, tmp_path: Path
) -> None:
    done = run("train", tmp_path / "out", "--from", own, "--from", locomo, "--share", "locomo=0.5")
    assert done.exit_code == 0, done.output
    written = json.loads((tmp_path / "out" / "weights.json").read_text())
    assert [(one["set_name"], one["weight"]) for one in written["sets"]] == [
        ("jsonl", 1.0),
        ("locomo", 0.5),
    ]
    assert set(written["weights"][0]["left_out"]) == {"jsonl", "locomo", "all"}


def test_the_printed_weights_are_python(own: str, tmp_path: Path) -> None:
    done = run("train", tmp_path / "out", "--from", own)
    assert "learned, own conversation left out" in done.stdout
    source = done.stdout[done.stdout.index("WITHOUT_TOKENS") :]
    names: dict[str, object] = {"Weights": Weights}
    exec(source, names)  # the very text that is meant to be pasted into a module
    written = json.loads((tmp_path / "out" / "weights.json").read_text())
    weights = names["WITHOUT_TOKENS"]
    assert isinstance(weights, Weights)
    assert dict(weights.short_data) == written["weights"][0]["short_data"]


def test_what_is_fed_already_is_used_again(own: str, tmp_path: Path) -> None:
    for command in ("train", "ablation"):
        assert run(command, tmp_path / "out", "--from", own).exit_code == 0
    journal = (tmp_path / "out" / "jsonl" / "fed.jsonl").read_text().split()
    assert len(journal) == 2


def test_ablation_prints_a_table_for_each_set(own: str, locomo: str, tmp_path: Path) -> None:
    done = run("ablation", tmp_path / "out", "--from", own, "--from", locomo)
    assert done.exit_code == 0, done.output
    assert "jsonl: 3 questions" in done.output
    assert "locomo: 1 questions" in done.output
    assert "without `words`" in done.output


def test_ablation_prints_markdown_when_asked_for(own: str, tmp_path: Path) -> None:
    done = run("ablation", tmp_path / "out", "--from", own, "--markdown")
    lines = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert lines[0].startswith("| Ranking | recall@5 |")
    assert lines[2].startswith("| all features, all candidates | 1.000 |")
    assert {line.count("|") for line in lines} == {7}


def test_ablation_prints_json_when_asked_for(own: str, tmp_path: Path) -> None:
    done = run("ablation", tmp_path / "out", "--from", own, "--json")
    written = json.loads((tmp_path / "out" / "ablation.json").read_text())
    assert json.loads(done.stdout) == written


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--from", "other=x"), 2, "is not one of jsonl"),
        ((), 2, "Missing option"),
        (("--from", "jsonl", "--share", "jsonl=much"), 2, "not of the form"),
        (("--from", "jsonl", "--share", "jsonl=-1"), 2, "not of the form"),
        (("--from", "jsonl", "--share", "beam=1"), 1, "beam is not among --from"),
        (("--from", "jsonl", "--from", "jsonl"), 1, "name each data set once"),
        (("--from", "beam"), 1, "say where it is"),
    ],
)
def test_a_wrong_command_line_is_refused(
    tmp_path: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    done = run("train", tmp_path / "out", *arguments)
    assert (done.exit_code, said in done.output) == (status, True), done.output
