"""The axes of token vectors, from sample texts to the file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from evals.cli import command_line
from evals.token_axes import WIDTH, axes_file, principal_axes, sample_texts
from memory.embedding.token_vectors import TokenAxes
from memory.errors import InvalidInput

ROOT = Path(__file__).parents[2]
DIMENSION = 384


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout with enough tokens for all axes."""
    for folder in ("docs", "evals/data/more", "tests/data"):
        (tmp_path / folder).mkdir(parents=True)
    lines = [{"id": "1", "content": "Ada keeps bees."}, {"id": "2", "question": "Who?"}]
    for name in ("evals/data/b.jsonl", "evals/data/more/a.jsonl", "tests/data/conversation.jsonl"):
        (tmp_path / name).write_text("\n".join(map(json.dumps, lines)) + "\n\n", encoding="utf-8")
    long = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")[:600]
    (tmp_path / "docs" / "a.md").write_text(f"short\n\n{long.replace(chr(10), ' ')}")
    return tmp_path


def ellipsoid(seed: int = 0) -> np.ndarray:
    """Points around a mean, spread most along the second coordinate, then along the first."""
    random = np.random.default_rng(seed)
    return random.normal([0, 0, 0, 5], [0.5, 1, 0.1, 0.01], (5_000, 4)).astype(np.float32)


def test_axes_come_by_falling_variance_and_point_to_their_largest_coordinate() -> None:
    axes = principal_axes([ellipsoid()], 2)
    assert axes.dtype == np.float16
    assert axes[0] == pytest.approx([0, 0, 0, 0.98], abs=0.02)
    assert axes[1:] == pytest.approx(np.eye(4)[[1, 0]], abs=0.05)


def test_axes_do_not_depend_on_the_lengths_of_vectors_or_their_grouping() -> None:
    points = ellipsoid()
    parts = [points[:70] * 3, points[70:70], points[70:]]
    assert np.allclose(principal_axes([points], 2), principal_axes(parts, 2), atol=2e-3)


def test_too_few_tokens_are_refused() -> None:
    with pytest.raises(InvalidInput, match="more texts"):
        principal_axes([ellipsoid()[:2]], 2)


def test_sample_texts_are_lines_and_paragraphs_in_a_fixed_order(checkout: Path) -> None:
    texts = sample_texts(checkout)
    assert texts[:6] == ["Ada keeps bees.", "Who?"] * 3
    assert len(texts) == 7
    assert "short" not in texts


def test_a_folder_without_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="checkout"):
        sample_texts(tmp_path)


def test_the_checkout_has_samples_of_every_kind() -> None:
    texts = sample_texts(ROOT)
    assert "Who looks after the chickens in Vellach?" in texts
    assert any(text.startswith("`memoryd-eval` measures") for text in texts)
    assert any("half of Porto" in text for text in texts)


def test_the_command_writes_the_same_orthonormal_axes_each_time(checkout: Path) -> None:
    files = [checkout / name for name in ("one.npy", "two.npy")]
    for file in files:
        arguments = ["token-axes", "--output", str(file), "--root", str(checkout)]
        done = CliRunner().invoke(command_line, arguments)
        assert done.exit_code == 0, done.output
        assert hashlib.sha256(file.read_bytes()).hexdigest() in done.output
    assert files[0].read_bytes() == files[1].read_bytes()
    rows = np.load(files[0], allow_pickle=False)
    assert (rows.shape, rows.dtype) == ((1 + WIDTH, DIMENSION), np.float16)
    axes = rows[1:].astype(np.float64)
    assert np.allclose(axes @ axes.T, np.eye(WIDTH), atol=2e-3)


def test_a_written_file_can_be_read_as_token_axes(tmp_path: Path) -> None:
    file = tmp_path / "axes.npy"
    file.write_bytes(axes_file(principal_axes([ellipsoid()], 2)))
    assert TokenAxes(np.load(file)).compress(ellipsoid(1)).shape == (5_000, 2)
