"""REST: the tools as resources under ``/memory``, parameters as JSON bodies or query parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl

from pydantic import AliasChoices
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from memory.errors import InvalidInput, MemorydError
from server.dispatch import Dispatcher, result_json
from server.error_map import error_body, numbers_of, problem_body, retry_headers
from server.json_text import NotJson, parse_json
from tools.catalogue import by_name
from tools.definition import Caller, Parameters

__all__ = ["ENDPOINTS", "Endpoint", "Kind", "parameter_kinds", "problem", "rest_routes"]

JSON = "application/json"
QUERY_FIELDS_MAX = 2_000

Kind: TypeAlias = Literal["value", "list", "json"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a tool is found."""

    path: str
    tool_name: str
    methods: tuple[str, ...]


ENDPOINTS = (
    Endpoint("/memory/store", "store", ("POST",)),
    Endpoint("/memory/recall", "recall", ("GET", "POST")),
    Endpoint("/memory/update", "update", ("PATCH",)),
    Endpoint("/memory/forget", "forget", ("DELETE",)),
    Endpoint("/memory/summarize", "summarize", ("POST",)),
)

QUERY_METHODS = frozenset({"GET", "HEAD", "DELETE"})
"""Methods that take query parameters. The others change things and therefore want a JSON body,
which the page of another site cannot send unasked."""


def rest_routes(dispatcher: Dispatcher, caller: Caller) -> list[Route]:
    """The routes of all endpoints."""
    return [_route(endpoint, dispatcher, caller) for endpoint in ENDPOINTS]


def problem(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The response that says what is wrong with a request itself."""
    return Response(problem_body(code, message), status, headers, media_type=JSON)


def _route(endpoint: Endpoint, dispatcher: Dispatcher, caller: Caller) -> Route:
    async def serve(request: Request) -> Response:
        try:
            arguments = _arguments(endpoint, request, await request.body())
            _, result = await dispatcher.call(endpoint.tool_name, arguments, caller)
        except NotJson as error:
            return problem(400, "parse_error", f"the body cannot be read: {error.reason}")
        except MemorydError as error:
            return _error(error)
        return Response(result_json(result), media_type=JSON)

    return Route(endpoint.path, serve, methods=list(endpoint.methods))


def _error(error: MemorydError) -> Response:
    status = numbers_of(error).http
    return Response(error_body(error), status, retry_headers(error), media_type=JSON)


def _arguments(endpoint: Endpoint, request: Request, body: bytes) -> Mapping[str, object]:
    query = request.scope["query_string"]
    if query and (body or request.method not in QUERY_METHODS):
        raise InvalidInput("give the parameters as a JSON body alone, without query parameters")
    if body:
        arguments = parse_json(body)
        if not isinstance(arguments, dict):
            raise InvalidInput("send the parameters as a JSON object")
        return arguments
    if request.method not in QUERY_METHODS:
        raise InvalidInput("send the parameters as a JSON body")
    return _from_query(query, parameter_kinds(endpoint.tool_name))


def _from_query(query: bytes, kinds: Mapping[str, Kind]) -> Mapping[str, object]:
    given: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=QUERY_FIELDS_MAX,
        )
    except ValueError:
        raise NotJson("the query is not percent-encoded UTF-8 of moderate length") from None
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    return {name: _value(name, values, kinds.get(name)) for name, values in given.items()}


def _value(name: str, values: list[str], kind: Kind | None) -> object:
    if kind == "list" and len(values) > 1:
        return values
    if len(values) > 1:
        raise (
            InvalidInput(f"{name}: give it once", name)
            if kind
            else InvalidInput("a parameter is unknown and repeated")
        )
    text = values[0]
    if kind == "json" or (kind == "list" and text.startswith("[")):
        return _json(name, text)
    if kind == "list":
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _json(name: str, text: str) -> object:
    try:
        return parse_json(text)
    except NotJson as error:
        raise InvalidInput(f"{name}: give JSON; {error.reason}", name) from None


@cache
def parameter_kinds(tool_name: str) -> Mapping[str, Kind]:
    """How each query parameter of a tool is written, by each of its names."""
    tool = by_name(tool_name)
    if tool is None:
        raise LookupError(tool_name)
    kinds: dict[str, Kind] = {}
    properties = tool.parameters.model_json_schema()["properties"]
    for names in _names(tool.parameters):
        schema = next(properties[name] for name in names if name in properties)
        kinds.update(dict.fromkeys(names, _kind(schema)))
    return MappingProxyType(kinds)


def _names(parameters: type[Parameters]) -> Iterable[tuple[str, ...]]:
    for name, field in parameters.model_fields.items():
        alias = field.validation_alias
        if isinstance(alias, AliasChoices):
            yield tuple(choice for choice in alias.choices if isinstance(choice, str))
        else:
            yield (name,)


def _kind(schema: Mapping[str, object]) -> Kind:
    choices = schema.get("anyOf")
    parts = choices if isinstance(choices, list) else [schema]
    if any(part.get("type") == "array" for part in parts):
        return "list"
    return (
        "json"
        if any("$ref" in part or part.get("type") == "object" for part in parts)
        else ("value")
    )
