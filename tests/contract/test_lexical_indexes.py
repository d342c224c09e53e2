"""The word indexes in process memory against their contract."""

from __future__ import annotations

import pytest

from memory.backends.bm25 import Bm25Index
from tests.contract.lexical_index_contract import LexicalIndexContract


class TestBm25Index(LexicalIndexContract):
    @pytest.fixture
    def index(self):
        return Bm25Index()
