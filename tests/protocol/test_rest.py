"""What is REST's own: methods, query parameters, statuses and headers."""

from __future__ import annotations

import json

import httpx2
import pytest

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}


@pytest.fixture
async def stored(client: httpx2.AsyncClient, namespace: str) -> str:
    body = {
        "namespace": namespace,
        "entries": [
            {"content": "green tea", "tags": ["drink", "warm"], "tier": "semantic"},
            {"content": "cold milk", "tags": ["drink"], "tier": "working"},
        ],
    }
    response = await client.post("/memory/store", json=body)
    identifier: str = response.json()["results"][0]["id"]
    return identifier


async def recalled(client: httpx2.AsyncClient, query: str) -> list[str]:
    response = await client.get(f"/memory/recall?{query}")
    assert response.status_code == 200, response.text
    return sorted(hit["content"] for hit in response.json()["hits"])


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tiers=semantic&tiers=working", ["cold milk", "green tea"]),
        ("tiers=semantic,working", ["cold milk", "green tea"]),
        ('tiers=["semantic"]', ["green tea"]),
        ("tier=working", ["cold milk"]),
        ("tags=drink&tags=warm&tag_match=all", ["green tea"]),
        ('filters={"tags":["warm"]}', ["green tea"]),
        ("q=tea&top_k=1", ["green tea"]),
        ("query=gr%C3%BCner+green+tea&limit=1&explain=true", ["green tea"]),
    ],
)
async def test_query_parameters_are_written_in_the_usual_ways(
    client: httpx2.AsyncClient, namespace: str, query: str, found: list[str]
) -> None:
    assert await recalled(client, f"namespace={namespace}&{query}") == found


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("limit=1&limit=2", 422, "limit"),
        ("limit=ten", 422, "limit"),
        ("limit=", 422, "limit"),
        ("filters={", 422, "filters"),
        ("filters=[]", 422, "filters"),
        ("tiers=[1", 422, "tiers"),
        ("colour=red", 422, "colour"),
        ("colour=red&colour=blue", 422, None),
        ("query=%ff", 400, None),
        ("&".join(["a=1"] * 2001), 400, None),
    ],
)
async def test_query_parameters_that_cannot_be_read_are_refused(
    client: httpx2.AsyncClient, query: str, status: int, field: str | None
) -> None:
    response = await client.get(f"/memory/recall?{query}")
    assert response.status_code == status
    assert response.json()["error"]["details"].get("field") == field


async def test_records_are_forgotten_by_query_or_by_body(
    client: httpx2.AsyncClient, namespace: str, stored: str
) -> None:
    by_query = await client.delete(f"/memory/forget?namespace={namespace}&ids={stored}")
    assert by_query.json() == {"forgotten": 1, "ids": [stored]}
    body = json.dumps({"namespace": namespace, "tier": "working", "confirm": True})
    by_body = await client.request("DELETE", "/memory/forget", content=body, headers=JSON)
    assert by_body.json()["forgotten"] == 1


@pytest.mark.parametrize("target", [{"id": ""}, {"ids": [""]}])
async def test_an_empty_id_never_means_everything(
    client: httpx2.AsyncClient, namespace: str, stored: str, target: dict[str, object]
) -> None:
    body = {"namespace": namespace, "confirm": True, **target}
    response = await client.request("DELETE", "/memory/forget", json=body)
    assert response.status_code == 404
    found = await client.post("/memory/recall", json={"namespace": namespace})
    assert stored in [hit["id"] for hit in found.json()["hits"]]


@pytest.mark.parametrize(
    ("name", "beside", "inside"),
    [("tiers", ["semantic"], ["working"]), ("tags", ["a"], ["b"])],
)
async def test_parameters_that_contradict_the_filters_are_refused(
    client: httpx2.AsyncClient, name: str, beside: list[str], inside: list[str]
) -> None:
    body = {"query": "x", name: beside, "filters": {name: inside}}
    response = await client.post("/memory/recall", json=body)
    assert (response.status_code, response.json()["error"]["details"]["field"]) == (422, name)


async def test_body_and_query_are_not_mixed(client: httpx2.AsyncClient) -> None:
    response = await client.post("/memory/recall?limit=1", json={"query": "x"})
    assert response.status_code == 422


@pytest.mark.parametrize("path", ["/memory/store?content=planted", "/memory/store"])
async def test_a_change_wants_a_json_body(client: httpx2.AsyncClient, path: str) -> None:
    assert (await client.post(path)).status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"content": "\xff"}', 400),
        (b'{"content": NaN}', 400),
        (b'{"content": "a", "content": "b"}', 400),
        (b"[" * 100_000, 400),
        (b"[]", 422),
        (b'"content"', 422),
        (b'{"content": "\\ud800"}', 422),
        (b'{"content": "x", "metadata": ' + b'{"a":' * 300 + b"1" + b"}" * 301, 422),
        (b'{"content": "x", "metadata": {"a": 1e999}}', 422),
        (b'{"\\ud800": 1}', 422),
    ],
)
async def test_a_body_that_cannot_be_taken_is_refused(
    client: httpx2.AsyncClient, body: bytes, status: int
) -> None:
    response = await client.post("/memory/store", content=body, headers=JSON)
    assert response.status_code == status
    assert response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/memory/store", {"POST"}),
        ("DELETE", "/memory/recall", {"GET", "HEAD", "POST"}),
        ("POST", "/memory/update", {"PATCH"}),
        ("PUT", "/memory/forget", {"DELETE"}),
        ("GET", "/rpc", {"POST"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    client: httpx2.AsyncClient, method: str, path: str, allowed: set[str]
) -> None:
    response = await client.request(method, path)
    assert (response.status_code, response.json()["error"]["code"]) == (405, "method_not_allowed")
    assert set(response.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("path", ["/nothing", "/memory/store/", "/memory", "/mcp/"])
async def test_an_unknown_path_is_not_found(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "no_such_path")


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/openapi.json"])
async def test_the_server_tells_about_itself(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json()
