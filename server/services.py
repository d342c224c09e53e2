"""Background services: what the process does beside answering calls."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from memory.errors import MemorydError
from server.starting import Memories

__all__ = ["EmbeddingService"]

RETRY_PAUSES_S: Sequence[float] = (1, 2, 5, 15, 60)
SWEEP_PAUSE_S = 60.0
"""How often to look for records that were stored while the embedder could not answer."""

STARTING = "the memory is being opened"
LOADING = "the embedding model is being loaded; until then recall finds by words alone"

log = logging.getLogger(__name__)


class EmbeddingService:
    """Loads the embedding model and the indexes, then gives vectors to records that lack them.

    Runs on a thread of its own. While the embedder cannot answer it is tried again, after pauses
    that grow.

    Args:
        memories: Where the memory is; the service begins when it is composed.
        retry_pauses_s: Seconds to wait after each failure in a row; the last one repeats.
        sweep_pause_s: Seconds between looks for records without a vector.
    """

    def __init__(
        self,
        memories: Memories,
        *,
        retry_pauses_s: Sequence[float] = RETRY_PAUSES_S,
        sweep_pause_s: float = SWEEP_PAUSE_S,
    ) -> None:
        self._memories = memories
        self._retry_pauses_s = retry_pauses_s
        self._sweep_pause_s = sweep_pause_s
        self._stop = threading.Event()
        self._trouble: str | None = None
        self._warm = False
        self._thread = threading.Thread(target=self._run, name="memoryd-embedding", daemon=True)

    @property
    def unready(self) -> str | None:
        """Why recall is not at full quality yet; ``None`` when it is."""
        if not self._memories.composed:
            return STARTING
        if self._memories.system.ready:
            return None
        return self._trouble or LOADING

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def close(self, timeout_s: float = 1.0) -> bool:
        """Ends; false if it is still inside the model after that time (it then ends by itself)."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                self._work()
            except MemorydError as error:
                pause = self._retry_pauses_s[min(failures, len(self._retry_pauses_s) - 1)]
                failures += 1
                self._note(error, pause)
            else:
                failures, self._trouble, pause = 0, None, self._sweep_pause_s
            self._stop.wait(pause)

    def _work(self) -> None:
        system = self._memories.system
        if not system.ready:
            system.load()
            log.info("the embedding model is loaded")
        if not self._warm:
            system.warm()
            self._warm = True
        given = 0
        while not self._stop.is_set() and (count := system.embed_missing()):
            given += count
        if given:
            log.info("gave vectors to %d records that lacked them", given)

    def _note(self, error: MemorydError, pause: float) -> None:
        self._trouble = error.message
        if not self._stop.is_set():
            log.warning("%s (%s); trying again in %g s", error.message, error.code, pause)
