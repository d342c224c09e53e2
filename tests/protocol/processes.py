"""Real processes of memoryd, each with a home of its own, always ended at the end of the test."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOUND_S = 30.0
SERVE = "from server.app import serve; from server.config import read_settings; "
STDIO = "from server.stdio import serve_stdio; from server.config import read_settings; "
URL = re.compile(r"serves (http://\S+):")


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[str]
    url: str

    def end(self, number: int) -> int:
        """Sends the signal and gives the exit status."""
        self.process.send_signal(number)
        return self.process.wait(BOUND_S)


def environment(home: Path, **settings: str) -> dict[str, str]:
    told = {"home": str(home), "embedder": "hashing", "port": "0", **settings}
    inherited = {name: value for name, value in os.environ.items() if "MEMORYD" not in name}
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        **{f"MEMORYD_{name.upper()}": value for name, value in told.items()},
    }


def start(code: str, home: Path, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment(home, **settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


@contextmanager
def running(code: str, home: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    process = start(code, home, **settings)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=BOUND_S)


@contextmanager
def serving(home: Path, **settings: str) -> Iterator[Server]:
    with running(f"{SERVE}serve(read_settings())", home, **settings) as process:
        assert process.stderr is not None
        seen = []
        for line in process.stderr:
            seen.append(line)
            if found := URL.search(line):
                yield Server(process, found[1])
                return
        raise AssertionError(f"it did not serve: {''.join(seen)}")


@contextmanager
def stdio(home: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    with running(f"{STDIO}serve_stdio(read_settings())", home, **settings) as process:
        yield process


def ask(process: subprocess.Popen[str], message: dict[str, Any]) -> Any:
    """One line out, one line in."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())
