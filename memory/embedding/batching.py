"""Callers at the same time share the batches of one embedder.

There is no timer: a call that finds the embedder idle runs at once and alone. Texts that arrive
while a batch runs make up the next one. One of the waiting callers runs the batches for all and
hands that on as soon as its own texts are done.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from memory.errors import EmbedderUnavailable, InvalidInput
from memory.ports import Embedder, EmbedderIdentity, Encoding, Floats

__all__ = ["LARGEST_BATCH", "BatchingEmbedder"]

LARGEST_BATCH = 32
"""Texts in one batch; larger ones are no faster by the text and keep others waiting longer."""

_SHORT_CHARACTERS = 1_000
_LARGEST_SIZE = 8


def _size(text: str) -> int:
    """As how many short texts a text counts: one that is long takes as long as several."""
    return min(1 + len(text) // _SHORT_CHARACTERS, _LARGEST_SIZE)


class _Request:
    """The texts of one call and how far they are."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.encodings: dict[int, Encoding] = {}
        # Texts of similar length waste the least in a batch.
        self.waiting = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        self.missing = len(texts)
        self.error: Exception | None = None
        self.leads = False
        self.wake = threading.Event()

    @property
    def finished(self) -> bool:
        return self.error is not None or not self.missing

    def take(self, room: int, *, at_least: int = 0) -> tuple[list[int], int]:
        """Takes the next texts that have room together; the places taken, and their size."""
        taken = size = 0
        for place in self.waiting:
            more = _size(self.texts[place])
            if size + more > room and taken >= at_least:
                break
            taken, size = taken + 1, size + more
        places, self.waiting = self.waiting[:taken], self.waiting[taken:]
        return places, size


class BatchingEmbedder:
    """The Embedder port over another embedder, for many threads at once.

    Every batch takes some texts of each waiting call, so that a long call does not hold up a short
    one. An error in a batch reaches the calls that had texts in it and no other.

    Args:
        inner: Computes the batches, one at a time.
        largest_batch: How many short texts one batch may have; a long one counts as up to 8.
    """

    def __init__(self, inner: Embedder, *, largest_batch: int = LARGEST_BATCH) -> None:
        if largest_batch < 1:
            raise InvalidInput("A batch must hold at least one text.", "largest_batch")
        self._inner = inner
        self._largest_batch = largest_batch
        self._lock = threading.Lock()
        self._requests: list[_Request] = []
        self._led = False

    @property
    def identity(self) -> EmbedderIdentity:
        """That of the inner embedder."""
        return self._inner.identity

    @property
    def ready(self) -> bool:
        """Whether the inner embedder is loaded."""
        return self._inner.ready

    def load(self) -> None:
        """Loads the inner embedder.

        Raises:
            EmbedderUnavailable: The model cannot be loaded.
        """
        self._inner.load()

    def embed(self, texts: Sequence[str]) -> Floats:
        """The vectors of the texts, in their order.

        Raises:
            EmbedderUnavailable: The model cannot be loaded or does not answer.
        """
        if not texts:
            return self._inner.embed(texts)
        return np.stack([one.vector for one in self.encode(texts)])

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Encodes texts, in their order, in batches shared with calls of other threads.

        Raises:
            EmbedderUnavailable: The model cannot be loaded or does not answer.
        """
        if not texts:
            return self._inner.encode(texts)
        request = _Request(texts)
        with self._lock:
            self._requests.append(request)
            request.leads, self._led = not self._led, True
        try:
            if not request.leads:
                request.wake.wait()
            while request.leads and not request.finished:
                self._run_batch()
        finally:
            self._leave(request)
        if request.error is not None:
            raise request.error
        return [request.encodings[place] for place in range(len(texts))]

    def close(self) -> None:
        """Closes the inner embedder; calls that wait are told so."""
        self._inner.close()

    def _leave(self, request: _Request) -> None:
        """Takes the call out, finished or interrupted; one that led lets another lead."""
        with self._lock:
            if request in self._requests:
                self._requests.remove(request)
            if request.leads:
                self._led = bool(self._requests)
                for successor in self._requests[:1]:
                    successor.leads = True
                    successor.wake.set()

    def _run_batch(self) -> None:
        with self._lock:
            batch = self._next_batch()
        error: Exception | None = EmbedderUnavailable("Embedding was interrupted: try again.")
        try:
            encodings = self._inner.encode([request.texts[place] for request, place in batch])
            for (request, place), encoding in zip(batch, encodings, strict=True):
                request.encodings[place] = encoding
            error = None
        except Exception as failure:  # noqa: BLE001 - raised again by each caller it concerns
            error = failure
        finally:
            self._settle(batch, error)

    def _next_batch(self) -> list[tuple[_Request, int]]:
        """An equal share for each waiting call, the oldest first; then what else has room.

        While there is room at all, a call's next text is taken, however long it is.
        """
        batch: list[tuple[_Request, int]] = []
        room = self._largest_batch
        share = max(1, room // len(self._requests))
        for most, at_least in ((share, 1), (room, 0)):
            for request in self._requests:
                if room > 0:
                    places, size = request.take(min(most, room), at_least=at_least)
                    batch.extend((request, place) for place in places)
                    room -= size
        return batch

    def _settle(self, batch: list[tuple[_Request, int]], error: Exception | None) -> None:
        """Counts what is done and wakes the calls that are finished."""
        with self._lock:
            for request, _ in batch:
                request.missing -= 1
                request.error = request.error or error
            finished = [request for request in self._requests if request.finished]
            self._requests = [request for request in self._requests if not request.finished]
        for request in finished:
            request.wake.set()
