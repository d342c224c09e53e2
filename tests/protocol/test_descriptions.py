"""OpenAPI and OpenRPC say what is there, in valid schemas whose references all lead somewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator

from server.openapi import openapi_document
from server.openrpc import openrpc_document
from tools.catalogue import TOOLS

OPENAPI = json.loads(openapi_document())
OPENRPC = json.loads(openrpc_document())


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def resolved(document: Any, reference: str) -> Any:
    found = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


@pytest.mark.parametrize("document", [OPENAPI, OPENRPC], ids=["openapi", "openrpc"])
def test_every_reference_leads_somewhere(document: Any) -> None:
    found = set(references(document))
    assert found
    for reference in found:
        assert resolved(document, reference)


@pytest.mark.parametrize("document", [OPENAPI, OPENRPC], ids=["openapi", "openrpc"])
def test_every_schema_is_valid(document: Any) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_openapi_has_every_tool_where_the_contract_says() -> None:
    told = {(path, method) for path, item in OPENAPI["paths"].items() for method in item}
    assert OPENAPI["openapi"].startswith("3.1.")
    assert told == {
        ("/memory/store", "post"),
        ("/memory/recall", "get"),
        ("/memory/recall", "post"),
        ("/memory/update", "patch"),
        ("/memory/forget", "delete"),
        ("/memory/summarize", "post"),
    }


def operations() -> Iterator[Any]:
    for item in OPENAPI["paths"].values():
        yield from item.values()


def test_operations_have_names_of_their_own_and_documented_errors() -> None:
    names = [operation["operationId"] for operation in operations()]
    assert len(set(names)) == len(names)
    for operation in operations():
        assert {"200", "400", "404", "409", "422", "429", "503"} <= set(operation["responses"])


def test_a_get_has_query_parameters_and_no_body() -> None:
    recall = OPENAPI["paths"]["/memory/recall"]["get"]
    parameters = {one["name"]: one for one in recall["parameters"]}
    assert "requestBody" not in recall
    assert parameters["limit"]["schema"]["maximum"] == 100
    assert (parameters["tiers"]["style"], parameters["tiers"]["explode"]) == ("form", True)
    assert "application/json" in parameters["filters"]["content"]


def test_openrpc_has_every_tool_as_a_method() -> None:
    methods = {method["name"]: method for method in OPENRPC["methods"]}
    assert {f"memory.{tool.name}" for tool in TOOLS} < set(methods)
    assert {"memory.subscribe", "memory.unsubscribe"} < set(methods)
    assert [one["name"] for one in methods["memory.update"]["params"]][:2] == ["id", "changes"]


def test_openrpc_lists_parameters_in_the_order_of_positions() -> None:
    store = next(one for one in OPENRPC["methods"] if one["name"] == "memory.store")
    assert store["params"][0]["name"] == "content"
    required = [one["required"] for one in store["params"]]
    assert required == sorted(required, reverse=True)


@pytest.mark.anyio
async def test_what_is_answered_fits_its_schema(client: httpx2.AsyncClient, namespace: str) -> None:
    body = {"content": "described", "namespace": namespace, "tags": ["a"]}
    stored = (await client.post("/memory/store", json=body)).json()
    query = {"query": "described", "namespace": namespace, "explain": True}
    recalled = (await client.post("/memory/recall", json=query)).json()
    for answer, name in ((stored, "StoreOut"), (recalled, "RecallOut")):
        schema = {**OPENAPI, "$ref": f"#/components/schemas/{name}"}
        Draft202012Validator(schema).validate(answer)


@pytest.mark.anyio
async def test_rpc_discover_gives_the_description(client: httpx2.AsyncClient) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "rpc.discover"}
    assert (await client.post("/rpc", json=body)).json()["result"] == OPENRPC
