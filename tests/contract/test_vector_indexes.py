"""The vector indexes in process memory against their contract."""

from __future__ import annotations

import pytest

from memory.backends.faiss import FaissVectorIndex
from tests.contract.vector_index_contract import DIMENSION, VectorIndexContract


class TestFaissVectorIndex(VectorIndexContract):
    @pytest.fixture
    def index(self):
        return FaissVectorIndex(DIMENSION)


class TestFaissVectorIndexWithNeighbourhoods(VectorIndexContract):
    """Beyond the exact size from the start; every neighbourhood is looked into."""

    @pytest.fixture
    def index(self):
        return FaissVectorIndex(DIMENSION, approximate_above=1, probes=10_000)
