"""The embedders against their contract."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from memory.embedding import embedder_from
from memory.embedding.batching import BatchingEmbedder
from memory.embedding.caching import CachingEmbedder
from memory.embedding.hashing import HashingEmbedder
from memory.embedding.minilm import MiniLmEmbedder
from memory.embedding.sentence_transformers import SentenceTransformersEmbedder
from tests.contract.embedder_contract import EmbedderContract

PROJECT = Path(__file__).parents[2]


class TestHashingEmbedder(EmbedderContract):
    @staticmethod
    def make_embedder():
        return HashingEmbedder()


class TestMiniLmEmbedder(EmbedderContract):
    gives_tokens = True

    @staticmethod
    def make_embedder():
        return MiniLmEmbedder()


class TestMiniLmEmbedderWithoutLateInteraction(EmbedderContract):
    @staticmethod
    def make_embedder():
        return MiniLmEmbedder(late_interaction=False)


class TestSharedMiniLmEmbedder(EmbedderContract):
    gives_tokens = True

    @staticmethod
    def make_embedder():
        return embedder_from("minilm")


class TestBatchingEmbedder(EmbedderContract):
    @staticmethod
    def make_embedder():
        return BatchingEmbedder(HashingEmbedder())


class TestCachingEmbedder(EmbedderContract):
    @staticmethod
    def make_embedder():
        return CachingEmbedder(HashingEmbedder())


class TestSentenceTransformersEmbedder(EmbedderContract):
    """Runs where the extra and a model are: ``MEMORYD_TEST_SENTENCE_TRANSFORMERS`` names one."""

    @staticmethod
    def make_embedder():
        pytest.importorskip("sentence_transformers", reason="the extra is not installed")
        model = os.environ.get("MEMORYD_TEST_SENTENCE_TRANSFORMERS")
        if model is None:
            pytest.skip("MEMORYD_TEST_SENTENCE_TRANSFORMERS names no model")
        return SentenceTransformersEmbedder(model)


def test_the_model_leaves_nothing_in_the_users_home(tmp_path: Path) -> None:
    program = "from memory.embedding import embedder_from; embedder_from('minilm').load()"
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=PROJECT, timeout=60, check=False
    )
    assert (done.returncode, list(tmp_path.rglob("*"))) == (0, [])
