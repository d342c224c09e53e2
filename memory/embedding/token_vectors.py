"""Compact token vectors for late interaction (Khattab & Zaharia, "ColBERT", 2020).

A token's vector has hundreds of dimensions; what tells tokens apart lies in few. The mean is taken
off, the rest is projected onto the principal axes of token vectors, brought to unit length and
stored in 8 bits. The axes are data that belongs to one model: computed by ``memoryd-eval
token-axes`` from the texts of this repository.

A token of a question weighs the more the rarer it is. The tokeniser's vocabulary lists words by
falling frequency in its training text, so by Zipf's law the logarithm of a token's place in it is
an inverse document frequency that needs no corpus.
"""

from __future__ import annotations

import hashlib
from importlib import resources
from io import BytesIO

import numpy as np
import numpy.typing as npt

from memory.errors import EmbedderUnavailable
from memory.ports import Floats, Tokens

__all__ = ["AXES_SHA256", "NO_TOKENS", "NO_WEIGHTS", "SCALE", "TokenAxes", "rarity"]

AXES_FILE = "minilm_token_axes.npy"
AXES_SHA256 = "77bd0f1e325997ec558ea1f365e800d9943a5435d92ffff52fe8d9209b0eb0b7"
"""The hash of the file: token vectors of other axes cannot be compared with these."""

SCALE = 127.0
"""What a stored number is divided by to give a coordinate of a unit vector."""

NO_TOKENS: Tokens = np.empty((0, 0), dtype=np.int8)
NO_WEIGHTS: Floats = np.empty(0, dtype=np.float32)

_FIRST_WORD = 1_996
_COMMON_WORDS = 20


class TokenAxes:
    """The mean and the principal axes of a model's token vectors.

    Args:
        rows: The mean, then the axes, shape (1 + width, dimension).
    """

    def __init__(self, rows: npt.NDArray[np.floating]) -> None:
        self._mean: Floats = rows[0].astype(np.float32)
        self._axes: Floats = np.ascontiguousarray(rows[1:].T, dtype=np.float32)

    @classmethod
    def packaged(cls) -> TokenAxes:
        """Those of the default embedder.

        Raises:
            EmbedderUnavailable: The file is missing or not the expected one.
        """
        remedy = "install memoryd anew"
        try:
            content = resources.files("memory.embedding").joinpath(AXES_FILE).read_bytes()
        except OSError as error:
            raise EmbedderUnavailable(f"The file {AXES_FILE} is missing: {remedy}.") from error
        if hashlib.sha256(content).hexdigest() != AXES_SHA256:
            raise EmbedderUnavailable(
                f"The file {AXES_FILE} is not the expected one (its SHA-256 differs): {remedy}."
            )
        return cls(np.load(BytesIO(content), allow_pickle=False))

    def compress(self, vectors: Floats) -> Tokens:
        """Unit vectors along the axes in 8 bits, shape (n, width).

        Args:
            vectors: Token vectors as the model gives them, shape (n, dimension).
        """
        unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        short = (unit - self._mean) @ self._axes
        short /= np.maximum(np.linalg.norm(short, axis=1, keepdims=True), 1e-9)
        compact: Tokens = np.rint(short * SCALE).astype(np.int8)
        return compact


def rarity(tokens: npt.NDArray[np.int64]) -> Floats:
    """How much each token of a question tells, by its number in the vocabulary."""
    place = np.maximum(tokens - (_FIRST_WORD - 1), 0)
    return np.log(2 + place / _COMMON_WORDS).astype(np.float32)
