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
from memory.ports import Embedder, EmbedderIdentity, Floats

__all__ = ["LARGEST_BATCH", "BatchingEmbedder"]

LARGEST_BATCH = 32
"""Texts in one batch; larger ones are no faster by the text and keep others waiting longer."""


class _Request:
    """The texts of one call and how far they are."""

    def __init__(self, texts: Sequence[str], dimension: int) -> None:
        self.texts = texts
        self.vectors: Floats = np.empty((len(texts), dimension), dtype=np.float32)
        # Texts of similar length waste the least in a batch.
        self.waiting = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        self.missing = len(texts)
        self.error: Exception | None = None
        self.leads = False
        self.wake = threading.Event()

    @property
    def finished(self) -> bool:
        return self.error is not None or not self.missing


class BatchingEmbedder:
    """The Embedder port over another embedder, for many threads at once.

    Every batch takes some texts of each waiting call, so that a long call does not hold up a short
    one. An error in a batch reaches the calls that had texts in it and no other.

    Args:
        inner: Computes the batches, one at a time.
        largest_batch: How many texts one batch may have.
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
        """Embeds texts, in their order, in batches shared with calls of other threads.

        Raises:
            EmbedderUnavailable: The model cannot be loaded or does not answer.
        """
        if not texts:
            return self._inner.embed(texts)
        request = _Request(texts, self._inner.identity.dimension)
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
        return request.vectors

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
            vectors = self._inner.embed([request.texts[place] for request, place in batch])
            for (request, place), vector in zip(batch, vectors, strict=True):
                request.vectors[place] = vector
            error = None
        except Exception as failure:  # noqa: BLE001 - raised again by each caller it concerns
            error = failure
        finally:
            self._settle(batch, error)

    def _next_batch(self) -> list[tuple[_Request, int]]:
        """An equal share for each waiting call, the oldest first; then what else has room."""
        batch: list[tuple[_Request, int]] = []
        share = max(1, self._largest_batch // len(self._requests))
        for most in (share, self._largest_batch):
            for request in self._requests:
                taken = min(most, self._largest_batch - len(batch))
                batch.extend((request, place) for place in request.waiting[:taken])
                del request.waiting[:taken]
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
