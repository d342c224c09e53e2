"""What every RecordStore must do about its log; part of the contract of record stores."""

from __future__ import annotations

from datetime import timedelta

import pytest

from memory.errors import Conflict
from memory.records import Filter, Operation, Status
from tests.contract.record_store_samples import (
    EVERYTHING,
    MODEL,
    NOW,
    following,
    full_record,
    identity,
    indexed,
    keys_of,
    put,
    put_numbered,
    record,
)

SECRET = "zebra-secret-4711"


class RecordStoreHistoryContract:
    """Needs the fixtures ``store`` and ``execute``, which runs SQL past the store."""

    @pytest.fixture
    def execute(self, store):
        raise NotImplementedError

    def test_the_log_tells_every_change_in_order(self, store):
        first, second = full_record(), following(full_record(), content="new")
        put(store, first, reason="because")
        put(store, second, operation=Operation.UPDATED, actor="other")
        one, two = store.changes(0, 10)
        assert (one.seq, two.seq) == (1, 2) == (1, store.last_sequence())
        assert (one.operation, one.actor, one.reason) == (Operation.STORED, "tester", "because")
        assert (two.operation, two.actor, two.version) == (Operation.UPDATED, "other", 2)
        assert (one.at, two.at) == (first.updated_at, second.updated_at)
        assert two.body["content"] == "new"
        assert two.body["metadata"] == first.metadata
        assert len(one.digest) == 32 != two.digest

    def test_changes_are_paged_and_narrowed(self, store):
        put_numbered(store, 5)
        put(store, record(1, namespace="there"))
        put(store, following(record(2)), operation=Operation.UPDATED)
        assert [each.seq for each in store.changes(2, 2)] == [3, 4]
        assert [each.seq for each in store.changes(0, 9, "there")] == [6]
        assert [each.version for each in store.changes(0, 9, "here", "id-00002")] == [1, 2]
        assert [each.seq for each in store.changes(0, 9, record_id="id-00001")] == [1, 6]
        assert store.changes(7, 9) == []

    def test_a_sound_store_verifies_with_progress(self, store):
        put_numbered(store, 3, tags=("a", "b"))
        steps = []
        report = store.verify(lambda done, total: steps.append((done, total)))
        assert (report.changes, report.records, report.problems) == (3, 3, ())
        assert steps[-1] == (6, 6)

    @pytest.mark.parametrize(
        "tampering",
        [
            "UPDATE changes SET body = replace(body, 'content 2', 'content X') WHERE seq = 2",
            "UPDATE changes SET body = replace(body, 'content 1', 'content X') WHERE seq = 1",
            "UPDATE changes SET actor = 'someone' WHERE seq = 2",
            "UPDATE changes SET body = NULL WHERE seq = 2",
            "UPDATE changes SET digest = (SELECT digest FROM changes WHERE seq = 1) WHERE seq = 3",
            "DELETE FROM changes WHERE seq = 2",
            "UPDATE records SET content = 'content X' WHERE id = 'id-00002'",
            "UPDATE records SET happened_at = happened_at + 1 WHERE id = 'id-00002'",
            "UPDATE records SET version = 2 WHERE id = 'id-00002'",
            "DELETE FROM record_tags WHERE tag = 'a'",
            "UPDATE record_tags SET namespace = 'there'",
            "UPDATE records SET id = 'other' WHERE id = 'id-00003'",
        ],
    )
    def test_tampering_is_found(self, store, execute, tampering):
        first = put_numbered(store, 3, tags=("a",))[0]
        put(store, following(first, content="new"), operation=Operation.UPDATED)
        execute(tampering)
        assert store.verify().problems

    def test_problems_hold_no_content(self, store, execute):
        put(store, record(content=SECRET))
        execute("UPDATE records SET content = content || 'x'")
        assert SECRET not in str(store.verify())

    def test_rebuilding_restores_the_records_byte_for_byte(self, store, execute):
        self._write_history(store)
        before = self._tables(execute)
        execute("UPDATE records SET content = 'wrong', tags = '[]' WHERE id = 'id-00001'")
        execute("DELETE FROM record_tags")
        steps = []
        assert store.rebuild(lambda done, total: steps.append((done, total))) == 4
        assert steps[-1] == (4, 4)
        assert self._tables(execute) == before
        assert store.verify().problems == ()

    def test_rebuilding_brings_back_lost_rows_under_their_keys(self, store, execute):
        self._write_history(store)
        before, position = self._tables(execute), store.position()
        execute("UPDATE records SET id = 'lost' WHERE id = 'id-00002'")
        store.rebuild()
        assert self._tables(execute) == before
        assert store.touched("here", position) == keys_of(store)

    def test_erasing_removes_the_text_from_every_table(self, store, execute):
        told = full_record(content=SECRET, tags=(SECRET,), metadata={SECRET: [SECRET]})
        put(store, told, indexed=indexed(SECRET), identity=identity(1, "key"))
        put(store, following(told), operation=Operation.UPDATED)
        put(store, record(2))
        store.transact(lambda tx: tx.erase(following(following(told)), actor="a"))
        assert SECRET not in self._everything(execute)
        assert identity(1).fingerprint not in [
            row[-1] for row in execute("SELECT * FROM fingerprints")
        ]
        assert store.verify().problems == ()

    def test_an_erased_record_keeps_its_identity_and_nothing_else(self, store):
        put(store, full_record(), indexed=indexed("t"), identity=identity(1, "key"))
        gone = following(full_record())
        store.transact(lambda tx: tx.erase(gone, actor="a", reason="asked"))
        (left,) = store.get("here", [gone.id])
        assert (left.content, left.tags, left.metadata, left.source.speaker) == ("", (), {}, None)
        assert (left.status, left.version) == (Status.FORGOTTEN, 2)
        assert left.updated_at == gone.updated_at
        assert [each.body for each in store.changes(0, 9)] == [None, None]
        assert store.changes(1, 1)[0].operation is Operation.ERASED
        (row,) = store.index_rows("here", MODEL)
        assert (row.searchable, row.terms, row.vector) == (False, (), None)
        assert store.tokens(MODEL, [row.key]) == {}
        found = store.transact(lambda tx: tx.by_idempotency_key("here", ["key"]))
        assert found["key"][0] == left

    def test_nothing_brings_erased_content_back(self, store):
        put(store, record())
        gone = following(record())
        store.transact(lambda tx: tx.erase(gone, actor="a"))
        with pytest.raises(Conflict):
            put(store, following(gone, content="again"), operation=Operation.RESTORED)
        store.rebuild()
        assert store.get("here", [gone.id])[0].content == ""
        assert store.verify().problems == ()

    def test_erasing_again_is_harmless(self, store):
        put(store, record())
        store.transact(lambda tx: tx.erase(following(record()), actor="a"))
        store.transact(lambda tx: tx.erase(following(following(record())), actor="a"))
        assert store.get("here", ["id-00001"])[0].version == 3
        assert store.verify().problems == ()

    @pytest.mark.parametrize("version", [1, 3])
    def test_erasing_needs_the_next_version(self, store, version):
        put(store, record())
        with pytest.raises(Conflict):
            store.transact(lambda tx: tx.erase(record(version=version), actor="a"))
        with pytest.raises(Conflict):
            store.transact(lambda tx: tx.erase(record(9), actor="a"))

    def test_states_at_a_time_are_those_that_stood_then(self, store):
        old, other = record(1), record(2)
        new = following(old, content="new")
        put(store, old, other)
        put(store, new, operation=Operation.UPDATED)
        assert list(store.states_at("here", NOW)) == []
        assert list(store.states_at("here", old.updated_at)) == [old]
        assert list(store.states_at("here", other.updated_at)) == [old, other]
        assert list(store.states_at("here", new.updated_at)) == [new, other]

    def test_what_has_been_erased_since_is_not_among_the_states(self, store):
        put(store, record(1), record(2))
        gone = following(record(1))
        store.transact(lambda tx: tx.erase(gone, actor="a"))
        assert list(store.states_at("here", record(2).updated_at)) == [record(2)]
        tombstone, _ = store.states_at("here", gone.updated_at)
        assert tombstone == store.get("here", [gone.id])[0]

    def _write_history(self, store):
        made = put_numbered(store, 3, tags=("a", "b"))
        put(store, full_record(4), indexed=indexed("t"), identity=identity(4))
        changed = following(made[0], content="changed", tags=("b", "c"))
        put(store, changed, operation=Operation.UPDATED)
        put(store, following(changed, status=Status.FORGOTTEN), operation=Operation.FORGOTTEN)
        store.transact(lambda tx: tx.erase(following(made[2]), actor="a"))
        assert store.count("here", EVERYTHING, NOW + timedelta(days=1)) == 4
        assert store.count("here", Filter(tags=("b",)), NOW) == 2 - 1

    def _tables(self, execute):
        """All that rebuilding must leave as it was, position apart."""
        rows = execute("SELECT * FROM records ORDER BY key")
        kept = [tuple(value for at, value in enumerate(row) if at != 21) for row in rows]
        names = ("record_tags", "words", "vectors", "token_vectors", "fingerprints")
        names += ("idempotency_keys", "changes")
        return kept, [sorted(map(tuple, execute(f"SELECT * FROM {name}"))) for name in names]

    def _everything(self, execute):
        names = [row[0] for row in execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return repr([list(map(tuple, execute(f"SELECT * FROM {name}"))) for name in names])
