"""The way out: forgetting (a tombstone, recoverable) and erasing (gone for good)."""

from __future__ import annotations

from dataclasses import replace

from memory.errors import InvalidInput, NotFound
from memory.ports import Clock, RecordStore, Transaction
from memory.records import Filter, ForgetResult, MemoryRecord, Operation, Status

__all__ = ["Forgetting"]

PAGE = 500
IDS_SHOWN_MAX = 100
EVERY_STATUS = tuple(Status)


class Forgetting:
    """Forgets and erases records. Thread-safe."""

    def __init__(self, store: RecordStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def forget(
        self,
        namespace: str,
        where: Filter,
        *,
        dry_run: bool,
        confirm: bool,
        erase: bool,
        actor: str,
    ) -> ForgetResult:
        """Forgets (or erases) the records that match.

        Records named by id go in one transaction, wholly or not at all. By conditions, those that
        match at the start go, page by page; each page is atomic.

        Raises:
            NotFound: A named id has no record.
            InvalidInput: Nothing restricts what would go and ``confirm`` is missing.
        """
        where = replace(where, statuses=_reach(where, erase), include_expired=True)
        if not dry_run:
            _check_confirmed(where, confirm=confirm, erase=erase)
        if where.ids:
            return self._forget_named(namespace, where, dry_run, erase, actor)
        keys = self._store.keys(namespace, where, self._clock()).tolist()
        ids: list[str] = []
        forgotten = 0
        for start in range(0, len(keys), PAGE):
            page = keys[start : start + PAGE]
            records = self._store.by_keys(namespace, page, where, self._clock())
            found = [records[key] for key in page if key in records]
            gone = found if dry_run else self._write(namespace, where, found, erase, actor)
            forgotten += len(gone)
            ids += [record.id for record in gone[: IDS_SHOWN_MAX - len(ids)]]
        return ForgetResult(forgotten=forgotten, ids=tuple(ids), dry_run=dry_run, erased=erase)

    def _forget_named(
        self, namespace: str, where: Filter, dry_run: bool, erase: bool, actor: str
    ) -> ForgetResult:
        at = self._clock()
        found = self._store.find(namespace, where, at, limit=len(where.ids))
        if len(found) < len(where.ids):
            raise NotFound(
                "no record has this id (or it does not match); nothing was forgotten",
                {"field": "id", "missing": len(where.ids) - len(found)},
            )
        gone = found if dry_run else self._write(namespace, where, found, erase, actor)
        ids = tuple(record.id for record in gone[:IDS_SHOWN_MAX])
        return ForgetResult(forgotten=len(gone), ids=ids, dry_run=dry_run, erased=erase)

    def _write(
        self,
        namespace: str,
        where: Filter,
        found: list[MemoryRecord],
        erase: bool,
        actor: str,
    ) -> list[MemoryRecord]:
        """Writes the tombstones of those that still match, in one transaction."""
        at = self._clock()
        page = replace(where, ids=tuple(record.id for record in found))

        def work(tx: Transaction) -> list[MemoryRecord]:
            current = tx.find(namespace, page, at, len(found)) if found else []
            for record in current:
                gone = replace(
                    record, status=Status.FORGOTTEN, version=record.version + 1, updated_at=at
                )
                if erase:
                    tx.erase(gone, actor=actor)
                else:
                    tx.write(gone, Operation.FORGOTTEN, actor=actor)
            return current

        return self._store.transact(work)


def _reach(where: Filter, erase: bool) -> tuple[Status, ...]:
    """Which states can still be forgotten: all that are not yet; to erase, really all."""
    if erase:
        return EVERY_STATUS
    if where.statuses != Filter().statuses:
        return tuple(status for status in where.statuses if status is not Status.FORGOTTEN)
    return tuple(status for status in EVERY_STATUS if status is not Status.FORGOTTEN)


def _check_confirmed(where: Filter, *, confirm: bool, erase: bool) -> None:
    if confirm or where.ids:
        return
    if not replace(where, tiers=()).restricts():
        what = f"the whole tier {', '.join(map(str, where.tiers))}" if where.tiers else "everything"
        raise InvalidInput(
            f"this forgets {what}: see what would go with dry_run, then pass confirm",
            "confirm",
        )
    if erase:
        raise InvalidInput(
            "erasing by conditions cannot be undone: look with dry_run, then pass confirm",
            "confirm",
        )
