"""Opens what is to be imported and reads it as pieces, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TypeAlias

from memory.errors import InvalidInput, StorageUnavailable
from memory.transfer.items import Item, Refused
from memory.transfer.jsonl import read_jsonl
from memory.transfer.lines import Line, read_lines
from memory.transfer.markdown import read_markdown
from memory.transfer.mcp_memory import is_graph_line, read_mcp_memory

__all__ = ["FileFormat", "ImportSource", "read_stream"]

MARKDOWN_SUFFIXES = frozenset({".md", ".markdown"})

Reader: TypeAlias = Callable[[Iterable[Line], str | None], Iterator[Item]]


class FileFormat(StrEnum):
    """What a file to be imported is written in."""

    AUTO = "auto"
    JSONL = "jsonl"
    MARKDOWN = "markdown"
    MCP_MEMORY = "mcp-memory"


READERS: dict[FileFormat, Reader] = {
    FileFormat.JSONL: read_jsonl,
    FileFormat.MARKDOWN: read_markdown,
    FileFormat.MCP_MEMORY: read_mcp_memory,
}


def read_stream(stream: BinaryIO, file_format: FileFormat = FileFormat.AUTO) -> Iterator[Item]:
    """The pieces of a stream, read as they are asked for."""
    return _read(read_lines(stream), file_format, None)


@dataclass(frozen=True, slots=True)
class ImportSource:
    """The files of an import, in a fixed order.

    ``root`` is the folder or file they were found by; ``size_bytes`` is that of all together.
    """

    root: Path
    files: tuple[Path, ...]
    file_format: FileFormat
    size_bytes: int

    @classmethod
    def find(cls, root: Path, file_format: FileFormat = FileFormat.AUTO) -> ImportSource:
        """Looks for what is to be imported: a file, or a folder of Markdown files.

        Raises:
            InvalidInput: A folder was given for a format of one file, or has no Markdown file.
            StorageUnavailable: It cannot be read.
        """
        try:
            files = _files(root, file_format)
            size = sum(file.stat().st_size for file in files)
        except OSError as error:
            raise _unreadable(root, error) from error
        return cls(root, files, file_format, size)

    def items(self) -> Iterator[Item]:
        """All pieces of all files, read as they are asked for, one file open at a time.

        A file of several that cannot be opened is a refused piece.

        Raises:
            StorageUnavailable: The only file cannot be read.
        """
        done = 0
        for file in self.files:
            yield from self._file_items(file, done)
            done += _size(file)

    def _file_items(self, file: Path, done: int) -> Iterator[Item]:
        single = file == self.root
        name = file.name if single else file.relative_to(self.root).as_posix()
        is_document = self._format_of(file) is FileFormat.MARKDOWN
        try:
            with file.open("rb") as stream:
                lines = read_lines(stream, done)
                yield from _read(lines, self._format_of(file), name if is_document else None)
        except OSError as error:
            if single:
                raise _unreadable(file, error) from error
            yield Item(line=0, value=Refused(f"cannot be read: {error.strerror}"), file=name)

    def _format_of(self, file: Path) -> FileFormat:
        is_markdown = file.suffix.lower() in MARKDOWN_SUFFIXES
        if self.file_format is FileFormat.AUTO and is_markdown:
            return FileFormat.MARKDOWN
        return self.file_format


def _files(root: Path, file_format: FileFormat) -> tuple[Path, ...]:
    if not root.is_dir():
        return (root,)
    if file_format not in (FileFormat.AUTO, FileFormat.MARKDOWN):
        raise InvalidInput(f"a folder holds Markdown files; give one file for {file_format}")
    found = sorted(
        file
        for file in root.rglob("*")
        if file.suffix.lower() in MARKDOWN_SUFFIXES and file.is_file() and not _hidden(file, root)
    )
    if not found:
        raise InvalidInput("no Markdown file (.md, .markdown) in this folder")
    return tuple(found)


def _hidden(file: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(root).parts)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _unreadable(path: Path, error: OSError) -> StorageUnavailable:
    return StorageUnavailable(f"{path} cannot be read: {error.strerror}")


def _read(lines: Iterator[Line], file_format: FileFormat, file: str | None) -> Iterator[Item]:
    if file_format is not FileFormat.AUTO:
        return READERS[file_format](lines, file)
    leading: list[Line] = []
    for line in lines:
        leading.append(line)
        if not line.blank:
            break
    return _detected(leading)(chain(leading, lines), file)


def _detected(leading: list[Line]) -> Reader:
    """The format that the first line with something on it shows.

    Raises:
        InvalidInput: It shows none.
    """
    if not leading or leading[-1].blank:
        return read_jsonl
    first = leading[-1]
    if is_graph_line(first):
        return read_mcp_memory
    if first.text is None or first.text.lstrip().startswith("{"):
        return read_jsonl
    raise InvalidInput(
        "the format is not clear from the file; say which it is: jsonl, markdown or mcp-memory"
    )
