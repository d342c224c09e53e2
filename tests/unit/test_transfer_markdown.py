"""Markdown is split at headings into entries that can be understood by themselves."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.errors import InvalidInput
from memory.records import Entry, SourceKind
from memory.transfer.items import Item, Refused
from memory.transfer.lines import read_lines
from memory.transfer.markdown import CHARACTERS_TARGET, read_markdown
from memory.transfer.reading import FileFormat, ImportSource


def read(text: str, file: str | None = "note.md") -> list[Item]:
    return list(read_markdown(read_lines(io.BytesIO(text.encode())), file))


def contents(text: str) -> list[str]:
    return [item.value.content for item in read(text) if isinstance(item.value, Entry)]


def test_each_section_carries_the_headings_above_it() -> None:
    text = "# Tea\nAbout tea.\n## Green\nAt 80 degrees.\n# Coffee\nAt 93 degrees.\n"
    assert contents(text) == [
        "Tea\n\nAbout tea.",
        "Tea > Green\n\nAt 80 degrees.",
        "Coffee\n\nAt 93 degrees.",
    ]


def test_underlined_headings_are_headings() -> None:
    assert contents("Tea\n===\nx\n\nGreen\n---\ny") == ["Tea\n\nx", "Tea > Green\n\ny"]


def test_a_heading_with_nothing_below_it_is_kept() -> None:
    assert contents("# Tasks\n## Call Ada\n## Buy tea\n") == ["Tasks > Call Ada", "Tasks > Buy tea"]


def test_fenced_code_is_kept_whole_with_what_looks_like_headings() -> None:
    code = "```sh\n# not a heading\n\n" + "echo tea\n" * 400 + "```"
    assert contents(f"# Script\n{code}\n") == [f"Script\n\n{code}"]


def test_a_fence_is_closed_only_by_one_as_long() -> None:
    code = "````\n```\ninner\n```\n````"
    assert contents(f"{code}\n\nafter") == [f"{code}\n\nafter"]


def test_long_sections_become_several_entries_of_moderate_size() -> None:
    paragraphs = "\n\n".join(f"Paragraph {number} " + "word " * 60 for number in range(12))
    parts = contents(f"# Long\n{paragraphs}")
    assert len(parts) > 2
    assert all(len(part) <= CHARACTERS_TARGET + len("Long\n\n") for part in parts)


def test_a_very_long_paragraph_is_cut_after_sentences() -> None:
    parts = contents("One more sentence about tea. " * 200)
    assert len(parts) > 3
    assert all(part.endswith("tea.") for part in parts)


def test_front_matter_becomes_tags_and_metadata() -> None:
    (item,) = read("---\ntitle: Tea\ntags: [drinks, '#hot']\nauthors:\n  - Ada\n---\nText\n")
    assert isinstance(item.value, Entry)
    assert item.value.tags == ("drinks", "hot")
    assert item.value.metadata == {"title": "Tea", "authors": ["Ada"]}
    assert item.line == 7


def test_front_matter_beyond_simple_pairs_is_kept_as_text() -> None:
    (item,) = read("---\na: 1\n  nested:\n    b: 2\n---\nText")
    assert isinstance(item.value, Entry)
    assert item.value.metadata["front_matter"] == "a: 1\n  nested:\n    b: 2"


def test_a_rule_at_the_start_is_no_front_matter() -> None:
    assert contents("---\nText that goes on") == ["---\nText that goes on"]


def test_the_source_is_the_file() -> None:
    (item,) = read("Text")
    assert isinstance(item.value, Entry)
    assert item.value.source.kind is SourceKind.DOCUMENT
    assert item.value.source.id == "note.md"
    assert item.place == "note.md:1"


def test_a_line_that_is_no_text_is_refused_by_itself() -> None:
    items = list(read_markdown(read_lines(io.BytesIO(b"good\n\xff\nalso good\n"))))
    assert [item.line for item in items if isinstance(item.value, Refused)] == [2]
    assert any(isinstance(item.value, Entry) for item in items)


@given(st.lists(st.sampled_from(["# A", "## B", "word", "", "```", "~~~", "---", "- x"])))
def test_no_word_is_lost_and_lines_only_grow(lines: list[str]) -> None:
    items = read("\n".join(["start", *lines]))
    text = "\n".join(item.value.content for item in items if isinstance(item.value, Entry))
    assert text.count("word") == lines.count("word")
    assert [item.line for item in items] == sorted(item.line for item in items)


def test_a_folder_is_read_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.md", "a/c.markdown", ".hidden/d.md", "e.txt"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"Text of {name}", encoding="utf-8")
    source = ImportSource.find(tmp_path)
    items = list(source.items())
    assert [item.place for item in items] == ["a/c.markdown:1", "b.md:1"]
    assert items[-1].offset == source.size_bytes


def test_a_folder_without_markdown_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no Markdown file"):
        ImportSource.find(tmp_path)
    with pytest.raises(InvalidInput, match="one file"):
        ImportSource.find(tmp_path, FileFormat.JSONL)
