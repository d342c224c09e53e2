"""A long conversation, told over MCP to a server with the bundled model, and asked about."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client

from tests.end_to_end.faces import Face, call_mcp, over_mcp, over_rest, over_rpc, over_websocket
from tests.end_to_end.processes import Server

pytestmark = pytest.mark.anyio

BATCH = 100
# Reached when this was written: 0.88 to 0.90 of the questions, with evidence in the first ten hits.
EVIDENCE_FOUND_MIN = 0.82
FACES = pytest.mark.parametrize("face", [over_rpc, over_websocket, over_rest])

Json = dict[str, Any]


@pytest.fixture(scope="module")
async def told(remembering: Server, turns: list[Json]) -> str:
    """The address of the server, once it has been told everything."""
    async with Client(f"{remembering.url}/mcp") as client:
        for start in range(0, len(turns), BATCH):
            batch = turns[start : start + BATCH]
            answer = await call_mcp(client, "store", {"entries": batch})
            assert [one["status"] for one in answer["results"]] == ["stored"] * len(batch)
    return remembering.url


async def test_most_questions_find_their_evidence(told: str, questions: list[Json]) -> None:
    answerable = [question for question in questions if question["evidence"]]
    found = 0
    async with Client(f"{told}/mcp") as client:
        for question in answerable:
            answer = await call_mcp(client, "recall", {"query": question["question"]})
            turn_ids = {hit["metadata"]["turn_id"] for hit in answer["hits"]}
            found += not turn_ids.isdisjoint(question["evidence"])
    assert found / len(answerable) >= EVIDENCE_FOUND_MIN


@FACES
async def test_every_face_answers_alike(told: str, face: Face, questions: list[Json]) -> None:
    for question in questions[::9]:
        arguments = {"query": question["question"], "limit": 5}
        expected = await over_mcp(told, "recall", arguments)
        answer = await face(told, "recall", arguments)
        assert answer["hits"] == expected["hits"]
        assert len(answer["hits"]) == 5


@FACES
async def test_every_face_summarises_alike(told: str, face: Face) -> None:
    arguments = {"timeframe": {"after": "2025-07-01T00:00Z", "before": "2025-09-01T00:00Z"}}
    expected = await over_mcp(told, "summarize", arguments)
    assert await face(told, "summarize", arguments) == expected
    assert expected["sources"]


async def test_a_summary_keeps_to_its_timeframe(told: str) -> None:
    arguments = {"timeframe": {"after": "2025-07-01T00:00Z", "before": "2025-09-01T00:00Z"}}
    summary = await over_mcp(told, "summarize", arguments)
    assert {source["at"][:7] for source in summary["sources"]} <= {"2025-07", "2025-08"}


async def test_filters_keep_to_a_speaker(told: str) -> None:
    arguments = {"query": "knee surgery", "filters": {"speaker": "Ines"}}
    answer = await over_mcp(told, "recall", arguments)
    assert {hit["source"]["speaker"] for hit in answer["hits"]} == {"Ines"}


async def test_telling_it_again_stores_nothing_new(told: str, turns: list[Json]) -> None:
    answer = await over_rest(told, "store", {"entries": turns[:BATCH]})
    assert {one["status"] for one in answer["results"]} == {"duplicate"}
