"""The background service loads the model, catches up, tries again, and ends when told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from memory import EventBus, IntegratedMemorySystem, SharedMetadata
from memory.embedding import embedder_from
from memory.errors import EmbedderUnavailable
from memory.ports import EmbedderIdentity, Encoding, Floats
from server.app import build_app
from server.composition import Composition
from server.config import Settings
from server.services import LOADING, EmbeddingService
from tests.protocol.faces import http_client

BOUND_S = 10.0


class TroubledEmbedder:
    """The hashing embedder, which cannot be loaded until it has been tried a few times."""

    def __init__(self, failures: int) -> None:
        self._inner = embedder_from("hashing")
        self._failures = failures
        self.tries = 0
        self.ready = False

    @property
    def identity(self) -> EmbedderIdentity:
        return self._inner.identity

    def load(self) -> None:
        self.tries += 1
        if self.tries <= self._failures:
            raise EmbedderUnavailable("the model cannot be loaded; check its files")
        self.ready = True

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        if not self.ready:
            raise EmbedderUnavailable("the model is not loaded")
        return self._inner.encode(texts)

    def embed(self, texts: Sequence[str]) -> Floats:
        if not self.ready:
            raise EmbedderUnavailable("the model is not loaded")
        return self._inner.embed(texts)

    def close(self) -> None:
        self._inner.close()


@contextmanager
def system(embedder: TroubledEmbedder) -> Iterator[IntegratedMemorySystem]:
    with IntegratedMemorySystem(EventBus(), SharedMetadata(), embedder=embedder) as memories:
        yield memories


def eventually(condition: Callable[[], bool]) -> bool:
    waiting = threading.Event()
    return any(condition() or waiting.wait(0.01) for _ in range(int(BOUND_S * 100)))


def service(memories: IntegratedMemorySystem, pause_s: float = 0.001) -> EmbeddingService:
    composition = Composition(settings=Settings(), system=memories)
    return EmbeddingService(composition, retry_pauses_s=[pause_s], sweep_pause_s=pause_s)


def test_it_tries_again_until_the_model_is_loaded() -> None:
    embedder = TroubledEmbedder(failures=3)
    with system(embedder) as memories:
        served = service(memories)
        assert served.unready == LOADING
        served.start()
        assert eventually(lambda: served.unready is None)
        assert served.close(BOUND_S)
    assert embedder.tries == 4


def test_records_stored_meanwhile_get_their_vectors() -> None:
    with system(TroubledEmbedder(failures=1)) as memories:
        memories.store("stored before the model was there")
        assert memories.recall("model").degraded
        served = service(memories)
        served.start()
        assert eventually(lambda: not memories.recall("model").degraded)
        assert eventually(lambda: memories.embed_missing() == 0)
        assert served.close(BOUND_S)


def test_it_says_why_it_is_not_ready() -> None:
    with system(TroubledEmbedder(failures=10**9)) as memories:
        served = service(memories)
        served.start()
        assert eventually(lambda: served.unready == "the model cannot be loaded; check its files")
        assert served.close(BOUND_S)


@pytest.mark.parametrize("failures", [0, 10**9])
def test_it_ends_at_once_in_the_middle_of_a_long_pause(failures: int) -> None:
    with system(TroubledEmbedder(failures)) as memories:
        served = service(memories, pause_s=3600)
        served.start()
        assert served.close(BOUND_S)


@pytest.mark.anyio
async def test_the_server_serves_before_it_is_ready_and_says_why(settings: Settings) -> None:
    with system(TroubledEmbedder(10**9)) as memories:
        app = build_app(settings, Composition(settings=settings, system=memories))
        async with http_client(app) as client:
            healthy, ready = await client.get("/healthz"), await client.get("/readyz")
    assert (healthy.status_code, ready.status_code) == (200, 503)
    assert ready.json()["error"]["message"] == LOADING
    assert ready.headers["retry-after"]


def test_closing_what_never_began_is_no_error() -> None:
    with system(TroubledEmbedder(0)) as memories:
        assert service(memories).close()
