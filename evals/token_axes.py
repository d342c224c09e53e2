"""The axes along which token vectors are kept: principal components over sample texts.

Token vectors of one model lie around a mean and mostly along few directions. Both are computed here
from the repository's own samples and documentation, and shipped with the model's embedder
(``memory.embedding.token_vectors``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from memory.errors import InvalidInput
from memory.ports import Floats

__all__ = ["WIDTH", "axes_file", "principal_axes", "sample_texts"]

WIDTH = 64
"""How many axes are kept."""

_CONVERSATION = "tests/data/conversation.jsonl"
_SETS = "evals/data"
_PAGES = ("README.md", "ARCHITECTURE.md")
_TEXT_FIELDS = ("content", "text", "question")
_SHORTEST_PARAGRAPH = 41


def sample_texts(root: Path) -> list[str]:
    """The texts of a checkout: sample conversations and questions, then paragraphs of its pages.

    Args:
        root: The folder of the checkout.

    Raises:
        InvalidInput: There are none.
    """
    lines = [root / _CONVERSATION, *sorted((root / _SETS).rglob("*.jsonl"))]
    pages = [*sorted((root / "docs").glob("*.md")), *(root / name for name in _PAGES)]
    texts = [text for file in lines if file.exists() for text in _texts_of_lines(file)]
    texts += [text for file in pages if file.exists() for text in _paragraphs(file)]
    if not texts:
        raise InvalidInput(f"There are no sample texts in {root}: name a checkout of memoryd.")
    return texts


def principal_axes(vectors: Iterable[Floats], width: int = WIDTH) -> npt.NDArray[np.float16]:
    """The mean of the unit vectors, then the axes of largest variance, longest first.

    Each axis points to where its largest coordinate is positive, so that the result does not
    depend on the sign that the decomposition happens to choose.

    Args:
        vectors: Token vectors of any length, arrays of shape (n, dimension).
        width: How many axes.

    Returns:
        Shape (1 + width, dimension).

    Raises:
        InvalidInput: There are too few vectors to have so many axes.
    """
    every = np.concatenate(list(vectors)).astype(np.float64)
    if len(every) <= width:
        raise InvalidInput(f"{width} axes need more than {width} tokens: give more texts.")
    every /= np.linalg.norm(every, axis=1, keepdims=True)
    mean = every.mean(axis=0)
    _, directions = np.linalg.eigh(np.cov((every - mean).T))
    axes = directions[:, ::-1][:, :width]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(width)])
    return np.vstack([mean[None], axes.T]).astype(np.float16)


def axes_file(axes: npt.NDArray[np.float16]) -> bytes:
    """The axes as a file in numpy's format."""
    content = BytesIO()
    np.save(content, axes, allow_pickle=False)
    return content.getvalue()


def _texts_of_lines(file: Path) -> Iterator[str]:
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.strip():
            continue
        told = json.loads(line)
        text = next((told[name] for name in _TEXT_FIELDS if told.get(name)), None)
        if text is not None:
            yield str(text)


def _paragraphs(file: Path) -> Iterator[str]:
    for paragraph in file.read_text(encoding="utf-8").split("\n\n"):
        if len(paragraph) >= _SHORTEST_PARAGRAPH:
            yield paragraph
