"""JSON schemas of the tools' parameters and results, for the descriptions of each protocol."""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from tools.catalogue import TOOLS
from tools.definition import Parameters, Result

__all__ = ["Schema", "component", "components", "input_schema", "output_schema"]

Schema: TypeAlias = dict[str, object]

COMPONENT = "#/components/schemas/"


NULL_MEANS_SOMETHING = frozenset({"ChangesIn"})
"""Models in which null is not the same as leaving the field out."""


def input_schema(parameters: type[Parameters]) -> Schema:
    """A schema that stands by itself, in few words: it takes room in the context of every agent.

    Titles that only repeat the names are left out, and so is null where it means no more than
    leaving the field out; it is taken all the same.
    """
    schema = _without_titles(parameters.model_json_schema(mode="validation"))
    definitions = schema.get("$defs")
    if isinstance(definitions, dict):
        schema["$defs"] = {
            name: one if name in NULL_MEANS_SOMETHING else _without_nulls(one)
            for name, one in definitions.items()
        }
    return _without_nulls(schema)


def output_schema(result: type[Result]) -> Schema:
    """The same of a result."""
    return _without_titles(result.model_json_schema(mode="serialization"))


@cache
def components() -> dict[str, Schema]:
    """The schemas of all tools by name, referring to each other as OpenAPI and OpenRPC want it."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = []
    for tool in TOOLS:
        models += [(tool.parameters, "validation"), (tool.result, "serialization")]
    _, definitions = models_json_schema(models, ref_template=COMPONENT + "{model}")
    return {name: _without_titles(schema) for name, schema in sorted(definitions["$defs"].items())}


def component(model: type[BaseModel]) -> Schema:
    """The reference to the schema of a tool's parameters or result."""
    if model.__name__ not in components():
        raise LookupError(f"{model.__name__} is no model of a tool")
    return {"$ref": COMPONENT + model.__name__}


def _without_nulls(schema: Schema) -> Schema:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
    return {**schema, "properties": {name: _plain(one) for name, one in properties.items()}}


def _plain(schema: Schema) -> Schema:
    """The schema of a field, without the null that stands for leaving it out."""
    choices = schema.get("anyOf")
    if not isinstance(choices, list) or schema.get("default", ...) is not None:
        return schema
    given = [choice for choice in choices if choice != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    if len(given) != 1:
        return {**rest, "anyOf": given}
    plain = {**given[0], **rest}
    items = plain.get("items")
    return {**plain, "items": _without_nulls(items)} if isinstance(items, dict) else plain


def _without_titles(schema: Schema) -> Schema:
    """The schema without automatic titles; properties that are called so stay."""
    return {
        key: _named(value) if key in ("properties", "$defs") else _slim(value)
        for key, value in schema.items()
        if key != "title"
    }


def _named(schemas: object) -> object:
    if not isinstance(schemas, dict):
        return schemas
    return {name: _slim(schema) for name, schema in schemas.items()}


def _slim(value: object) -> object:
    if isinstance(value, dict):
        return _without_titles(value)
    return [_slim(one) for one in value] if isinstance(value, list) else value
