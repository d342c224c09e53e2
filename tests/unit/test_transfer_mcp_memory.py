"""The file of the MCP reference memory server becomes facts."""

from __future__ import annotations

import io
import json

from memory.records import Entry, Tier
from memory.transfer.items import Refused, Value
from memory.transfer.reading import FileFormat, read_stream


def values(*lines: object) -> list[Value]:
    text = "\n".join(json.dumps(line) for line in lines)
    stream = io.BytesIO(text.encode())
    return [item.value for item in read_stream(stream, FileFormat.MCP_MEMORY)]


def entity(*observations: object) -> dict[str, object]:
    return {"type": "entity", "name": "Ada", "entityType": "person", "observations": observations}


def test_each_observation_is_a_fact_about_its_entity() -> None:
    first, second = values(entity("likes tea", "lives in Leeds"))
    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert [first.content, second.content] == [
        "Ada (person): likes tea",
        "Ada (person): lives in Leeds",
    ]
    assert first.tier is Tier.SEMANTIC
    assert first.metadata == {"entity": "Ada", "entity_type": "person"}
    assert first.tags == ("entity", "person")


def test_a_relation_is_a_sentence_that_keeps_its_structure() -> None:
    relation = {"type": "relation", "from": "Ada", "to": "Acme", "relationType": "works_at"}
    (fact,) = values(relation)
    assert isinstance(fact, Entry)
    assert fact.content == "Ada works at Acme"
    assert fact.metadata == {"from": "Ada", "to": "Acme", "relation": "works_at"}


def test_an_entity_without_observations_is_still_known() -> None:
    (fact,) = values(entity())
    assert isinstance(fact, Entry)
    assert fact.content == "Ada (person)"


def test_a_bad_line_is_refused_by_itself() -> None:
    refused, unknown, taken = values(entity("ok", 5), {"type": "event"}, entity("ok"))
    assert isinstance(refused, Refused)
    assert isinstance(unknown, Refused)
    assert isinstance(taken, Entry)
