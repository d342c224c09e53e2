"""The OpenAPI 3.1 description of the REST endpoints, from the catalogue of tools."""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus

from server.about import TITLE, VERSION
from server.error_map import NUMBERS
from server.rest import ENDPOINTS, Endpoint, Kind, parameter_kinds
from server.schemas import COMPONENT, Schema, component, components
from tools.catalogue import AnyTool, by_name

__all__ = ["openapi_document"]

PARSE_ERROR = "The body is not JSON or the query not percent-encoded UTF-8."
CONTENT_TYPE = "The body is not application/json."

ERROR_SCHEMA: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "retryable", "details"],
            "properties": {
                "code": {"type": "string", "description": "Stable name of the kind of error."},
                "message": {"type": "string", "description": "What is wrong and what to do."},
                "retryable": {"type": "boolean"},
                "details": {"type": "object", "description": "Facts, such as the field."},
            },
        }
    },
}


@cache
def openapi_document() -> bytes:
    """The description as JSON text; the same at every call."""
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "description": "Store, recall, update, forget and summarize what agents remember.",
        },
        "paths": {endpoint.path: _path(endpoint) for endpoint in ENDPOINTS},
        "components": {
            "schemas": {**components(), "Error": ERROR_SCHEMA},
            "responses": _error_responses(),
        },
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _path(endpoint: Endpoint) -> Schema:
    tool = by_name(endpoint.tool_name)
    if tool is None:
        raise LookupError(endpoint.tool_name)
    return {method.lower(): _operation(endpoint, method, tool) for method in endpoint.methods}


def _operation(endpoint: Endpoint, method: str, tool: AnyTool) -> Schema:
    body = {
        "required": method != "DELETE",
        "content": {"application/json": {"schema": component(tool.parameters)}},
    }
    by_query = {"parameters": _query_parameters(tool)} if method in ("GET", "DELETE") else {}
    by_body = {} if method == "GET" else {"requestBody": body}
    result = {
        "description": "Done.",
        "content": {"application/json": {"schema": component(tool.result)}},
    }
    return {
        "operationId": tool.name if method == endpoint.methods[0] else f"{tool.name}_{method}",
        "summary": tool.title,
        "description": tool.description,
        **by_query,
        **by_body,
        "responses": {
            "200": result,
            **{str(status): _reference(status) for status in sorted(_meanings())},
        },
    }


def _query_parameters(tool: AnyTool) -> list[Schema]:
    kinds = parameter_kinds(tool.name)
    properties = components()[tool.parameters.__name__]["properties"]
    if not isinstance(properties, dict):
        raise TypeError("a tool's parameters are described by their properties")
    return [_query_parameter(name, schema, kinds[name]) for name, schema in properties.items()]


def _query_parameter(name: str, schema: Schema, kind: Kind) -> Schema:
    told: Schema = {"name": name, "in": "query", "required": False}
    if kind == "json":
        return {**told, "content": {"application/json": {"schema": schema}}}
    if kind == "list":
        return {**told, "schema": schema, "style": "form", "explode": True}
    return {**told, "schema": schema}


def _meanings() -> dict[int, str]:
    """What each status of an error means; kinds that share one are told together."""
    meanings = {400: PARSE_ERROR, 415: CONTENT_TYPE, 413: "The body is too large."}
    for numbers in NUMBERS.values():
        known = meanings.get(numbers.http)
        meanings[numbers.http] = f"{known} {numbers.meaning}" if known else numbers.meaning
    return meanings


def _reference(status: int) -> Schema:
    return {"$ref": f"#/components/responses/{_response_name(status)}"}


def _response_name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


def _error_responses() -> Schema:
    content = {"application/json": {"schema": {"$ref": f"{COMPONENT}Error"}}}
    waiting = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return {
        _response_name(status): {
            "description": meaning,
            "content": content,
            **({"headers": waiting} if status in (429, 503) else {}),
        }
        for status, meaning in _meanings().items()
    }
