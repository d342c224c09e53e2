"""An acknowledged write survives kill -9; any other is wholly there or wholly absent."""

from __future__ import annotations

import multiprocessing
import os
import random
from collections.abc import Iterator

import pytest

from tests.contract.record_store_samples import EVERYTHING, NOW
from tests.reliability import sqlite_worker
from tests.reliability.sqlite_worker import open_store

if "forkserver" not in multiprocessing.get_all_start_methods():
    pytest.skip("needs processes that start quickly", allow_module_level=True)

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "20"))
WAIT_S = 60

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["tests.reliability.sqlite_worker"])

ORPHANS = """
SELECT count(*) FROM (
    SELECT key FROM records WHERE key NOT IN (SELECT key FROM words)
    UNION ALL SELECT key FROM records WHERE key NOT IN (SELECT key FROM vectors)
    UNION ALL SELECT key FROM records WHERE key NOT IN (SELECT key FROM changes)
    UNION ALL SELECT key FROM records WHERE key NOT IN (SELECT key FROM record_tags)
    UNION ALL SELECT key FROM changes WHERE key NOT IN (SELECT key FROM records)
    UNION ALL SELECT key FROM words WHERE key NOT IN (SELECT key FROM records)
    UNION ALL SELECT key FROM vectors WHERE key NOT IN (SELECT key FROM records)
    UNION ALL SELECT key FROM record_tags WHERE key NOT IN (SELECT key FROM records)
)
"""


class Writer:
    """A process that writes, and what it has said to be durable."""

    def __init__(self, target, *arguments) -> None:
        self._reading, writing = context.Pipe(duplex=False)
        self.process = context.Process(target=target, args=(*arguments, writing), daemon=True)
        self.process.start()
        writing.close()

    def lines(self) -> Iterator[tuple[str, int, int]]:
        """Each acknowledged transaction: name, number of records, version of each."""
        with os.fdopen(os.dup(self._reading.fileno()), "rb") as file:
            for line in file:
                name, size, version = line.decode().split()
                yield name, int(size), int(version)

    def kill_after(self, count: int) -> list[tuple[str, int, int]]:
        """Kills it once it has acknowledged so many; all that it acknowledged."""
        seen = []
        for number, line in enumerate(self.lines(), start=1):
            seen.append(line)
            if number == count:
                self.process.kill()
        return seen

    def finish(self) -> list[tuple[str, int, int]]:
        """Waits for its end; all that it acknowledged."""
        seen = list(self.lines())
        self.process.join(WAIT_S)
        assert self.process.exitcode == 0
        return seen


def check(store, acknowledged: list[tuple[str, int, int]]) -> None:
    """All that was acknowledged is there, and nothing by half."""
    for name, size, version in acknowledged:
        found = store.get("here", [f"{name}/{each}" for each in range(size)])
        assert [each.version for each in found] == [version] * size, name
    assert store.transact(lambda tx: tx.session.rows(ORPHANS)) == [(0,)]
    assert store.transact(lambda tx: tx.session.rows("PRAGMA foreign_key_check")) == []
    sizes: dict[str, list[int]] = {}
    for each in store.find("here", EVERYTHING, NOW, limit=10**6):
        sizes.setdefault(each.tags[0], []).append(each.metadata["size"])
    assert all(size == [len(size)] * len(size) for size in sizes.values())
    assert store.verify().problems == ()


@pytest.mark.slow
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path):
    path = tmp_path / "memory.db"
    acknowledged = []
    for number in range(ROUNDS):
        if number % 10 == 0:
            path = tmp_path / f"memory{number}.db"
            acknowledged = []
        rng = random.Random(number)
        writer = Writer(sqlite_worker.write_until_killed, str(path), f"w{number}", 4)
        acknowledged += writer.kill_after(rng.randint(1, 150))
        store = open_store(path)
        check(store, acknowledged)
        assert store.check_file() == ()
        store.close()


@pytest.mark.slow
def test_the_death_of_a_process_does_not_hold_up_the_others(tmp_path):
    path = tmp_path / "memory.db"
    dying = Writer(sqlite_worker.write_until_killed, str(path), "dying", 4)
    living = Writer(sqlite_worker.write_in_cycles, str(path), "living", 2, 100)
    acknowledged = dying.kill_after(40) + living.finish()
    store = open_store(path)
    check(store, acknowledged)
    store.close()


@pytest.mark.slow
@pytest.mark.parametrize(("processes", "cycles", "transactions"), [(2, 2, 80), (4, 12, 6)])
def test_processes_share_a_file_without_losing_or_waiting_in_vain(
    tmp_path, processes, cycles, transactions
):
    path = tmp_path / "memory.db"
    writers = [
        Writer(sqlite_worker.write_in_cycles, str(path), f"p{each}", cycles, transactions)
        for each in range(processes)
    ]
    acknowledged = [line for writer in writers for line in writer.finish()]
    assert len(acknowledged) == processes * cycles * transactions
    store = open_store(path)
    check(store, acknowledged)
    assert store.count("here", EVERYTHING, NOW) == sum(size for _, size, _ in acknowledged)
    store.close()


@pytest.mark.slow
def test_a_reader_sees_what_another_process_has_acknowledged(tmp_path):
    store = open_store(tmp_path / "memory.db")
    writer = Writer(sqlite_worker.write_in_cycles, str(tmp_path / "memory.db"), "w", 2, 40)
    position = store.position()
    for name, size, _ in writer.lines():
        assert len(store.get("here", [f"{name}/{each}" for each in range(size)])) == size
        assert store.position() > position or name.endswith(".0")
        assert store.touched("here", position)
    assert store.position() == position + 80
    store.close()
