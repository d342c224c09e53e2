"""The projections that recall searches, kept level with the store.

A view holds what ranking and the common filters need of each record of a namespace; the vectors
and the words of the same records are in the two indexes. All three follow the store from the
view's own cursor and are caught up at the start of each call, so that what this process or another
one had acknowledged before is found. They can be dropped at any time and are then built again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeAlias, TypeVar

import numpy as np

from memory.ports import IndexRow, LexicalDocument, LexicalIndex, RecordStore, VectorIndex
from memory.recall.late_interaction import LateInteraction
from memory.recall.view import NamespaceView

__all__ = ["Projections", "dates_of"]

VIEWS_MAX = 4096
"""How many namespaces stay in the process's memory; the least recently used one makes room."""

CHUNK = 4096
"""How many rows are decoded before they are handed to the indexes."""

T = TypeVar("T")


def dates_of(namespace: str) -> str:
    """The name under which the words of a namespace's dates are indexed, for themselves.

    No caller's namespace can hold a control character, so the name is free.
    """
    return f"{namespace}\x00dates"


Words: TypeAlias = dict[int, tuple[tuple[str, ...], tuple[str, ...]]]


@dataclass(slots=True)
class _Batch:
    """What one catching-up found: words by key, keys that are gone, keys with new neighbours."""

    words: Words
    gone: set[int]
    beside: set[int]


class Projections:
    """The views and indexes of all namespaces in use. Thread-safe."""

    def __init__(
        self,
        store: RecordStore,
        vectors: VectorIndex,
        words: LexicalIndex,
        late: LateInteraction,
        model: str,
    ) -> None:
        self._store = store
        self._late = late
        self._vectors = vectors
        self._words = words
        self._model = model
        self._lock = threading.Lock()
        self._views: OrderedDict[str, NamespaceView] = OrderedDict()

    @contextmanager
    def reading(self, namespace: str) -> Iterator[NamespaceView]:
        """Holds the namespace's view, level with every write acknowledged before this call."""
        position = self._store.position()
        while True:
            view = self._get(namespace)
            with view.lock:
                if view.retired:
                    continue
                if view.cursor < position:
                    self._catch_up(view, position)
                yield view
                return

    def drop(self, namespace: str | None = None) -> None:
        """Forgets a namespace's projections, or all; they are built again when needed."""
        with self._lock:
            for name in list(self._views) if namespace is None else [namespace]:
                if name in self._views:
                    self._retire(self._views.pop(name))

    def differences(self, namespace: str) -> list[str]:
        """What the projections have that the store has not, or lack; empty when they agree."""
        with self.reading(namespace) as view:
            rows = [row for row in self._store.index_rows(namespace, self._model) if row.searchable]
            with_vector = sum(row.vector is not None for row in rows)
            counts = {
                "records": (sum(row.key in view for row in rows), len(rows)),
                "records in view": (len(view), len(rows)),
                "vectors": (self._vectors.count(namespace), with_vector),
                "words": (self._words.count(namespace), len(rows)),
            }
        return [
            f"{what}: {found} in the projection, {expected} in the store"
            for what, (found, expected) in counts.items()
            if found != expected
        ]

    def _get(self, namespace: str) -> NamespaceView:
        with self._lock:
            view = self._views.setdefault(namespace, NamespaceView(namespace))
            self._views.move_to_end(namespace)
            if len(self._views) > VIEWS_MAX:
                self._retire(self._views.popitem(last=False)[1])
        return view

    def _retire(self, view: NamespaceView) -> None:
        """Clears a view while no other can be made for its namespace (the caller has the lock)."""
        with view.lock:
            view.retired = True
            self._vectors.clear(view.namespace)
            self._words.clear(view.namespace)
            self._words.clear(dates_of(view.namespace))
            self._late.drop()

    def _catch_up(self, view: NamespaceView, position: int) -> None:
        keys = self._store.touched(view.namespace, view.cursor) if view.cursor else None
        if keys is None or keys:
            self._late.drop(keys or ())
            batch = self._read(view, keys)
            self._drop_words_and_vectors(view, batch)
            self._put_words(view, batch)
            if keys is None:
                self._late.load(list(batch.words))
        view.cursor = position

    def _read(self, view: NamespaceView, keys: list[int] | None) -> _Batch:
        """Takes the records behind these keys, or all when ``None``, into view and vectors."""
        batch = _Batch({}, set(keys or ()), set())
        rows = self._store.index_rows(view.namespace, self._model, keys)
        for chunk in _chunks(rows, CHUNK):
            for row in chunk:
                batch.beside.update(_present(view.conversations.beside(row.key)))
                if row.searchable:
                    view.put(row)
                    batch.words[row.key] = (row.terms, row.date_terms)
                    batch.gone.discard(row.key)
                    batch.beside.update(_present(view.conversations.beside(row.key)))
            self._put_vectors(view.namespace, [row for row in chunk if row.searchable])
        return batch

    def _put_vectors(self, namespace: str, rows: Sequence[IndexRow]) -> None:
        found = [(row.key, row.vector) for row in rows if row.vector is not None]
        if found:
            keys, vectors = zip(*found, strict=True)
            self._vectors.put(namespace, np.array(keys, np.int64), np.stack(vectors))
        lacking = [row.key for row in rows if row.vector is None]
        if lacking:
            self._vectors.remove(namespace, np.array(lacking, np.int64))

    def _drop_words_and_vectors(self, view: NamespaceView, batch: _Batch) -> None:
        for key in batch.gone:
            batch.beside.update(_present(view.conversations.beside(key)))
            view.remove(key)
        if batch.gone:
            keys = np.array(sorted(batch.gone), np.int64)
            self._vectors.remove(view.namespace, keys)
            self._words.remove(view.namespace, keys)
            self._words.remove(dates_of(view.namespace), keys)

    def _put_words(self, view: NamespaceView, batch: _Batch) -> None:
        """Puts the words that are new, and anew those of records with a new neighbour."""
        words = batch.words
        dates = (LexicalDocument(key, dates) for key, (_, dates) in words.items())
        for chunk in _chunks(dates, CHUNK * 16):
            self._words.put(dates_of(view.namespace), chunk)
        also = {key for key in batch.beside if key in view and key not in words}
        near = {key: _present(view.conversations.beside(key)) for key in chain(words, also)}
        needed = also.union(*near.values()).difference(words)
        if needed:
            rows = self._store.index_rows(view.namespace, self._model, sorted(needed))
            words = words | {row.key: (row.terms, row.date_terms) for row in rows}
        documents = (
            LexicalDocument(
                key,
                words[key][0],
                tuple(chain.from_iterable(words[one][0] for one in beside if one in words)),
                words[key][1],
            )
            for key, beside in near.items()
            if key in words
        )
        for chunk in _chunks(documents, CHUNK * 16):
            self._words.put(view.namespace, chunk)


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _present(pair: tuple[int | None, int | None]) -> list[int]:
    return [key for key in pair if key is not None]
