"""Group commit and the lock between processes."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

import pytest

from memory.backends.sql.group import Outcome
from memory.backends.sqlite.lock import WriteLock
from memory.backends.sqlite.writer import GROUP_MAX, GroupCommitWriter
from memory.errors import StorageUnavailable

WAIT_S = 30


class Commits:
    """Stands where a database would: runs work, counts commits, fails when told."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.failure: Exception | None = None

    @contextmanager
    def open_group(self):
        self._running = 0
        yield self
        if self.failure is not None:
            raise self.failure
        self.sizes.append(self._running)

    def attempt(self, work):
        self._running += 1
        try:
            return Outcome(value=work(None))
        except LookupError as error:
            return Outcome(error=error)


class Blocked:
    """Keeps a writer busy until it is let go."""

    def __init__(self, writer: GroupCommitWriter) -> None:
        self._begun, self._go = threading.Event(), threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self.result = self._pool.submit(writer.submit, self._work)
        assert self._begun.wait(WAIT_S)

    def _work(self, _):
        self._begun.set()
        assert self._go.wait(WAIT_S)

    def let_go(self) -> None:
        self._go.set()
        self._pool.shutdown()


@pytest.fixture
def commits():
    return Commits()


@pytest.fixture
def writer(commits):
    writer = GroupCommitWriter(commits.open_group, WAIT_S)
    yield writer
    writer.close(WAIT_S)


@pytest.fixture
def pool():
    with ThreadPoolExecutor(GROUP_MAX + 50) as pool:
        yield pool


def submit_all(pool, writer, works):
    """Submits from a thread each; returns when all of them wait in the queue."""
    places = writer._places._value
    results = [pool.submit(writer.submit, work) for work in works]
    deadline = threading.Event()
    while writer._places._value > places - len(works):
        assert not deadline.wait(0.001)
    return results


def test_what_waits_shares_one_commit(writer, commits, pool):
    blocked = Blocked(writer)
    results = submit_all(pool, writer, [lambda _, n=n: n for n in range(20)])
    blocked.let_go()
    assert sorted(each.result(WAIT_S) for each in results) == list(range(20))
    assert commits.sizes == [1, 20]


def test_a_group_is_bounded(writer, commits, pool):
    blocked = Blocked(writer)
    results = submit_all(pool, writer, [lambda _: None] * (GROUP_MAX + 10))
    blocked.let_go()
    wait(results, WAIT_S)
    assert commits.sizes == [1, GROUP_MAX, 10]


def test_work_that_raises_tells_only_its_caller(writer, pool):
    def fail(_):
        raise LookupError("mine")

    blocked = Blocked(writer)
    failing, sound = submit_all(pool, writer, [fail, lambda _: "sound"])
    blocked.let_go()
    assert sound.result(WAIT_S) == "sound"
    with pytest.raises(LookupError, match="mine"):
        failing.result(WAIT_S)


def test_no_result_is_released_when_the_commit_fails(writer, commits):
    commits.failure = StorageUnavailable("the disk is full")
    with pytest.raises(StorageUnavailable, match="full"):
        writer.submit(lambda _: "not durable")
    commits.failure = None
    assert writer.submit(lambda _: "durable") == "durable"


def test_who_waits_too_long_is_told_and_the_work_is_not_done(commits):
    writer = GroupCommitWriter(commits.open_group, 0.05)
    done = []
    blocked = Blocked(writer)
    with pytest.raises(StorageUnavailable, match="too busy"):
        writer.submit(lambda _: done.append("late"))
    blocked.let_go()
    writer.close(WAIT_S)
    assert done == []


def test_closing_waits_for_the_work_that_waits(writer, pool):
    blocked = Blocked(writer)
    results = submit_all(pool, writer, [lambda _: "done"] * 5)
    closing = pool.submit(writer.close, WAIT_S)
    blocked.let_go()
    closing.result(WAIT_S)
    assert [each.result(WAIT_S) for each in results] == ["done"] * 5
    with pytest.raises(StorageUnavailable, match="closed"):
        writer.submit(lambda _: None)


def test_closing_does_not_wait_for_ever(commits):
    writer = GroupCommitWriter(commits.open_group, WAIT_S)
    blocked = Blocked(writer)
    with pytest.raises(StorageUnavailable, match="in time"):
        writer.close(0.01)
    blocked.let_go()
    writer.close(WAIT_S)


needs_fcntl = pytest.mark.skipif(sys.platform == "win32", reason="needs fcntl")


@pytest.fixture
def locks(tmp_path):
    locks = [WriteLock(tmp_path / "memory.db") for _ in range(2)]
    yield locks
    for lock in locks:
        lock.close()


@needs_fcntl
def test_only_one_holds_the_lock(locks):
    refused = pytest.raises(StorageUnavailable, match="Another process")
    with locks[0].held(0), refused, locks[1].held(0.02):
        pass
    with locks[1].held(0):
        pass


@needs_fcntl
def test_who_waits_is_next_even_if_the_holder_wants_the_lock_again(locks, pool, tmp_path):
    def take():
        with locks[1].held(WAIT_S):
            taken.set()
            assert let_go.wait(WAIT_S)

    taken, let_go = threading.Event(), threading.Event()
    with locks[0].held(0):
        waiting = pool.submit(take)
        wait_until_locked(tmp_path / "memory.db.gate")
    with pytest.raises(StorageUnavailable), locks[0].held(0):
        pass
    assert taken.wait(WAIT_S)
    let_go.set()
    waiting.result(WAIT_S)


def wait_until_locked(path):
    """Returns once another holds the lock of the file."""
    import fcntl

    pause = threading.Event()
    with path.open("rb") as file:
        for _ in range(WAIT_S * 1000):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            fcntl.flock(file, fcntl.LOCK_UN)
            pause.wait(0.001)
    raise AssertionError("nobody waits")
