"""Model files that come inside installed packages.

The files are found by the packages' own records and read as data: neither package's code is
imported. Nothing is used before its SHA-256 is checked, since a model decides what is recalled.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from memory.errors import EmbedderUnavailable

__all__ = ["PackagedFile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedFile:
    """A data file of an installed distribution.

    Args:
        distribution: Name of the distribution, as it is installed by.
        version: The version that holds the file; only told to a person who has to install it.
        path: The file's path as the distribution records it.
        sha256: The hash of its content, in hexadecimal.
    """

    distribution: str
    version: str
    path: str
    sha256: str

    def read(self) -> bytes:
        """The content of the file.

        Raises:
            EmbedderUnavailable: The distribution or its file is missing, or the content is not the
                expected one.
        """
        try:
            found = metadata.distribution(self.distribution).locate_file(self.path)
            content = Path(str(found)).read_bytes()
        except (metadata.PackageNotFoundError, OSError) as error:
            raise EmbedderUnavailable(
                f"The file {self.path} of {self.distribution} is missing: {self._remedy}."
            ) from error
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise EmbedderUnavailable(
                f"The file {self.path} of {self.distribution} is not the expected one "
                f"(its SHA-256 differs): {self._remedy}."
            )
        return content

    @property
    def _remedy(self) -> str:
        wanted = f"{self.distribution}=={self.version}"
        return f"reinstall it with `pip install --force-reinstall --no-deps {wanted}`"
