"""The OpenRPC description (https://spec.open-rpc.org) of the JSON-RPC methods."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache

from server.about import TITLE, VERSION
from server.error_map import NUMBERS
from server.schemas import Schema, component, components
from tools.catalogue import TOOLS, AnyTool

__all__ = ["EVENT_METHODS", "METHOD_PREFIX", "openrpc_document", "positional"]

METHOD_PREFIX = "memory."

EVENT_METHODS = {
    "subscribe": "On /ws only: from now on, memory.event notifications (ids and operation, never "
    "content) of one namespace, or of the caller's own.",
    "unsubscribe": "On /ws only: ends what subscribe began.",
}
"""Methods of a WebSocket connection, without the prefix."""


def positional(names: Iterable[str]) -> list[str]:
    """The names of parameters in the order of positions: what a call is about comes first."""
    return sorted(names, key=lambda name: name not in ("content", "query", "id"))


@cache
def openrpc_document() -> bytes:
    """The description as JSON text; the same at every call."""
    document = {
        "openrpc": "1.3.2",
        "info": {"title": TITLE, "version": VERSION},
        "methods": [
            *(_tool_method(tool) for tool in TOOLS),
            *(_event_method(name, text) for name, text in EVENT_METHODS.items()),
        ],
        "components": {"schemas": components()},
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _tool_method(tool: AnyTool) -> Schema:
    schema = components()[tool.parameters.__name__]
    required = schema.get("required")
    properties = schema["properties"]
    if not isinstance(properties, dict):
        raise TypeError("a tool's parameters are described by their properties")
    return {
        "name": METHOD_PREFIX + tool.name,
        "summary": tool.title,
        "description": tool.description,
        "paramStructure": "either",
        "params": [
            {
                "name": name,
                "required": isinstance(required, list) and name in required,
                "schema": properties[name],
            }
            for name in positional(properties)
        ],
        "result": {"name": "result", "schema": component(tool.result)},
        "errors": _errors(),
    }


def _event_method(name: str, text: str) -> Schema:
    namespace = {"name": "namespace", "required": False, "schema": {"type": "string"}}
    return {
        "name": METHOD_PREFIX + name,
        "description": text,
        "paramStructure": "either",
        "params": [namespace],
        "result": {"name": "result", "schema": {"type": "object"}},
    }


def _errors() -> list[Schema]:
    by_code = {numbers.json_rpc: numbers.meaning for numbers in NUMBERS.values()}
    return [{"code": code, "message": meaning} for code, meaning in by_code.items()]
