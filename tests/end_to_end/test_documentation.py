"""What the documents show is what memoryd does."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from memory.transfer.jsonl import entry_from_json, record_from_json
from server.cli import COMMANDS, command_line
from tests.end_to_end.processes import ROOT

DOCS = ROOT / "docs"
DOCUMENTS = [DOCS / name for name in ("usage.md", "import-export.md", "example-conversation.md")]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(document: Path, language: str) -> list[str]:
    found = _BLOCK.findall(document.read_text(encoding="utf-8"))
    return [text for name, text in found if name == language]


@pytest.mark.parametrize("program", blocks(DOCS / "usage.md", "python"))
def test_the_programs_of_the_documents_run(program: str) -> None:
    exec(compile(program, "usage.md", "exec"), {})


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
def test_the_commands_of_the_documents_can_be_parsed(document: Path) -> None:
    lines = "".join(blocks(document, "console")).splitlines()
    commands = [shlex.split(line[2:]) for line in lines if line.startswith("$ memoryd ")]
    assert commands
    for _, name, *arguments in commands:
        command = command_line.get_command(command_line.make_context("memoryd", [name]), name)
        assert command is not None
        present = [ROOT / "README.md" if one.endswith(".jsonl") else one for one in arguments]
        command.make_context(name, list(map(str, present)))


def test_the_lines_of_the_documents_are_of_the_format() -> None:
    for document in DOCUMENTS[1:]:
        for line in blocks(document, "json"):
            told = json.loads(line)
            read = record_from_json if "memoryd" in told else entry_from_json
            assert read(told).content == told["content"]


def test_every_command_is_documented() -> None:
    text = (DOCS / "usage.md").read_text(encoding="utf-8")
    assert all(f"`memoryd {name}" in text for name in COMMANDS)
