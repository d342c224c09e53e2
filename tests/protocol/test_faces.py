"""What every protocol does alike: one set of behaviours, held by each of them."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from server.app import Application
from tests.protocol.faces import FACES, Face, FaceError

pytestmark = pytest.mark.anyio

UNKNOWN_ID = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
def memory_of(face: Face, namespace: str) -> Memory:
    return Memory(face, namespace)


class Memory:
    """The tools over one face, in one namespace."""

    def __init__(self, face: Face, namespace: str) -> None:
        self._face = face
        self._namespace = namespace

    async def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return await self._face.call(tool, {"namespace": self._namespace, **arguments})

    async def stored(self, content: str, **fields: Any) -> str:
        result = await self("store", content=content, **fields)
        identifier: str = result["results"][0]["id"]
        return identifier

    async def contents(self, query: str = "", **arguments: Any) -> list[str]:
        result = await self("recall", query=query, **arguments)
        return [hit["content"] for hit in result["hits"]]


async def test_what_is_stored_is_recalled_with_all_its_fields(memory_of: Memory) -> None:
    fields = {
        "tier": "semantic",
        "tags": ["tea", "ada"],
        "metadata": {"cup": {"size": 2}},
        "occurred_at": "2026-05-08T12:00:00Z",
        "source": {"kind": "user", "speaker": "Ada", "conversation_id": "c1", "turn": 3},
    }
    identifier = await memory_of.stored("Ada prefers tea to coffee", **fields)
    hit = (await memory_of("recall", query="what does Ada drink?"))["hits"][0]
    expected = {**fields, "occurred_at": "2026-05-08T12:00:00+00:00", "version": 1}
    assert hit["id"] == identifier
    assert {name: hit[name] for name in expected} == expected


async def test_a_bad_entry_of_a_batch_is_refused_alone(memory_of: Memory) -> None:
    entries = [{"content": "one"}, {"content": "two", "importance": 7}, {"content": "three"}]
    results = (await memory_of("store", entries=entries))["results"]
    assert [one["status"] for one in results] == ["stored", "refused", "stored"]
    assert "entries.1.importance" in results[1]["reason"]
    assert sorted(await memory_of.contents()) == ["one", "three"]


async def test_an_exact_repeat_is_recognised(memory_of: Memory) -> None:
    first = await memory_of.stored("the same")
    again = (await memory_of("store", content="the same"))["results"][0]
    assert (again["id"], again["status"]) == (first, "duplicate")


async def test_filters_narrow_what_is_recalled(memory_of: Memory) -> None:
    await memory_of.stored("cheap lunch", metadata={"cost": 8}, tags=["food"])
    await memory_of.stored("dear lunch", metadata={"cost": 80}, tags=["food"])
    filters = {"metadata": {"cost": {"gte": 10}}}
    assert await memory_of.contents("lunch", filters=filters, tags=["food"]) == ["dear lunch"]


async def test_tiers_and_limit_narrow_what_is_recalled(memory_of: Memory) -> None:
    await memory_of.stored("a passing thought", tier="working")
    await memory_of.stored("a lasting thought", tier="semantic")
    await memory_of.stored("an old thought", tier="long_term")
    found = await memory_of.contents("thought", tiers=["working", "semantic"])
    assert sorted(found) == ["a lasting thought", "a passing thought"]
    assert len(await memory_of.contents("thought", limit=1)) == 1


async def test_an_empty_query_gives_the_most_recent(memory_of: Memory) -> None:
    await memory_of.stored("earlier", occurred_at="2026-01-01T00:00:00Z")
    await memory_of.stored("later", occurred_at="2026-02-01T00:00:00Z")
    assert await memory_of.contents("") == ["later", "earlier"]


async def test_a_small_token_budget_shortens_what_is_recalled(memory_of: Memory) -> None:
    await memory_of.stored("tea " * 400)
    found = await memory_of.contents("tea", max_tokens=20)
    assert sum(map(len, found)) < 200


async def test_an_update_changes_the_record_and_its_version(memory_of: Memory) -> None:
    identifier = await memory_of.stored("Ada lives in Paris")
    changes = {"content": "Ada lives in Lisbon"}
    updated = await memory_of("update", id=identifier, changes=changes, expected_version=1)
    assert updated == {"id": identifier, "version": 2}
    assert await memory_of.contents("where does Ada live") == ["Ada lives in Lisbon"]


async def test_a_stale_update_is_told_the_current_state(memory_of: Memory) -> None:
    identifier = await memory_of.stored("first")
    await memory_of("update", id=identifier, changes={"content": "second"})
    with pytest.raises(FaceError) as caught:
        await memory_of("update", id=identifier, changes={"content": "x"}, expected_version=1)
    assert caught.value.code == "conflict"
    assert caught.value.details["current"]["content"] == "second"
    assert caught.value.details["current"]["version"] == 2


async def test_a_reused_idempotency_key_is_a_conflict(memory_of: Memory) -> None:
    await memory_of.stored("one thing", idempotency_key="k")
    with pytest.raises(FaceError) as caught:
        await memory_of.stored("another thing", idempotency_key="k")
    assert caught.value.code == "conflict"


async def test_forget_can_be_tried_before_it_is_done(memory_of: Memory) -> None:
    identifier = await memory_of.stored("to be forgotten")
    tried = await memory_of("forget", id=identifier, dry_run=True)
    assert tried == {"forgotten": 1, "ids": [identifier], "dry_run": True}
    assert await memory_of.contents() == ["to be forgotten"]
    assert (await memory_of("forget", id=identifier))["forgotten"] == 1
    assert await memory_of.contents() == []


async def test_a_whole_tier_is_forgotten_only_when_confirmed(memory_of: Memory) -> None:
    await memory_of.stored("scratch", tier="working")
    with pytest.raises(FaceError) as caught:
        await memory_of("forget", tier="working")
    assert caught.value.code == "invalid_input"
    assert (await memory_of("forget", tier="working", confirm=True))["forgotten"] == 1


async def test_a_summary_cites_its_records(memory_of: Memory) -> None:
    identifier = await memory_of.stored("The deploy moved to Friday.", tier="episodic")
    summary = await memory_of("summarize", tier="episodic")
    assert summary["summary"] == "The deploy moved to Friday."
    assert [source["id"] for source in summary["sources"]] == [identifier]


async def test_namespaces_are_apart(memory_of: Memory, face: Face) -> None:
    identifier = await memory_of.stored("mine")
    with pytest.raises(FaceError) as caught:
        await face.call("update", {"id": identifier, "changes": {"content": "x"}})
    assert caught.value.code == "not_found"


@pytest.mark.parametrize(
    ("tool", "arguments", "field"),
    [
        ("recall", {"query": "x", "colour": "red"}, "colour"),
        ("recall", {"query": "x", "limit": 0}, "limit"),
        ("recall", {"query": "x", "limit": "many"}, "limit"),
        ("recall", {"query": "x", "filters": {"metadata": {"a": {"is": 1}}}}, "filters.metadata"),
        ("store", {"content": "x", "occurred_at": "2026-05-08T12:00:00"}, "occurred_at"),
        ("store", {"content": "x", "importance": math.inf}, "importance"),
        ("store", {"content": "nul \x00 inside"}, "content"),
        ("store", {"content": "   "}, "content"),
        ("store", {}, "content"),
        ("store", {"content": "x", "source": {"kind": "oracle"}}, "source.kind"),
        ("store", {"content": "x", "namespace": "with space"}, "namespace"),
        ("update", {"id": UNKNOWN_ID}, "changes"),
        ("forget", {}, "id"),
        ("summarize", {"timeframe": {"after": "yesterday"}}, "timeframe.after"),
    ],
)
async def test_what_cannot_be_taken_is_named(
    memory_of: Memory, tool: str, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(FaceError) as caught:
        await memory_of(tool, **arguments)
    error = caught.value
    if math.inf in arguments.values() and error.code == "parse_error":
        return  # infinity is no JSON; some clients refuse to send it, some send the word
    assert (error.code, error.retryable) == ("invalid_input", False)
    assert error.details["field"].startswith(field)


async def test_an_error_never_repeats_what_was_sent(memory_of: Memory) -> None:
    with pytest.raises(FaceError) as caught:
        await memory_of("store", content="x", importance="hunter2", tier="hunter2")
    assert "hunter2" not in caught.value.message
    assert "hunter2" not in str(caught.value.details)


@pytest.mark.parametrize("tool", ["update", "forget"])
async def test_an_unknown_id_is_not_found(memory_of: Memory, tool: str) -> None:
    changes = {"changes": {"content": "x"}} if tool == "update" else {}
    with pytest.raises(FaceError) as caught:
        await memory_of(tool, id=UNKNOWN_ID, **changes)
    assert caught.value.code == "not_found"


async def test_content_beyond_the_limit_is_refused(memory_of: Memory) -> None:
    with pytest.raises(FaceError) as caught:
        await memory_of("store", content="a" * 200_001)
    assert caught.value.code == "invalid_input"


async def test_text_of_every_script_comes_back_as_it_was(memory_of: Memory) -> None:
    text = "Zoë, 東京, 👩‍👩‍👧, ملاحظة, \u2028 and \\ \" '"
    await memory_of.stored(text)
    assert await memory_of.contents() == [text]


IDENTIFIER = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
MOMENT = re.compile(r"20\d\d-\d\d-\d\dT[0-9:.]+\+00:00")


async def _story(memory: Memory) -> str:
    """Everything that one face says in the course of the same events, without ids and times."""
    said: list[object] = [await memory("store", content="Ada likes tea", tags=["a"])]
    said.append(await memory("store", entries=["Ada likes tea", {"content": "Bo likes milk"}, 7]))
    said.append(await memory("recall", query="who likes tea", explain=True))
    identifier = await memory.stored("Cy likes water")
    said.append(await memory("update", id=identifier, changes={"content": "Cy likes wine"}))
    for tool, arguments in (
        ("update", {"id": identifier, "changes": {"pinned": True}, "expected_version": 1}),
        ("update", {"id": UNKNOWN_ID, "changes": {}}),
        ("recall", {"query": "q", "limit": 1000, "nothing": 1}),
    ):
        try:
            said.append(await memory(tool, **arguments))
        except FaceError as error:
            said.append([error.code, error.message, error.details, error.retryable])
    said.append(await memory("summarize", max_tokens=50))
    said.append(await memory("forget", filters={"tags": ["a"]}))
    return MOMENT.sub("<time>", IDENTIFIER.sub("<id>", repr(said)))


async def test_every_protocol_tells_the_same_story(app: Application) -> None:
    stories = {}
    for name, opened in FACES.items():
        async with opened(app) as face:
            stories[name] = (await _story(Memory(face, f"story-{name}"))).replace(name, "<face>")
    first = stories["rest"]
    assert len(first) > 1000
    assert {name for name, story in stories.items() if story != first} == set()
