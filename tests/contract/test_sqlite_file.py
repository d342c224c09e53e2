"""The encrypted file: what may be opened, what stays untouched, what never is in clear."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import stat

import numpy as np
import pytest
from sqlcipher3 import dbapi2

from memory.backends.sql import migrations
from memory.backends.sql.migrations import MIGRATIONS
from memory.backends.sqlite import SqliteStore
from memory.backends.sqlite.store import DATABASE_KEY_PURPOSE
from memory.errors import StorageCorrupt, StorageUnavailable
from memory.privacy.keys import MasterKey
from tests.contract.record_store_samples import (
    MODEL,
    NOW,
    encoding,
    indexed,
    keys_of,
    put,
    put_numbered,
    record,
)

KEY = MasterKey(bytes(range(32)))
PAGE = 4096


def open_store(path, key=KEY):
    return SqliteStore.open(path, key, clock=lambda: NOW)


def digests(folder):
    """The digest of every file, those of the locks apart, which are empty."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.suffix not in (".lock", ".gate")
    }


@pytest.fixture
def path(tmp_path):
    """A closed database with some records."""
    path = tmp_path / "memory.db"
    store = open_store(path)
    put_numbered(store, 200)
    store.close()
    return path


@pytest.fixture
def crashed(path, tmp_path_factory):
    """A copy of an open database, as a crash would leave it: with its log of writes."""
    copy = tmp_path_factory.mktemp("crashed") / path.name
    store = open_store(path)
    put(store, record(300))
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    store.close()
    return copy


def flip(path, offset):
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


def assert_refused_untouched(path, error=StorageCorrupt, key=KEY):
    before = digests(path.parent)
    with pytest.raises(error) as refused:
        open_store(path, key)
    after = digests(path.parent)
    after.pop(path.name + "-shm", None)  # a lock file in all but name; it holds no content
    assert after == before
    return str(refused.value)


def test_records_survive_closing_and_opening(path):
    store = open_store(path)
    assert store.get("here", ["id-00007"]) == [record(7)]
    assert store.verify().problems == store.check_file() == ()
    store.close()


def test_token_vectors_survive_closing_and_opening(path):
    store = open_store(path)
    key = keys_of(store)[6]
    assert np.array_equal(store.tokens(MODEL, [key])[key], encoding(7).tokens)
    store.close()


@pytest.fixture
def first_version(tmp_path, monkeypatch):
    """A closed database with some records, as the first schema kept them."""
    path = tmp_path / "first.db"
    with monkeypatch.context() as only_the_first:
        only_the_first.setattr(migrations, "MIGRATIONS", MIGRATIONS[:1])
        store = open_store(path)
        put(store, *map(record, range(1, 4)), indexed=indexed("old", seed=None))
        rows = [(key, seed, encoding(seed)) for seed, key in enumerate(keys_of(store), start=1)]
        insert_vectors(store, rows[:2])
        store.close()
    return path


def insert_vectors(store, rows):
    def work(tx):
        run = tx.session.rows
        run("INSERT INTO models VALUES (1, ?)", (MODEL,))
        for key, _, made in rows:
            vector = made.vector.astype("<f2").tobytes()
            run("INSERT INTO vectors VALUES (?, 1, 1, ?)", (key, vector))

    store.transact(work)


def test_a_database_of_the_first_schema_keeps_all_it_holds(first_version):
    store = open_store(first_version)
    assert store.get("here", [record(2).id]) == [record(2)]
    one, two, three = store.index_rows("here", MODEL)
    assert one.terms == two.terms == three.terms == ("old",)
    assert np.allclose(two.vector, encoding(2).vector, atol=1e-3)
    assert store.last_sequence() == 3
    assert store.verify().problems == store.check_file() == ()
    store.close()


def test_a_database_of_the_first_schema_is_brought_up_to_date_for_good(first_version):
    for _ in range(2):
        store = open_store(first_version)
        with store._access.reading() as reader:
            numbers = reader.session.rows("SELECT number FROM migrations ORDER BY number")
        assert numbers == [(each.number,) for each in MIGRATIONS]
        store.close()


def test_records_of_the_first_schema_can_be_given_token_vectors(first_version):
    store = open_store(first_version)
    keys = keys_of(store)
    assert store.tokens(MODEL, keys) == {}
    assert [key for key, _ in store.without_vector(MODEL, 9)] == keys[2:]
    store.put_vectors(MODEL, [(key, 1, encoding(9)) for key in keys])
    assert list(store.tokens(MODEL, keys)) == keys
    store.close()


def test_the_tuning_holds_on_every_connection(path):
    store = open_store(path)
    names = ("journal_mode", "synchronous", "temp_store", "foreign_keys", "secure_delete")
    ask = [f"PRAGMA {name}" for name in names]
    wanted = ["wal", 2, 2, 1, 1]
    with store._access.reading() as reader:
        assert [reader.session.rows(each)[0][0] for each in ask] == wanted
    assert store.transact(lambda tx: [tx.session.rows(each)[0][0] for each in ask]) == wanted
    store.close()


def test_a_wrong_key_is_refused_and_nothing_is_touched(path):
    message = assert_refused_untouched(path, key=MasterKey(bytes(32)))
    assert "key" in message


def test_a_wrong_key_is_refused_after_a_crash_too(crashed):
    assert_refused_untouched(crashed, key=MasterKey(bytes(32)))
    store = open_store(crashed)
    assert store.get("here", ["id-00300"]) == [record(300)]
    store.close()


@pytest.mark.parametrize("content", [b"not a database", os.urandom(3 * PAGE), b"\0" * 2 * PAGE])
def test_another_kind_of_file_is_refused(tmp_path, content):
    path = tmp_path / "memory.db"
    path.write_bytes(content)
    assert_refused_untouched(path)


def test_a_database_without_encryption_is_refused(tmp_path):
    path = tmp_path / "memory.db"
    with sqlite3.connect(path) as plain:
        plain.execute("CREATE TABLE records (id)")
    plain.close()
    assert "without encryption" in assert_refused_untouched(path)


def test_another_programs_database_under_the_same_key_is_refused(tmp_path):
    path = tmp_path / "memory.db"
    with raw(path) as foreign:
        foreign.execute("CREATE TABLE migrations (number)")
    foreign.close()
    assert_refused_untouched(path)


@pytest.mark.parametrize("length", [100, PAGE, 5 * PAGE, 5 * PAGE + 17, -PAGE, -1])
def test_a_truncated_file_is_refused(path, length):
    content = path.read_bytes()
    path.write_bytes(content[:length])
    assert_refused_untouched(path)


@pytest.mark.parametrize("offset", [0, 20, 2000, PAGE - 1])
def test_a_first_page_tampered_with_is_refused(path, offset):
    flip(path, offset)
    assert_refused_untouched(path)


def test_every_page_tampered_with_is_noticed_by_reading_or_checking(path):
    sound = path.read_bytes()
    for page in range(1, len(sound) // PAGE, 7):
        path.write_bytes(sound)
        flip(path, page * PAGE + 999)
        try:
            store = open_store(path)
        except StorageCorrupt:
            continue
        assert store.check_file()
        store.close()


def test_a_tampered_page_met_later_is_damage(path):
    flip(path, path.stat().st_size - PAGE // 2)
    flip(path, path.stat().st_size // 2)
    store = open_store(path)
    with pytest.raises(StorageCorrupt):
        store.verify()
    store.close()


def test_a_newer_schema_is_refused(path):
    with raw(path) as database:
        newer = len(MIGRATIONS) + 1
        database.execute("INSERT INTO migrations VALUES (?, 'later', 0)", (newer,))
    database.close()
    assert "newer version" in assert_refused_untouched(path)


def test_a_newer_schema_in_the_log_of_writes_is_refused(path, tmp_path_factory):
    copy = tmp_path_factory.mktemp("newer") / path.name
    with raw(path) as database:
        database.execute("INSERT INTO migrations VALUES (99, 'later', 0)")
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    database.close()
    assert "newer version" in assert_refused_untouched(copy)


def test_a_missing_folder_is_said_in_a_sentence(tmp_path):
    with pytest.raises(StorageUnavailable, match="folder"):
        open_store(tmp_path / "nowhere" / "memory.db")


def test_a_folder_in_the_place_of_the_file_is_said_in_a_sentence(tmp_path):
    (tmp_path / "memory.db").mkdir()
    with pytest.raises(StorageUnavailable):
        open_store(tmp_path / "memory.db")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_said_in_a_sentence(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StorageUnavailable, match="may write there"):
        open_store(tmp_path / "memory.db")
    tmp_path.chmod(0o700)


def test_a_full_disk_writes_nothing_and_the_store_goes_on(path):
    store = open_store(path)
    pages = store.transact(lambda tx: tx.session.rows("PRAGMA page_count")[0][0])
    store.transact(lambda tx: tx.session.rows(f"PRAGMA max_page_count = {pages + 2}"))
    with pytest.raises(StorageUnavailable, match="full"):
        put(store, *(record(n, content="x" * 3000) for n in range(1000, 1100)))
    store.transact(lambda tx: tx.session.rows(f"PRAGMA max_page_count = {pages + 2000}"))
    put(store, record(2000))
    assert store.last_sequence() == 201
    assert store.verify().problems == ()
    store.close()


def test_nothing_is_in_clear_in_any_file(path):
    store = open_store(path)
    marker = "zebra-4711"
    put(store, record(900, content=marker * 999, tags=(marker,)), indexed=indexed(marker))
    with store._access.reading() as reader, reader.session.snapshot():
        store.count("here", filter_none(), NOW)
        files = {each.name: each.read_bytes() for each in path.parent.iterdir()}
    assert len(files["memory.db-wal"]) > PAGE
    for content in files.values():
        assert marker.encode() not in content
        assert b"content" not in content
        assert b"CREATE TABLE" not in content
    assert not files["memory.db"].startswith(b"SQLite")
    store.close()


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_only_the_owner_can_read_any_file(path):
    store = open_store(path)
    put(store, record(900))
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    store.close()


def test_the_parts_of_an_odd_path_are_taken_literally(tmp_path):
    path = tmp_path / "a b%20c?mode=memory#ü.db"
    store = open_store(path)
    put(store, record())
    store.close()
    assert path.stat().st_size > PAGE


def test_two_stores_in_one_process_see_each_other(path):
    one, two = open_store(path), open_store(path)
    put(one, record(500))
    put(two, record(501))
    assert two.get("here", ["id-00500"]) == [record(500)]
    assert one.position() == two.position() == 3
    one.close()
    put(two, record(502))
    two.close()


def raw(path):
    """A connection past the store, with its key."""
    connection = dbapi2.connect(str(path), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{KEY.derive(DATABASE_KEY_PURPOSE).hex()}'\"")
    return connection


def filter_none():
    from memory.records import Filter

    return Filter()
