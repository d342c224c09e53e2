"""The memory as its callers see it: its operations over the rooms, through the ports alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import overload

import uuid6

from memory.changes import apply_changes
from memory.embedded import embedded_embedder, embedded_store, embedded_vectors, embedded_words
from memory.errors import Conflict, InvalidInput, NotFound
from memory.events import EventBus
from memory.following import LogFollower
from memory.forgetting import Forgetting
from memory.intake import Intake
from memory.metadata import Feature, Model, SharedMetadata
from memory.ports import (
    Clock,
    Embedder,
    LexicalIndex,
    NamespaceStatistics,
    NewId,
    RecordStore,
    Transaction,
    VectorIndex,
)
from memory.recall.features import FeatureMaker
from memory.recall.late_interaction import LateInteraction
from memory.recall.packing import estimate_tokens, fit
from memory.recall.past import PastSearch
from memory.recall.projection import Projections
from memory.recall.search import Found, Search, SearchOutcome
from memory.recall.summary import summarise
from memory.records import (
    DEFAULT_NAMESPACE,
    MIN_CONFIDENCE,
    Change,
    Entry,
    Filter,
    ForgetResult,
    JsonValue,
    MemoryRecord,
    Operation,
    RecallHit,
    RecallResult,
    Status,
    StoreResult,
    Summary,
    Tier,
    TimeRange,
)
from memory.reindexing import Progress, Reindexing
from memory.validation import (
    check_filter,
    check_namespace,
    check_text,
    check_time,
    narrowed,
)

__all__ = ["IntegratedMemorySystem"]

LOCAL_ACTOR = "local"
RECALL_LIMIT = 10
RECALL_LIMIT_MAX = 100
QUERY_CHARACTERS_MAX = 20_000
SUMMARY_TOKENS = 500
SUMMARY_TOKENS_MAX = 20_000
SUMMARY_RECORDS_MAX = 2_000
UPDATE_ATTEMPTS = 5
EXPORT_PAGE = 500
FLUSH_TIMEOUT_S = 5.0
WARM_NAMESPACES = 8
LATEST = datetime.max.replace(tzinfo=UTC)


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def new_record_id() -> str:
    """A new UUIDv7 (RFC 9562): sorts by the time it was made."""
    return str(uuid6.uuid7())


class IntegratedMemorySystem:
    """A memory: store, recall, update, forget and summarize, with what belongs to them.

    Thread-safe. Every collaborator has a default that lives in this process: an in-memory store,
    the bundled embedding model (loaded when first needed), exact vector search and BM25.

        memories = IntegratedMemorySystem(EventBus(), SharedMetadata())
        memories.store("Ada prefers tea to coffee")
        memories.recall("what does Ada drink?").hits[0].content

    Args:
        event_bus: Is told of every change.
        metadata: Is told of the models and features in use.
        store: Keeps records and the change log.
        embedder: Turns texts into vectors.
        vectors: Searches vectors; a projection of the store.
        words: Searches words; a projection of the store.
        clock: Gives the time now, timezone-aware.
        new_id: Gives a new UUIDv7.
    """

    def __init__(
        self,
        event_bus: EventBus,
        metadata: SharedMetadata,
        *,
        store: RecordStore | None = None,
        embedder: Embedder | None = None,
        vectors: VectorIndex | None = None,
        words: LexicalIndex | None = None,
        clock: Clock = utc_now,
        new_id: NewId = new_record_id,
    ) -> None:
        self.event_bus = event_bus
        self.metadata = metadata
        self._clock = clock
        self._embedder = embedder or embedded_embedder()
        self._store = store or embedded_store(clock)
        vectors = vectors or embedded_vectors(self._embedder.identity.dimension)
        words = words or embedded_words()
        model = self._embedder.identity.name
        late = LateInteraction(self._store, model)
        self._projections = Projections(self._store, vectors, words, late, model)
        features = FeatureMaker(vectors, words, late)
        self._search = Search(
            self._store, self._embedder, vectors, words, self._projections, features
        )
        self._past = PastSearch(self._store, self._embedder, words)
        self._intake = Intake(self._store, self._embedder, clock, new_id)
        self._forgetting = Forgetting(self._store, clock)
        self._reindexing = Reindexing(self._store, self._embedder, clock)
        self._new_id = new_id
        self._follower = LogFollower(self._store, event_bus)
        self._register()

    def _register(self) -> None:
        identity = self._embedder.identity
        self.metadata.register_model(
            Model(name=identity.name, purpose="embedding", facts={"dimension": identity.dimension})
        )
        for name, description in (
            ("recall", "vectors, token vectors and BM25 over records and their neighbours"),
            ("change_log", "append-only log of every change with a keyed chain of digests"),
            ("summaries", "extractive: central, diverse sentences in time order"),
        ):
            self.metadata.register_feature(Feature(name=name, description=description))

    # -- the five operations -----------------------------------------------------------------

    @overload
    def store(
        self,
        entry: str | Entry,
        tier: Tier | str | None = None,
        metadata: Mapping[str, JsonValue] | None = None,
        *,
        namespace: str = DEFAULT_NAMESPACE,
        actor: str = LOCAL_ACTOR,
    ) -> StoreResult: ...

    @overload
    def store(
        self,
        entry: Sequence[Entry] | list[str],
        tier: Tier | str | None = None,
        metadata: Mapping[str, JsonValue] | None = None,
        *,
        namespace: str = DEFAULT_NAMESPACE,
        actor: str = LOCAL_ACTOR,
    ) -> list[StoreResult]: ...

    def store(
        self,
        entry: str | Entry | Sequence[Entry] | list[str],
        tier: Tier | str | None = None,
        metadata: Mapping[str, JsonValue] | None = None,
        *,
        namespace: str = DEFAULT_NAMESPACE,
        actor: str = LOCAL_ACTOR,
    ) -> StoreResult | list[StoreResult]:
        """Stores an entry, or several at once; durable when this returns.

        Of several, each gets its own answer: one that cannot be taken is ``refused`` with the
        reason and the others are stored. ``tier`` and ``metadata`` are set on every entry (the
        metadata beside what the entry has itself).

        Raises:
            InvalidInput: The one entry cannot be taken, or there are too many.
            Conflict: The one entry's idempotency key was used for another entry.
            StorageUnavailable: Nothing was written.
        """
        check_namespace(namespace)
        single = isinstance(entry, str | Entry)
        given = [entry] if isinstance(entry, str | Entry) else entry
        entries = [_entry(one, tier, metadata) for one in given]
        outcome = self._intake.store(entries, namespace=namespace, actor=actor)
        self._follower.notify()
        if not single:
            return [result for result, _ in outcome]
        result, error = outcome[0]
        if error is not None:
            raise error
        return result

    def recall(
        self,
        query: str,
        filters: Filter | None = None,
        *,
        limit: int = RECALL_LIMIT,
        max_tokens: int | None = None,
        min_confidence: float = MIN_CONFIDENCE,
        as_of: datetime | None = None,
        explain: bool = False,
        namespace: str = DEFAULT_NAMESPACE,
    ) -> RecallResult:
        """Finds the records that answer the query, best first.

        An empty query answers with the most recent records that match the filters.

        Args:
            query: What to look for, in plain words.
            filters: Which records may answer; by default all that are active and not expired.
            limit: The most hits, 1 to 100.
            max_tokens: The budget for all hits together, metadata included; long contents are
                shortened to fit and what does not fit is ``omitted``. ``None`` is no limit.
            min_confidence: Hits below it are left out; 0 keeps all. The default drops what has
                little to do with the query, so that nothing may be found.
            as_of: Answer from what the memory held at this time.
            explain: Whether each hit says what speaks for it.
            namespace: Where to look.

        Raises:
            InvalidInput: An argument cannot be taken.
            StorageUnavailable: The store does not answer.
        """
        check_namespace(namespace)
        where = _recallable(check_filter(filters or Filter()))
        _check_range("limit", limit, 1, RECALL_LIMIT_MAX)
        if max_tokens is not None:
            _check_range("max_tokens", max_tokens, 1, 10**9)
        text = check_text(query, "query", QUERY_CHARACTERS_MAX).strip()
        at = check_time(as_of, "as_of") or self._clock()
        if as_of is not None:
            outcome = self._past.find(namespace, text, where, at, limit)
        elif text:
            outcome = self._search.find(namespace, text, where, at, limit)
        else:
            records = self._store.find(namespace, where, at, limit=limit)
            outcome = SearchOutcome.of_recent(records)
        found = [one for one in outcome.found if one.confidence >= min_confidence]
        beside = None if max_tokens is None else [_metadata_tokens(one.record) for one in found]
        contents = fit([one.record.content for one in found], max_tokens, beside)
        hits = tuple(
            _hit(one, content, explain)
            for one, content in zip(found, contents, strict=True)
            if content is not None
        )
        return RecallResult(
            recall_id=self._new_id(),
            hits=hits,
            omitted=len(found) - len(hits),
            degraded=outcome.degraded,
        )

    def update(
        self,
        record_id: str,
        changes: Mapping[str, object],
        *,
        expected_version: int | None = None,
        namespace: str = DEFAULT_NAMESPACE,
        actor: str = LOCAL_ACTOR,
    ) -> MemoryRecord:
        """Changes fields of a record; those named in ``memory.changes.CHANGEABLE`` can be set.

        Args:
            record_id: Which record.
            changes: New values by field name; each replaces the old one, ``None`` clears.
            expected_version: The version that the caller has seen; anything else is a conflict.
            namespace: Where the record is.
            actor: Who changes it.

        Returns:
            The record after the change; unchanged, with its version, when nothing differed.

        Raises:
            NotFound: There is no such record, or it was forgotten.
            Conflict: The version is another; ``current`` of the error has the current state.
            InvalidInput: A change cannot be taken.
        """
        check_namespace(namespace)
        for _ in range(UPDATE_ATTEMPTS):
            seen = self.get(record_id, namespace=namespace)
            if expected_version not in (None, seen.version):
                raise _stale(seen)
            changed = apply_changes(seen, changes, self._clock)
            if changed == seen:
                return seen
            written = self._replace(seen, changed, actor)
            if written is not None:
                self._follower.notify()
                return written
        raise _stale(self.get(record_id, namespace=namespace))

    def _replace(
        self, seen: MemoryRecord, changed: MemoryRecord, actor: str
    ) -> MemoryRecord | None:
        """Writes the changed record if it still is as it was seen; ``None`` otherwise."""
        record = replace(changed, version=seen.version + 1, updated_at=self._clock())
        same_index = (record.indexed_text, record.occurred_at) == (
            seen.indexed_text,
            seen.occurred_at,
        )
        indexed = None if same_index else self._intake.index([record])[0]
        identity = self._intake.identity(record)

        def work(tx: Transaction) -> MemoryRecord | None:
            current = tx.get(seen.namespace, seen.id)
            if current is None or current.version != seen.version:
                return None
            tx.write(record, Operation.UPDATED, actor=actor, indexed=indexed, identity=identity)
            return record

        return self._store.transact(work)

    def forget(
        self,
        target: str | Sequence[str] | Tier | None = None,
        conditions: Filter | None = None,
        *,
        dry_run: bool = False,
        confirm: bool = False,
        erase: bool = False,
        namespace: str = DEFAULT_NAMESPACE,
        actor: str = LOCAL_ACTOR,
    ) -> ForgetResult:
        """Forgets records: by id, by ids, or all of a tier that match the conditions.

        A forgotten record is no longer found, but its history stays and can bring it back. An
        erased one is gone for good: its content is removed from everything that is stored.

        Args:
            target: An id, several ids, a tier, or nothing.
            conditions: Which records, beside the target.
            dry_run: Only say what would go.
            confirm: Needed to forget a whole tier or namespace, and to erase by conditions.
            erase: Remove the content for good.
            namespace: Where the records are.
            actor: Who forgets them.

        Raises:
            NotFound: An id that was given has no record; nothing was forgotten.
            InvalidInput: Nothing was said to forget, or ``confirm`` is missing.
        """
        check_namespace(namespace)
        where = check_filter(conditions or Filter())
        if isinstance(target, Tier):
            where = narrowed(where, tiers=(target,))
        elif target is not None:
            ids = (target,) if isinstance(target, str) else tuple(dict.fromkeys(target))
            if not ids:  # would mean no restriction, so everything
                raise InvalidInput("ids: name at least one; nothing was forgotten", "ids")
            where = narrowed(where, ids=ids)
        result = self._forgetting.forget(
            namespace, where, dry_run=dry_run, confirm=confirm, erase=erase, actor=actor
        )
        self._follower.notify()
        return result

    def summarize(
        self,
        tier: Tier | None = None,
        timeframe: TimeRange | None = None,
        *,
        filters: Filter | None = None,
        max_tokens: int = SUMMARY_TOKENS,
        namespace: str = DEFAULT_NAMESPACE,
    ) -> Summary:
        """Says the most with the fewest sentences, taken from the records themselves.

        Args:
            tier: Only records of this tier.
            timeframe: Only records that happened then.
            filters: Which records, beside that.
            max_tokens: The budget of the summary.
            namespace: Where the records are.

        Returns:
            Sentences in time order, each with its record. Of more than 2,000 records the newest
            are taken and the summary says ``newest_only``.
        """
        check_namespace(namespace)
        where = _recallable(check_filter(filters or Filter()))
        if tier is not None:
            where = narrowed(where, tiers=(tier,))
        if timeframe is not None:
            where = check_filter(narrowed(where, occurred=timeframe))
        _check_range("max_tokens", max_tokens, 1, SUMMARY_TOKENS_MAX)
        at = self._clock()
        records = self._store.find(namespace, where, at, limit=SUMMARY_RECORDS_MAX + 1)
        taken = records[:SUMMARY_RECORDS_MAX]
        return Summary(
            sentences=tuple(summarise(taken, max_tokens)),
            considered=len(taken),
            degraded=("newest_only",) if len(records) > len(taken) else (),
        )

    # -- what belongs to them ----------------------------------------------------------------

    def get(self, record_id: str, *, namespace: str = DEFAULT_NAMESPACE) -> MemoryRecord:
        """The record with this id.

        Raises:
            NotFound: There is none in this namespace, or it was forgotten or has expired.
        """
        found = self._store.get(namespace, [record_id])
        gone = not found or found[0].status is Status.FORGOTTEN
        if gone or (found[0].expires_at or LATEST) <= self._clock():
            raise NotFound("no record has this id; recall finds valid ids", {"field": "id"})
        return found[0]

    def history(self, record_id: str, *, namespace: str = DEFAULT_NAMESPACE) -> list[Change]:
        """Every change of one record, oldest first."""
        return self._store.changes(0, 10_000, namespace, record_id)

    def records(
        self, filters: Filter | None = None, *, namespace: str = DEFAULT_NAMESPACE
    ) -> Iterator[MemoryRecord]:
        """All matching records, in the order in which they were first stored."""
        where = check_filter(filters or Filter())
        at = self._clock()
        keys = iter(self._store.keys(check_namespace(namespace), where, at).tolist())
        while page := list(islice(keys, EXPORT_PAGE)):
            found = self._store.by_keys(namespace, page, where, at)
            yield from (found[key] for key in page if key in found)

    def restore_records(
        self,
        records: Sequence[MemoryRecord],
        *,
        actor: str = LOCAL_ACTOR,
        reason: str = "imported",
    ) -> int:
        """Writes records of one namespace as they are, ids and times kept.

        A record whose id is there already is left alone, so that a repeated import changes nothing.

        Returns:
            How many were written.
        """
        written = self._intake.restore(records, actor=actor, reason=reason)
        self._follower.notify()
        return written

    def namespaces(self) -> list[NamespaceStatistics]:
        """How many records each namespace holds, by tier."""
        return self._store.namespaces()

    def embed_missing(self, limit: int = 256) -> int:
        """Gives vectors to records that were stored while the embedder could not answer.

        Returns:
            How many got one; call again until it is 0.

        Raises:
            EmbedderUnavailable: The embedder still cannot answer.
        """
        return self._reindexing.embed_missing(limit)

    def check(self, progress: Progress | None = None) -> list[str]:
        """Proves the log and that the projections agree with it; what is wrong, without content."""
        problems = list(self._store.verify(progress).problems)
        for one in self._store.namespaces():
            problems += [
                f"namespace {one.namespace}: {difference}"
                for difference in self._projections.differences(one.namespace)
            ]
        return problems

    def rebuild(self, progress: Progress | None = None) -> int:
        """Makes everything that is derived anew from the log: records, words, vectors, views.

        Returns:
            How many records there are.

        Raises:
            EmbedderUnavailable: Words are made anew, but vectors cannot be; they stay as they are.
        """
        count = self._store.rebuild(progress)
        try:
            self._reindexing.reindex(progress)
        finally:
            self._projections.drop()
        return count

    @property
    def ready(self) -> bool:
        """Whether recall is at full quality without waiting for the embedder to load."""
        return self._embedder.ready

    def load(self) -> None:
        """Loads the embedding model now, so that the first call does not wait for it.

        Raises:
            EmbedderUnavailable: It cannot be loaded.
        """
        self._embedder.load()

    def warm(self, namespaces_max: int = WARM_NAMESPACES) -> None:
        """Builds the projections of the largest namespaces, so that their first recall is quick."""
        largest = sorted(self._store.namespaces(), key=lambda one: -one.records)
        for one in largest[:namespaces_max]:
            with self._projections.reading(one.namespace):
                pass

    def flush_events(self, timeout_s: float = FLUSH_TIMEOUT_S) -> bool:
        """Waits until subscribers have handled all events so far; false when time ran out."""
        return self._follower.flush(timeout_s)

    def close(self) -> None:
        """Delivers what is under way and releases everything."""
        self._follower.close()
        self.event_bus.close()
        self._store.close()
        self._embedder.close()

    def __enter__(self) -> IntegratedMemorySystem:
        """The system itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()


def _entry(
    one: str | Entry, tier: Tier | str | None, metadata: Mapping[str, JsonValue] | None
) -> Entry:
    entry = Entry(content=one) if isinstance(one, str) else one
    if tier is not None:
        entry = replace(entry, tier=_tier(tier))
    if metadata:
        entry = replace(entry, metadata={**entry.metadata, **metadata})
    return entry


def _tier(tier: Tier | str) -> Tier:
    try:
        return Tier(tier)
    except ValueError:
        raise InvalidInput(f"tier: one of {', '.join(Tier)}", "tier") from None


def _metadata_tokens(record: MemoryRecord) -> int:
    """What the record's metadata costs in a result."""
    if not record.metadata:
        return 0
    return estimate_tokens(json.dumps(record.metadata, ensure_ascii=False, default=dict))


def _recallable(where: Filter) -> Filter:
    """The filter, unless it asks for what was forgotten: that is never shown."""
    if Status.FORGOTTEN in where.statuses:
        raise InvalidInput(
            "status: what was forgotten is neither recalled nor summarised", "status"
        )
    return where


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InvalidInput(f"{name}: give a whole number from {low} to {high:,}", name)


def _stale(current: MemoryRecord) -> Conflict:
    message = (
        f"the record is at version {current.version} now; look at its current state and update "
        "with that expected_version"
    )
    return Conflict(message, {"current_version": current.version}, current)


def _hit(one: Found, content: str, explain: bool) -> RecallHit:
    return RecallHit(
        record=one.record,
        content=content,
        score=one.score,
        confidence=one.confidence,
        truncated=content != one.record.content,
        why=one.why if explain else None,
    )
