"""Files that only their owner can read, and that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TextIO, cast

from memory.errors import StorageUnavailable

__all__ = ["private_file"]


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """A text file (UTF-8, mode 0600) to be written; it takes its place when all went well.

    Raises:
        StorageUnavailable: The file cannot be written; what was at its place is still there.
    """
    draft: Path | None = None
    try:
        with NamedTemporaryFile(
            "w",
            encoding="utf-8",
            newline="\n",
            dir=path.parent,
            prefix=f".{path.name}.",
            suffix=".part",
            delete=False,
        ) as file:
            draft = Path(file.name)
            yield cast("TextIO", file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        draft = None
    except OSError as error:
        raise StorageUnavailable(f"{path} cannot be written: {error.strerror}") from error
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)
