"""Starts memoryd as a user does: by its console script, in a home of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 60.0
COMMAND_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 15.0
_SERVES = re.compile(r"serves (http://\S+?):? ")


def console_script() -> list[str]:
    """The installed console script; from a source tree that is not installed, what it runs."""
    script = Path(sys.executable).parent / "memoryd"
    if script.exists():
        return [str(script)]
    return [sys.executable, "-c", "from server.cli import main; main()"]


@dataclass(frozen=True)
class Server:
    """A running ``memoryd serve``."""

    url: str
    process: subprocess.Popen[str]

    def kill(self) -> None:
        """Ends it as a crash would: no time to tidy up."""
        self.process.kill()
        self.process.wait(STOP_TIMEOUT_S)


@dataclass(frozen=True)
class Home:
    """A data directory and the settings that go with it."""

    path: Path
    embedder: str = "hashing"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of this process, with no setting of memoryd but ours."""
        kept = {name: value for name, value in os.environ.items() if "MEMORYD" not in name}
        return {**kept, "MEMORYD_HOME": str(self.path), "MEMORYD_EMBEDDER": self.embedder}

    def run(
        self, *arguments: str, stdin: IO[str] | int = subprocess.DEVNULL
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        return subprocess.run(
            [*console_script(), *arguments],
            stdin=stdin,
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts a command with pipes to it and from it."""
        return subprocess.Popen(
            [*console_script(), *arguments],
            env=self.environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    @contextmanager
    def serve(self) -> Iterator[Server]:
        """A server on a free port, until the block ends."""
        process = self.start("serve", "--port", "0")
        try:
            yield Server(_address(process), process)
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT_S)
            for stream in (process.stdin, process.stdout):
                stream.close()


def wait_until(holds: Callable[[], bool], timeout_s: float = START_TIMEOUT_S) -> None:
    """Waits until it holds."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        pause.wait(0.02)


def _address(process: subprocess.Popen[str]) -> str:
    """Reads the log until it says where the server serves; the rest is read and dropped."""
    watchdog = threading.Timer(START_TIMEOUT_S, process.kill)
    watchdog.start()
    try:
        assert process.stderr is not None
        read: list[str] = []
        for line in process.stderr:
            read.append(line)
            if found := _SERVES.search(line):
                _drain(process.stderr)
                return found[1]
        raise AssertionError("the server ended instead of serving: " + "".join(read))
    finally:
        watchdog.cancel()


def _drain(stream: IO[str]) -> None:
    """Reads a log to its end on a thread, so that its writer is never held up."""

    def read() -> None:
        with stream:
            for _ in stream:
                pass

    threading.Thread(target=read).start()
