"""What every RecordStore must do; a subclass says how to make one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from memory.errors import Conflict, InvalidInput, StorageUnavailable
from memory.ports import RecordStore
from memory.records import Filter, Operation, Source, SourceKind, Status, Tier, TimeRange
from tests.contract.record_store_history import RecordStoreHistoryContract
from tests.contract.record_store_samples import (
    EVERYTHING,
    MODEL,
    NOW,
    encoding,
    following,
    full_record,
    identity,
    indexed,
    keys_of,
    put,
    put_numbered,
    record,
    vector,
)
from tests.contract.record_store_tokens import RecordStoreTokensContract

HOSTILE_TEXTS = [
    "",
    " ",
    'it\'s "quoted" -- ; DROP TABLE records',
    "tab\tnew\nline\r\n\x01\x7f",
    "emoji 👩‍👩‍👧‍👦 and 𝔘𝔫𝔦𝔠𝔬𝔡𝔢, \u202eright to left",
    "literal \\u0000 and %s and ?",
    "long " * 25_000,
]


class RecordStoreContract(RecordStoreHistoryContract, RecordStoreTokensContract):
    """Subclass it and give the fixture ``store``: a fresh, empty store."""

    @pytest.fixture
    def store(self) -> RecordStore:
        raise NotImplementedError

    @pytest.mark.parametrize("text", HOSTILE_TEXTS)
    def test_any_text_comes_back_unchanged(self, store, text):
        told = record(content=text, tags=(text,), metadata={text: text}, source=Source(id=text))
        put(store, told)
        assert store.get("here", [told.id]) == [told]

    def test_every_field_comes_back(self, store):
        told = full_record()
        put(store, told)
        assert store.get("here", [told.id]) == [told]

    def test_get_keeps_the_order_asked_for_and_leaves_out_unknown_ids(self, store):
        one, _, three = put_numbered(store, 3)
        assert store.get("here", [three.id, "nobody", one.id]) == [three, one]

    def test_get_answers_for_more_ids_than_one_statement_holds(self, store):
        made = put_numbered(store, 600)
        assert store.get("here", [each.id for each in reversed(made)]) == made[::-1]

    @pytest.mark.parametrize("text", ["NUL \0", "half \ud800"])
    @pytest.mark.parametrize("place", ["content", "tags", "metadata"])
    def test_text_that_cannot_be_kept_is_refused(self, store, text, place):
        value = {"content": text, "tags": (text,), "metadata": {"a": {"b": [text]}}}[place]
        with pytest.raises(InvalidInput):
            put(store, record(**{place: value}))
        assert store.last_sequence() == 0

    @pytest.mark.parametrize("value", [2**63, float("nan"), float("inf"), {1: 2}, object(), b"x"])
    def test_metadata_that_json_cannot_keep_is_refused(self, store, value):
        with pytest.raises(InvalidInput):
            put(store, record(metadata={"a": value}))
        assert store.last_sequence() == 0

    def test_a_taken_id_is_refused_and_the_first_record_kept(self, store):
        put(store, record(content="first"))
        with pytest.raises(Conflict):
            put(store, record(content="second"))
        assert store.get("here", ["id-00001"])[0].content == "first"

    @pytest.mark.parametrize("version", [1, 3])
    def test_only_the_next_version_can_be_written(self, store, version):
        put(store, record())
        with pytest.raises(Conflict):
            put(store, record(version=version), operation=Operation.UPDATED)
        assert store.last_sequence() == 1

    def test_the_first_version_is_1(self, store):
        with pytest.raises(Conflict):
            put(store, record(version=2))

    def test_a_conflict_that_the_work_ignores_still_undoes_it(self, store):
        put(store, record())

        def work(tx):
            tx.write(record(2), Operation.STORED, actor="a")
            tx.write(record(), Operation.STORED, actor="a")
            with pytest.raises(Conflict):
                tx.get("here", "id-00001")

        with pytest.raises(Conflict):
            store.transact(work)
        assert store.count("here", EVERYTHING, NOW) == 1

    def test_a_transaction_sees_its_own_writes(self, store):
        def work(tx):
            tx.write(record(), Operation.STORED, actor="a", identity=identity(1, "k"))
            tx.write(record(2), Operation.STORED, actor="a")
            assert tx.count("here", Filter(), NOW) == 2
            assert tx.by_fingerprint("here", [identity(1).fingerprint])
            assert tx.by_idempotency_key("here", ["k"])["k"] == (record(), identity(1).fingerprint)
            assert tx.find("here", Filter(), NOW, 1) == [record()]
            changed = following(record(), content="changed")
            tx.write(changed, Operation.UPDATED, actor="a")
            tx.write(following(changed, tags=("x",)), Operation.UPDATED, actor="a")
            return tx.get("here", record().id)

        assert store.transact(work).version == 3
        assert store.find("here", Filter(tags=("x",)), NOW, limit=9)[0].content == "changed"

    def test_work_that_raises_leaves_nothing(self, store):
        def work(tx):
            about = {"indexed": indexed("term"), "identity": identity(1, "key")}
            tx.write(record(), Operation.STORED, actor="a", **about)
            tx.get("here", "id-00001")
            raise LookupError("on purpose")

        with pytest.raises(LookupError, match="on purpose"):
            store.transact(work)
        assert (store.position(), store.last_sequence()) == (0, 0)
        assert store.namespaces() == []
        put(store, record(), identity=identity(1, "key"))
        assert store.verify().problems == ()

    def test_the_result_of_the_work_is_returned(self, store):
        assert store.transact(lambda tx: tx.count("here", Filter(), NOW)) == 0

    def test_nothing_of_another_namespace_is_ever_shown(self, store):
        put(store, full_record(namespace="there"), indexed=indexed("t"), identity=identity(1, "k"))
        key = keys_of(store, "there")[0]
        told = full_record().id
        assert store.get("here", [told]) == []
        assert store.by_keys("here", [key], EVERYTHING, NOW) == {}
        assert store.keys("here", EVERYTHING, NOW).size == 0
        assert store.find("here", replace(EVERYTHING, tags=("red",)), NOW, limit=9) == []
        assert store.count("here", EVERYTHING, NOW) == 0
        assert store.changes(0, 9, "here") == store.changes(0, 9, "here", told) == []
        assert store.touched("here", 0) == []
        assert list(store.index_rows("here", MODEL)) == []
        assert list(store.index_rows("here", MODEL, [key])) == []
        assert list(store.states_at("here", NOW + timedelta(days=1))) == []

    def test_a_transaction_sees_no_other_namespace(self, store):
        put(store, record(namespace="there"), identity=identity(1, "k"))

        def work(tx):
            assert tx.get("here", "id-00001") is None
            assert tx.find("here", EVERYTHING, NOW, 9) == []
            assert tx.count("here", EVERYTHING, NOW) == 0
            assert tx.by_fingerprint("here", [identity(1).fingerprint]) == {}
            assert tx.by_idempotency_key("here", ["k"]) == {}
            tx.write(record(), Operation.STORED, actor="a", identity=identity(1, "k"))

        store.transact(work)
        assert [each.records for each in store.namespaces()] == [1, 1]

    def test_find_orders_by_the_time_it_happened_then_by_storing(self, store):
        early = record(1, occurred_at=NOW - timedelta(days=1))
        twins = [record(n, occurred_at=NOW + timedelta(seconds=2)) for n in (4, 3)]
        stored = [early, record(2), *twins]
        put(store, record(2), *twins, early)
        assert store.find("here", Filter(), NOW, limit=9, order="oldest") == stored
        assert store.find("here", Filter(), NOW, limit=9) == stored[::-1]
        assert store.find("here", Filter(), NOW, limit=2, offset=1) == stored[::-1][1:3]

    def test_keys_are_sorted_and_by_keys_filters(self, store):
        put_numbered(store, 4)
        keys = store.keys("here", Filter(), NOW)
        assert keys.dtype == np.int64
        assert list(keys) == sorted(set(keys))
        found = store.by_keys("here", [*keys, 999], Filter(ids=("id-00002",)), NOW)
        assert found == {keys[1]: record(2)}

    @pytest.mark.parametrize(
        "where",
        [
            Filter(ids=("id-00001", "x")),
            Filter(tiers=(Tier.LONG_TERM,)),
            Filter(tags=("red", "green")),
            Filter(tags=("red", "blau", "red"), tag_match="all"),
            Filter(source_kinds=(SourceKind.AGENT,)),
            Filter(source_ids=("s1",)),
            Filter(conversation_ids=("c1",)),
            Filter(speakers=("Ann",)),
            Filter(occurred=TimeRange(after=NOW - timedelta(days=3), before=NOW)),
            Filter(created=TimeRange(before=NOW + timedelta(seconds=2))),
            Filter(importance_min=0.5, importance_max=0.5),
            Filter(pinned=True),
        ],
    )
    def test_each_part_of_a_filter_tells_records_apart(self, store, where):
        other = record(
            2,
            tier=Tier.WORKING,
            tags=("red2", "blau"),
            source=Source(kind=SourceKind.USER),
            importance=0.9,
        )
        if where.tags and where.tag_match == "any":
            other = replace(other, tags=("blau",))
        put(store, full_record(), other)
        assert store.find("here", where, NOW, limit=9) == [full_record()]
        assert store.count("here", where, NOW) == 1

    def test_inactive_and_expired_records_show_only_when_asked_for(self, store):
        put(store, *(record(n, status=status) for n, status in enumerate(Status, start=1)))
        put(store, record(9, expires_at=NOW))
        assert store.count("here", Filter(), NOW) == 1
        assert store.count("here", Filter(), NOW - timedelta(microseconds=1)) == 2
        assert store.count("here", Filter(statuses=tuple(Status)), NOW) == len(Status)
        assert store.count("here", EVERYTHING, NOW) == len(Status) + 1

    def test_a_malformed_filter_is_refused(self, store):
        with pytest.raises(InvalidInput):
            store.find("here", Filter(statuses=()), NOW, limit=1)

    def test_tags_follow_an_update(self, store):
        put(store, record(tags=("old", "both")))
        put(store, following(record(), tags=("both", "new")), operation=Operation.UPDATED)
        counts = [store.count("here", Filter(tags=(tag,)), NOW) for tag in ("old", "both", "new")]
        assert counts == [0, 1, 1]

    def test_an_idempotency_key_answers_whatever_became_of_its_record(self, store):
        put(store, record(), identity=identity(1, "key"))
        gone = following(record(), status=Status.FORGOTTEN, content="other")
        put(store, gone, operation=Operation.FORGOTTEN, identity=identity(2))
        found = store.transact(lambda tx: tx.by_idempotency_key("here", ["key", "none"]))
        assert found == {"key": (gone, identity(1).fingerprint)}

    def test_an_idempotency_key_is_taken_once(self, store):
        put(store, record(), identity=identity(1, "key"))
        with pytest.raises(Conflict):
            put(store, record(2), identity=identity(2, "key"))

    def test_a_fingerprint_finds_only_active_records_with_that_text(self, store):
        put(store, record(), identity=identity(1))
        prints = [identity(1).fingerprint, identity(2).fingerprint]
        assert store.transact(lambda tx: tx.by_fingerprint("here", prints)) == {prints[0]: record()}
        changed = following(record(), content="new")
        put(store, changed, operation=Operation.UPDATED, identity=identity(2))
        assert store.transact(lambda tx: tx.by_fingerprint("here", prints)) == {prints[1]: changed}
        gone = following(changed, status=Status.FORGOTTEN)
        put(store, gone, operation=Operation.FORGOTTEN)
        assert store.transact(lambda tx: tx.by_fingerprint("here", prints)) == {}

    def test_a_fingerprint_depends_on_text_and_namespace_alone(self, store):
        one = store.fingerprint("here", "text")
        assert len(one) == 32
        assert one == store.fingerprint("here", "text")
        assert (
            len({one, store.fingerprint("there", "text"), store.fingerprint("h", "eretext")}) == 3
        )

    def test_position_grows_with_every_write_and_touched_tells_what(self, store):
        assert store.position() == 0
        put_numbered(store, 3)
        first = store.position()
        put(store, following(record(2), pinned=True), operation=Operation.UPDATED)
        assert store.position() > first
        assert store.touched("here", first) == [keys_of(store)[1]]
        assert store.touched("here", store.position()) == []
        assert store.touched("here", 0) == keys_of(store)

    def test_index_rows_tell_what_projections_need(self, store):
        told = full_record(superseded_by=None)
        put(store, told, indexed=indexed("two", "one", "two", seed=4))
        put(store, record(2, status=Status.SUPERSEDED), indexed=indexed(seed=None))
        put(store, record(3, status=Status.QUARANTINED))
        one, two, three = store.index_rows("here", MODEL)
        assert (one.terms, one.date_terms) == (("two", "one", "two"), ("2026", "2026-05"))
        assert np.allclose(one.vector, vector(4), atol=1e-3)
        assert one.vector.dtype == np.float32
        assert (one.tier, one.conversation_id) == ("long_term", "c1")
        assert (one.expires_at, one.position) == (told.expires_at, (told.occurred_at, 3))
        assert [each.searchable for each in (one, two, three)] == [True, True, False]
        assert [each.superseded for each in (one, two, three)] == [False, True, False]
        assert two.vector is three.vector is None
        assert two.terms == three.terms == ()

    def test_index_rows_come_by_ascending_key_and_for_chosen_keys(self, store):
        put_numbered(store, 700)
        keys = keys_of(store)
        assert [row.key for row in store.index_rows("here", MODEL)] == keys
        chosen = [keys[699], keys[3], keys[3], 10**9]
        assert [row.key for row in store.index_rows("here", MODEL, chosen)] == [keys[3], keys[699]]
        assert list(store.index_rows("here", MODEL, [])) == []

    def test_new_text_replaces_words_and_vector(self, store):
        put(store, record(), indexed=indexed("old", seed=1))
        changed = following(record(), content="new")
        put(store, changed, operation=Operation.UPDATED, indexed=indexed("new", seed=None))
        (row,) = store.index_rows("here", MODEL)
        assert (row.terms, row.vector) == (("new",), None)

    def test_an_update_without_new_text_keeps_words_and_vector(self, store):
        put(store, record(), indexed=indexed("old", seed=1))
        put(store, following(record(), pinned=True), operation=Operation.UPDATED)
        (row,) = store.index_rows("here", MODEL)
        assert row.terms == ("old",)
        assert row.vector is not None

    def test_vectors_of_different_models_are_never_mixed(self, store):
        put(store, record(), indexed=indexed("t", seed=1))
        assert [key for key, _ in store.without_vector("model-b", 9)] == keys_of(store)
        store.put_vectors("model-b", [(keys_of(store)[0], 1, encoding(2))])
        for model, seed in ((MODEL, 1), ("model-b", 2)):
            (row,) = store.index_rows("here", model)
            assert np.allclose(row.vector, vector(seed), atol=1e-3)
        assert store.without_vector("model-b", 9) == store.without_vector(MODEL, 9) == []

    def test_records_without_a_vector_are_given_one_and_noticed(self, store):
        made = [record(1), record(2, namespace="there"), record(3, status=Status.FORGOTTEN)]
        put(store, *made, indexed=indexed("t", seed=None))
        found = store.without_vector(MODEL, 9)
        assert [each for _, each in found] == made[:2]
        assert store.without_vector(MODEL, 1) == found[:1]
        before = store.position()
        store.put_vectors(MODEL, [(key, each.version, encoding(1)) for key, each in found])
        assert store.position() > before
        assert store.touched("here", before) == keys_of(store)[:1]
        assert store.without_vector(MODEL, 9) == []

    def test_a_vector_of_text_that_has_changed_since_is_left_out(self, store):
        put(store, record(), indexed=indexed("old", seed=None))
        second = following(record(), pinned=True)
        put(store, second, operation=Operation.UPDATED)
        key = keys_of(store)[0]
        put(
            store, following(second), operation=Operation.UPDATED, indexed=indexed("new", seed=None)
        )
        given = encoding(1)
        store.put_vectors(MODEL, [(key, 2, given), (key, 9, given), (10**9, 1, given)])
        assert next(store.index_rows("here", MODEL)).vector is None
        put(store, following(following(second)), operation=Operation.UPDATED)
        store.put_vectors(MODEL, [(key, 4, encoding(1))])
        assert next(store.index_rows("here", MODEL)).vector is not None

    def test_words_made_anew_replace_those_of_an_unchanged_text(self, store):
        put(store, record(), indexed=indexed("old", seed=1))
        key, before = keys_of(store)[0], store.position()
        store.put_words([(key, 1, ("new", "words"), ("may",))])
        (row,) = store.index_rows("here", MODEL)
        assert (row.terms, row.date_terms) == (("new", "words"), ("may",))
        assert row.vector is not None
        assert store.touched("here", before) == [key]
        store.put_words([(key, 9, ("stale",), ()), (10**9, 1, ("unknown",), ())])
        assert next(store.index_rows("here", MODEL)).terms == ("new", "words")

    def test_namespaces_count_active_records_by_tier(self, store):
        put(store, record(1), record(2, tier=Tier.WORKING), record(3, status=Status.FORGOTTEN))
        put(store, record(1, namespace="a", status=Status.QUARANTINED))
        empty, here = store.namespaces()
        assert (empty.namespace, empty.records, empty.tiers) == ("a", 0, {})
        assert (here.namespace, here.records) == ("here", 2)
        assert here.tiers == {"long_term": 1, "working": 1}

    def test_concurrent_writers_lose_nothing(self, store):
        def write(worker):
            for number in range(25):
                each = record(worker * 100 + number)
                put(store, each, indexed=indexed("t"), identity=identity(worker * 100 + number))
                assert store.get("here", [each.id]) == [each]

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(8)))
        assert store.count("here", Filter(), NOW) == store.last_sequence() == 200
        assert store.verify().problems == ()

    def test_concurrent_work_that_raises_harms_no_other(self, store):
        def write(number):
            def work(tx):
                tx.write(record(number), Operation.STORED, actor="a")
                if number % 2:
                    raise LookupError

            try:
                store.transact(work)
            except LookupError:
                return
            assert number % 2 == 0

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(1, 101)))
        assert store.count("here", Filter(), NOW) == 50
        assert store.verify().problems == ()

    def test_concurrent_updates_of_one_record_each_follow_the_other(self, store):
        put(store, record())

        def update(_):
            def work(tx):
                tx.write(following(tx.get("here", "id-00001")), Operation.UPDATED, actor="a")

            store.transact(work)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(update, range(40)))
        assert store.get("here", ["id-00001"])[0].version == 41

    def test_work_must_not_call_the_store(self, store):
        with pytest.raises(RuntimeError, match="must not call the store"):
            store.transact(lambda tx: store.transact(lambda inner: None))

    def test_a_closed_store_raises(self, store):
        store.close()
        store.close()
        for call in (
            lambda: put(store, record()),
            lambda: store.get("here", ["id"]),
            store.position,
            store.verify,
            lambda: list(store.index_rows("here", MODEL)),
        ):
            with pytest.raises(StorageUnavailable):
                call()
