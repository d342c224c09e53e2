"""Vector index in process memory, with FAISS."""

from memory.backends.faiss.index import FaissVectorIndex

__all__ = ["FaissVectorIndex"]
