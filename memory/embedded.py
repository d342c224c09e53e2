"""The collaborators of a memory that lives in this process alone: the defaults of the library.

They are made here so that a script needs three lines and no server. Heavy parts (the model, the
search library) are loaded by each collaborator itself when it is first used.
"""

from __future__ import annotations

from memory.backends.bm25 import Bm25Index
from memory.backends.faiss import FaissVectorIndex
from memory.backends.sqlite import SqliteStore
from memory.embedding import embedder_from
from memory.ports import Clock, Embedder, LexicalIndex, RecordStore, VectorIndex
from memory.privacy.keys import MasterKey

__all__ = ["embedded_embedder", "embedded_store", "embedded_vectors", "embedded_words"]


def embedded_store(clock: Clock) -> RecordStore:
    """A store that ends with the process, under a key that nobody keeps."""
    return SqliteStore.open(None, MasterKey.generate(), clock=clock)


def embedded_embedder() -> Embedder:
    """The bundled model, batched across callers."""
    return embedder_from("minilm")


def embedded_vectors(dimension: int) -> VectorIndex:
    """Exact vector search."""
    return FaissVectorIndex(dimension)


def embedded_words() -> LexicalIndex:
    """BM25 in memory."""
    return Bm25Index()
