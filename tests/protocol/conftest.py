from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from server.app import Application, build_app
from server.composition import Composition, compose
from server.config import Settings
from tests.protocol.faces import FACES, Face, http_client


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home: Path = tmp_path_factory.mktemp("home")
    return Settings(home=home, database=":memory:", embedder="hashing", body_max_bytes=2**20)


@pytest.fixture(scope="session")
def composition(settings: Settings) -> Iterator[Composition]:
    composed = compose(settings)
    yield composed
    composed.system.close()


@pytest.fixture(scope="session")
async def app(settings: Settings, composition: Composition) -> AsyncIterator[Application]:
    """The whole application; tests keep apart by their namespaces."""
    application = build_app(settings, composition)
    async with application.running():
        yield application


@pytest.fixture
async def client(app: Application) -> AsyncIterator[httpx2.AsyncClient]:
    async with http_client(app) as opened:
        yield opened


@pytest.fixture(params=FACES)
async def face(request: pytest.FixtureRequest, app: Application) -> AsyncIterator[Face]:
    async with FACES[request.param](app) as opened:
        yield opened


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> str:
    """A namespace of this test alone."""
    name = "".join(one if one.isalnum() else "-" for one in request.node.nodeid)
    return name[-100:]
