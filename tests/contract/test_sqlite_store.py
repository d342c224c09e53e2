"""The embedded store against the contract of record stores, in a file and in memory."""

from __future__ import annotations

import pytest

from memory.backends.sqlite import SqliteStore
from memory.privacy.keys import MasterKey
from tests.contract.record_store_contract import RecordStoreContract
from tests.contract.record_store_samples import NOW

KEY = MasterKey(bytes(range(32)))


class SqliteContract(RecordStoreContract):
    @pytest.fixture
    def execute(self, store):
        return lambda sql: store.transact(lambda tx: tx.session.rows(sql))


class TestSqliteFile(SqliteContract):
    @pytest.fixture
    def store(self, tmp_path):
        store = SqliteStore.open(tmp_path / "memory.db", KEY, clock=lambda: NOW)
        yield store
        store.close()


class TestSqliteInMemory(SqliteContract):
    @pytest.fixture
    def store(self):
        store = SqliteStore.open(None, KEY, clock=lambda: NOW)
        yield store
        store.close()
