"""What the processes do that a reliability test starts, kills and watches."""

from __future__ import annotations

import os
import random
import threading
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from memory.backends.sqlite import SqliteStore
from memory.privacy.keys import MasterKey
from memory.records import Operation
from tests.contract.record_store_samples import following, indexed, record

KEY = MasterKey(bytes(range(32)))


def open_store(path: Path) -> SqliteStore:
    return SqliteStore.open(path, KEY, clock=lambda: datetime.now(UTC))


def write_until_killed(path: str, name: str, threads: int, acknowledged: Connection) -> None:
    """Writes from several threads and tells each durable transaction down the pipe."""
    store = open_store(Path(path))
    workers = [
        threading.Thread(target=_write_for_ever, args=(store, f"{name}.{number}", acknowledged))
        for number in range(threads)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def write_in_cycles(
    path: str, name: str, cycles: int, transactions: int, acknowledged: Connection
) -> None:
    """Opens, writes and closes again and again."""
    for cycle in range(cycles):
        store = open_store(Path(path))
        rng = random.Random(f"{name}{cycle}")
        for number in range(transactions):
            _write_one(store, f"{name}.{cycle}.{number}", rng, acknowledged)
        store.close()


def _write_for_ever(store: SqliteStore, name: str, acknowledged: Connection) -> None:
    rng = random.Random(name)
    number = 0
    while True:
        _write_one(store, f"{name}.{number}", rng, acknowledged)
        number += 1


def _write_one(store: SqliteStore, name: str, rng: random.Random, acknowledged: Connection) -> None:
    """One transaction of 1 to 4 records, all tagged with its name and told its size."""
    size = rng.randint(1, 4)
    made = [
        record(1, id=f"{name}/{each}", content="text " * rng.randint(1, 400), tags=(name,))
        for each in range(size)
    ]
    made = [replace(each, metadata={"size": size}) for each in made]
    with_update = rng.random() < 0.3

    def work(tx):
        for each in made:
            about = {"indexed": indexed("term", seed=1)}
            tx.write(each, Operation.STORED, actor=name, **about)
            if with_update:
                changed = following(each, content="changed")
                tx.write(changed, Operation.UPDATED, actor=name, **about)

    store.transact(work)
    version = 2 if with_update else 1
    # one write of less than PIPE_BUF bytes is never torn, so threads need no lock
    os.write(acknowledged.fileno(), f"{name} {size} {version}\n".encode())
