"""The sample conversation, homes for processes, and one server that remembers it all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.processes import Home, Server

DATA = Path(__file__).parents[1] / "data"
CONVERSATION = DATA / "conversation.jsonl"

Json = dict[str, Any]


def _lines(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="session")
def turns() -> list[Json]:
    """The turns of the sample conversation, as entries of ``store``."""
    return _lines(CONVERSATION)


@pytest.fixture(scope="session")
def questions() -> list[Json]:
    """Questions about it, each with the turns that hold the answer."""
    return _lines(DATA / "questions.jsonl")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home of its own, with the embedder that needs no model."""
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def remembering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the bundled model; ``test_conversation`` has it remember the conversation."""
    with Home(tmp_path_factory.mktemp("remembering"), "minilm").serve() as server:
        yield server
