"""From a setting to an embedder."""

from __future__ import annotations

from memory.embedding.batching import BatchingEmbedder
from memory.embedding.caching import CachingEmbedder
from memory.embedding.hashing import HashingEmbedder
from memory.embedding.minilm import MiniLmEmbedder
from memory.embedding.sentence_transformers import SentenceTransformersEmbedder
from memory.errors import InvalidInput
from memory.ports import Embedder

__all__ = ["DEFAULT_EMBEDDER", "embedder_from"]

DEFAULT_EMBEDDER = "minilm"


def embedder_from(
    specification: str = DEFAULT_EMBEDDER, *, late_interaction: bool = True
) -> Embedder:
    """The embedder that a setting names, with batches shared by concurrent callers.

    Nothing is loaded yet.

    Args:
        specification: ``minilm`` (all-MiniLM-L6-v2 on onnxruntime), ``hashing`` (no model, no
            meaning), or ``sentence-transformers:<model name or path>``.
        late_interaction: Whether to give token vectors, where the embedder can (``minilm``).

    Raises:
        InvalidInput: No such embedder.
    """
    kind, _, model = specification.strip().partition(":")
    if kind == "minilm" and not model:
        return _shared(MiniLmEmbedder(late_interaction=late_interaction))
    if kind == "hashing" and not model:
        return HashingEmbedder()
    if kind == "sentence-transformers" and model:
        return _shared(SentenceTransformersEmbedder(model))
    raise InvalidInput(
        "There is no such embedder: choose minilm, hashing or "
        "sentence-transformers:<model name or path>.",
        "embedder",
    )


def _shared(embedder: Embedder) -> Embedder:
    return CachingEmbedder(BatchingEmbedder(embedder))
