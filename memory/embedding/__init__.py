"""Embedders: what turns texts into vectors, shared batches, and the choice between models."""

from memory.embedding.selection import embedder_from

__all__ = ["embedder_from"]
