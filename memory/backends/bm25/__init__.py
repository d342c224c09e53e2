"""Word index in process memory, ranked by BM25."""

from memory.backends.bm25.index import Bm25Index

__all__ = ["Bm25Index"]
