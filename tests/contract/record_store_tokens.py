"""What every RecordStore must do about token vectors; part of the contract of record stores."""

from __future__ import annotations

import numpy as np
import pytest

from memory.records import Operation, Status
from tests.contract.record_store_samples import (
    MODEL,
    encoding,
    following,
    indexed,
    keys_of,
    put,
    put_numbered,
    record,
)


def assert_tokens(store, expected, model=MODEL):
    """Of all records and an unknown key, those have tokens, by key, that these seeds made."""
    found = store.tokens(model, [*keys_of(store), 10**9])
    assert set(found) == set(expected)
    for key, seed in expected.items():
        assert found[key].dtype == np.int8
        assert np.array_equal(found[key], encoding(seed).tokens)


class RecordStoreTokensContract:
    """Needs the fixtures ``store`` and ``execute``, which runs SQL past the store."""

    def test_tokens_come_back_by_key(self, store):
        put_numbered(store, 3)
        one, two, three = keys_of(store)
        assert_tokens(store, {one: 1, two: 2, three: 3})
        assert set(store.tokens(MODEL, [three, one, one])) == {one, three}
        assert store.tokens(MODEL, []) == {}

    def test_tokens_come_back_for_more_keys_than_one_statement_holds(self, store):
        put_numbered(store, 600)
        assert list(store.tokens(MODEL, keys_of(store))) == keys_of(store)

    def test_records_without_tokens_are_left_out(self, store):
        put(store, record(1), indexed=indexed("t", seed=None))
        put(store, record(2))
        put(store, record(3), indexed=indexed("t", seed=3))
        assert_tokens(store, {keys_of(store)[2]: 3})

    def test_a_text_without_tokens_has_a_vector_alone(self, store):
        put(store, record(), indexed=indexed("t", seed=None))
        store.put_vectors(MODEL, [(keys_of(store)[0], 1, encoding(1, tokens=0))])
        assert_tokens(store, {})
        assert store.without_vector(MODEL, 9) == []

    def test_tokens_of_different_models_are_never_mixed(self, store):
        put(store, record(), indexed=indexed("t", seed=1))
        (key,) = keys_of(store)
        assert_tokens(store, {}, "model-b")
        store.put_vectors("model-b", [(key, 1, encoding(2))])
        assert_tokens(store, {key: 1})
        assert_tokens(store, {key: 2}, "model-b")

    def test_new_text_replaces_the_tokens_of_every_model(self, store):
        put(store, record(), indexed=indexed("old", seed=1))
        (key,) = keys_of(store)
        store.put_vectors("model-b", [(key, 1, encoding(2))])
        changed = following(record(), content="new")
        put(store, changed, operation=Operation.UPDATED, indexed=indexed("new", seed=3))
        assert_tokens(store, {key: 3})
        assert_tokens(store, {}, "model-b")

    def test_new_text_that_could_not_be_encoded_has_no_tokens(self, store):
        put(store, record(), indexed=indexed("old", seed=1))
        changed = following(record(), content="new")
        put(store, changed, operation=Operation.UPDATED, indexed=indexed("new", seed=None))
        assert_tokens(store, {})

    def test_an_update_without_new_text_keeps_the_tokens(self, store):
        put(store, record(), indexed=indexed("old", seed=1))
        put(store, following(record(), pinned=True), operation=Operation.UPDATED)
        assert_tokens(store, {keys_of(store)[0]: 1})

    def test_forgetting_keeps_the_tokens_until_the_record_is_restored(self, store):
        put(store, record(), indexed=indexed("old", seed=1))
        gone = following(record(), status=Status.FORGOTTEN)
        put(store, gone, operation=Operation.FORGOTTEN)
        back = following(gone, status=Status.ACTIVE)
        put(store, back, operation=Operation.RESTORED)
        assert_tokens(store, {keys_of(store)[0]: 1})

    def test_tokens_given_later_replace_those_that_are_there(self, store):
        put_numbered(store, 2)
        one, two = keys_of(store)
        store.put_vectors(MODEL, [(one, 1, encoding(7)), (two, 1, encoding(8, tokens=0))])
        assert_tokens(store, {one: 7})

    def test_tokens_of_text_that_has_changed_since_are_left_out(self, store):
        put(store, record(), indexed=indexed("old", seed=None))
        (key,) = keys_of(store)
        changed = following(record(), content="new")
        put(store, changed, operation=Operation.UPDATED, indexed=indexed("new", seed=2))
        store.put_vectors(MODEL, [(key, 1, encoding(1))])
        assert_tokens(store, {key: 2})

    def test_tokens_of_another_version_of_the_text_are_never_read(self, store, execute):
        put(store, record(), indexed=indexed("old", seed=1))
        execute("UPDATE words SET version = 2")
        assert_tokens(store, {})

    def test_new_words_of_an_unchanged_text_keep_its_tokens(self, store):
        put(store, record(), indexed=indexed("old", seed=1))
        (key,) = keys_of(store)
        store.put_words([(key, 1, ("new",), ())])
        assert_tokens(store, {key: 1})

    def test_erasing_removes_the_tokens_of_every_model(self, store, execute):
        put(store, record(), indexed=indexed("t", seed=1))
        store.put_vectors("model-b", [(keys_of(store)[0], 1, encoding(2))])
        store.transact(lambda tx: tx.erase(following(record()), actor="a"))
        assert execute("SELECT count(*) FROM token_vectors")[0][0] == 0
        assert_tokens(store, {})

    def test_rebuilding_keeps_the_tokens(self, store):
        put_numbered(store, 2)
        one, two = keys_of(store)
        store.rebuild()
        assert_tokens(store, {one: 1, two: 2})

    def test_work_that_raises_leaves_no_tokens(self, store, execute):
        def work(tx):
            tx.write(record(), Operation.STORED, actor="a", indexed=indexed("t", seed=1))
            tx.get("here", record().id)
            raise LookupError

        with pytest.raises(LookupError):
            store.transact(work)
        assert execute("SELECT count(*) FROM token_vectors")[0][0] == 0
