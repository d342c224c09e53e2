"""Making words and vectors anew, from the records alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from memory.ports import Clock, Embedder, RecordStore
from memory.records import Filter, MemoryRecord, Status
from memory.text.analysis import date_terms, terms

__all__ = ["Progress", "Reindexing"]

PAGE = 128
EVERYTHING_FOUND = Filter(statuses=(Status.ACTIVE, Status.SUPERSEDED), include_expired=True)

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how much of how much is done."""

Page: TypeAlias = Sequence[tuple[int, MemoryRecord]]


class Reindexing:
    """Derives again what the indexes need of each record. Thread-safe."""

    def __init__(self, store: RecordStore, embedder: Embedder, clock: Clock) -> None:
        self._store = store
        self._embedder = embedder
        self._clock = clock

    def embed_missing(self, limit: int) -> int:
        """Gives up to ``limit`` records the vector that they lack; returns how many got one.

        Raises:
            EmbedderUnavailable: The embedder cannot answer.
        """
        lacking = self._store.without_vector(self._embedder.identity.name, limit)
        self._embed(lacking)
        return len(lacking)

    def reindex(self, progress: Progress | None = None) -> None:
        """Analyses and embeds every record that recall can find, page by page.

        Can be stopped and begun again at any time; each page is atomic.

        Raises:
            EmbedderUnavailable: The embedder cannot answer; words are made anew all the same.
        """
        for step in (self._analyse, self._embed):
            for statistics in self._store.namespaces():
                for done, total, page in self._pages(statistics.namespace):
                    step(page)
                    if progress:
                        progress(done, total)

    def _pages(self, namespace: str) -> Iterator[tuple[int, int, Page]]:
        """The records of a namespace with their keys; how many are done with each page, of all."""
        at = self._clock()
        every = self._store.keys(namespace, EVERYTHING_FOUND, at).tolist()
        for start in range(0, len(every), PAGE):
            keys = every[start : start + PAGE]
            found = self._store.by_keys(namespace, keys, EVERYTHING_FOUND, at)
            yield start + len(keys), len(every), list(found.items())

    def _analyse(self, page: Page) -> None:
        self._store.put_words(
            [
                (
                    key,
                    record.version,
                    terms(record.indexed_text),
                    date_terms(record.occurred_at or record.created_at),
                )
                for key, record in page
            ]
        )

    def _embed(self, page: Page) -> None:
        if page:
            encodings = self._embedder.encode([record.indexed_text for _, record in page])
            self._store.put_vectors(
                self._embedder.identity.name,
                [
                    (key, record.version, encoding)
                    for (key, record), encoding in zip(page, encodings, strict=True)
                ],
            )
