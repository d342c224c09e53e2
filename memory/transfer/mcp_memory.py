"""The file of MCP's reference memory server: a knowledge graph in JSON lines.

An entity is ``{"type": "entity", "name", "entityType", "observations": [...]}``, a relation is
``{"type": "relation", "from", "to", "relationType"}``. Each observation becomes a record of its
own, each relation a sentence; metadata keep the structure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from memory.errors import InvalidInput
from memory.records import Entry, JsonValue, Source, SourceKind, Tier
from memory.transfer.fields import Fields
from memory.transfer.items import Item, Refused, Value
from memory.transfer.lines import Line, json_object, skip_blank
from memory.validation import check_entry

__all__ = ["is_graph_line", "read_mcp_memory"]

SOURCE_ID = "mcp-memory"
KINDS = frozenset({"entity", "relation"})
TAG_CHARACTERS_MAX = 64


def is_graph_line(line: Line) -> bool:
    """Whether the line is of this format."""
    try:
        told = json_object(line)
    except InvalidInput:
        return False
    return told.get("type") in KINDS and "content" not in told


def read_mcp_memory(lines: Iterable[Line], file: str | None = None) -> Iterator[Item]:
    """The observations and relations on the lines, as entries of the semantic tier."""
    for line in skip_blank(lines):
        for value in _values(line):
            yield Item(line=line.number, value=value, file=file, offset=line.offset)


def _values(line: Line) -> Iterator[Value]:
    try:
        entries = _entries(json_object(line))
    except InvalidInput as error:
        yield Refused(error.message)
        return
    for entry in entries:
        try:
            check_entry(entry)
            yield entry
        except InvalidInput as error:
            yield Refused(error.message)


def _entries(told: dict[str, object]) -> list[Entry]:
    fields = Fields(told)
    kind = fields.optional_text("type")
    if kind not in KINDS:
        raise InvalidInput("type: one of entity, relation", "type")
    entries = _entity(fields) if kind == "entity" else [_relation(fields)]
    fields.finish()
    return entries


def _entity(fields: Fields) -> list[Entry]:
    name, kind = fields.text("name"), fields.optional_text("entityType") or "thing"
    observations = fields.names("observations")
    tags = ("entity", *([kind] if 0 < len(kind.strip()) <= TAG_CHARACTERS_MAX else []))
    metadata: dict[str, JsonValue] = {"entity": name, "entity_type": kind}
    lead = f"{name} ({kind})"
    # An entity of which nothing was observed is still known to be there.
    contents = [f"{lead}: {one}" for one in observations] or [lead]
    return [_fact(content, tags, metadata) for content in contents]


def _relation(fields: Fields) -> Entry:
    start, end, kind = fields.text("from"), fields.text("to"), fields.text("relationType")
    verb = " ".join(kind.replace("_", " ").split())
    metadata: dict[str, JsonValue] = {"from": start, "to": end, "relation": kind}
    return _fact(f"{start} {verb} {end}", ("relation",), metadata)


def _fact(content: str, tags: tuple[str, ...], metadata: dict[str, JsonValue]) -> Entry:
    return Entry(
        content=content,
        tier=Tier.SEMANTIC,
        tags=tags,
        metadata=metadata,
        source=Source(kind=SourceKind.IMPORT, id=SOURCE_ID),
    )
