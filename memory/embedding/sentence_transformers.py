"""Any model of the sentence-transformers library, as an optional extra.

The library (and torch under it) is loaded with the model and not before. Models are looked for on
this machine first; only one that is not here is downloaded, and not if ``HF_HUB_OFFLINE`` is set.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from memory.embedding.token_vectors import NO_TOKENS, NO_WEIGHTS
from memory.errors import EmbedderUnavailable, InvalidInput
from memory.ports import EmbedderIdentity, Encoding, Floats

__all__ = ["SentenceTransformersEmbedder"]

_LARGEST_BATCH = 32
_WEIGHT_FILES = ("*.safetensors", "pytorch_model*.bin")
_KEEPS_DIMENSION = {"Transformer", "Pooling", "Normalize"}
_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "*.model")


class _Model(Protocol):
    def encode(
        self,
        texts: list[str],
        *,
        batch_size: int,
        normalize_embeddings: bool,
        convert_to_numpy: bool,
        show_progress_bar: bool,
    ) -> Floats: ...


class SentenceTransformersEmbedder:
    """The Embedder port on sentence-transformers.

    Args:
        model: A directory that holds the model, or a model's name.
        device: Where torch computes; ``cpu`` gives the same vectors everywhere.
    """

    def __init__(self, model: str, *, device: str = "cpu") -> None:
        if not model.strip():
            raise InvalidInput("Name a model or a directory that holds one.", "embedder")
        self._name = model.strip()
        self._device = device
        self._lock = threading.RLock()
        self._model: _Model | None = None
        self._identity: EmbedderIdentity | None = None
        self._closed = False

    @property
    def identity(self) -> EmbedderIdentity:
        """Model, hash of its weights and tokeniser, and dimension.

        Read from the model's files where they are on this machine and tell; else the model is
        loaded.

        Raises:
            EmbedderUnavailable: The model cannot be loaded.
        """
        known = self._identity or self._identity_from_files()
        if known is None:
            self.load()
            known = self._identity
        if known is None:
            raise EmbedderUnavailable("The embedder is closed: make a new one.")
        self._identity = known
        return known

    @property
    def ready(self) -> bool:
        """Whether the model is loaded, so that ``embed`` will not wait for it."""
        return self._model is not None

    def load(self) -> None:
        """Loads the model now, once; later calls return at once.

        Raises:
            EmbedderUnavailable: The extra is not installed or the model is not found.
        """
        self._loaded()

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Encodes texts, in their order; there are no token vectors.

        Raises:
            EmbedderUnavailable: The model cannot be loaded, fails, or is closed.
        """
        return [Encoding(vector, NO_TOKENS, NO_WEIGHTS) for vector in self.embed(texts)]

    def embed(self, texts: Sequence[str]) -> Floats:
        """Embeds texts, in their order.

        Raises:
            EmbedderUnavailable: The model cannot be loaded, fails, or is closed.
        """
        model = self._loaded()
        if not texts:
            return np.empty((0, self.identity.dimension), dtype=np.float32)
        plain = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        return _encoded(model, plain)

    def close(self) -> None:
        """Releases the model; afterwards ``embed`` raises EmbedderUnavailable."""
        with self._lock:
            self._closed = True
            self._model = None

    def _loaded(self) -> _Model:
        model = self._model
        if model is not None:
            return model
        with self._lock:
            if self._closed:
                raise EmbedderUnavailable("The embedder is closed: make a new one.")
            if self._model is None:
                directory = _local_directory(self._name)
                model = _sentence_transformer(directory or self._name, self._device)
                # A model that was downloaded just now is here only now.
                directory = directory or _local_directory(self._name)
                dimension = _encoded(model, [""]).shape[1]
                self._identity = self._identity_of(directory, dimension)
                self._model = model
            return self._model

    def _identity_from_files(self) -> EmbedderIdentity | None:
        directory = _local_directory(self._name)
        dimension = None if directory is None else _dimension_in(Path(directory))
        return None if dimension is None else self._identity_of(directory, dimension)

    def _identity_of(self, directory: str | None, dimension: int) -> EmbedderIdentity:
        name = f"sentence-transformers:{Path(self._name).name};{_fingerprint(directory)}"
        return EmbedderIdentity(name=name, dimension=dimension)


def _local_directory(model: str) -> str | None:
    """Where the model lies on this machine, if it does."""
    if Path(model).is_dir():
        return model
    try:
        hub = importlib.import_module("huggingface_hub")
        return str(hub.snapshot_download(_full_name(model), local_files_only=True))
    except (ImportError, OSError, ValueError):  # the library's ways to say: not on this machine
        return None


def _full_name(model: str) -> str:
    """Names without an owner are those of the library's own models."""
    return model if "/" in model else f"sentence-transformers/{model}"


def _sentence_transformer(model: str, device: str) -> _Model:
    try:
        library = importlib.import_module("sentence_transformers")
    except ImportError as error:
        raise EmbedderUnavailable(
            "The sentence-transformers extra is not installed: install torch for your processor, "
            "then `pip install 'memoryd[sentence-transformers]'`, or choose the embedder minilm."
        ) from error
    try:
        return cast("_Model", library.SentenceTransformer(model, device=device))
    except Exception as error:
        raise EmbedderUnavailable(
            "The sentence-transformers model cannot be loaded: give the path of a directory that "
            "holds it, or let it be downloaded once (unset HF_HUB_OFFLINE)."
        ) from error


def _encoded(model: _Model, texts: list[str]) -> Floats:
    try:
        vectors = model.encode(
            texts,
            batch_size=_LARGEST_BATCH,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
    except Exception as error:
        raise EmbedderUnavailable("The embedding model failed on a batch: try again.") from error
    return np.ascontiguousarray(vectors, dtype=np.float32)


def _dimension_in(directory: Path) -> int | None:
    """The dimension as the files tell it: one transformer, averaged, and nothing that reshapes."""
    try:
        modules = json.loads((directory / "modules.json").read_text("utf-8"))
        kinds = [module["type"].rpartition(".")[2] for module in modules]
        if set(kinds) <= _KEEPS_DIMENSION and kinds[:2] == ["Transformer", "Pooling"]:
            pooling = json.loads(
                (directory / modules[1]["path"] / "config.json").read_text("utf-8")
            )
            if pooling.get("pooling_mode_mean_tokens") and list(pooling.values()).count(True) == 1:
                return int(pooling["word_embedding_dimension"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return None


def _fingerprint(directory: str | None) -> str:
    """Hashes of the weights and of the tokeniser, as far as they lie on this machine."""
    if directory is None:
        return "weights=unknown"
    weights = _hash_of_files(Path(directory), _WEIGHT_FILES)
    tokenizer = _hash_of_files(Path(directory), _TOKENIZER_FILES)
    return f"weights={weights};tokenizer={tokenizer}"


def _hash_of_files(directory: Path, patterns: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in directory.rglob(pattern)}):
        digest.update(path.relative_to(directory).as_posix().encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
