"""JSON-RPC 2.0 (https://www.jsonrpc.org/specification) over any transport: text in, reply out.

Methods are ``memory.<tool>`` for every tool, with named parameters or positional ones in the order
that ``rpc.discover`` tells (what a call is about comes first), and ``rpc.discover`` itself for the
OpenRPC description. The requests of a batch run one after the other, so that a later one sees what
an earlier one stored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from memory.errors import MemorydError
from server.dispatch import Dispatcher, result_json
from server.error_map import facts_of, numbers_of
from server.json_text import NotJson, parse_json
from server.openrpc import METHOD_PREFIX, openrpc_document, positional
from tools.catalogue import TOOLS
from tools.definition import Caller

__all__ = ["JsonRpc", "Method", "rpc_route", "tool_methods"]

BATCH_MAX = 50

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602


class Method(Protocol):
    """What a method name stands for."""

    @property
    def parameters(self) -> Sequence[str]:
        """The names of its parameters, in the order of positional ones."""
        ...

    async def run(self, arguments: Mapping[str, object], caller: Caller) -> bytes:
        """Does it; the result as JSON text.

        Raises:
            MemorydError: What went wrong.
        """
        ...


NO_METHODS: Mapping[str, Method] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _ToolMethod:
    """A tool as a method."""

    dispatcher: Dispatcher
    tool_name: str
    parameters: Sequence[str]

    async def run(self, arguments: Mapping[str, object], caller: Caller) -> bytes:
        _, result = await self.dispatcher.call(self.tool_name, arguments, caller)
        return result_json(result)


class _Discover:
    """``rpc.discover`` of OpenRPC."""

    parameters: Sequence[str] = ()

    async def run(self, arguments: Mapping[str, object], caller: Caller) -> bytes:
        return openrpc_document()


def tool_methods(dispatcher: Dispatcher) -> dict[str, Method]:
    """The methods that the catalogue of tools gives, and ``rpc.discover``."""
    methods: dict[str, Method] = {"rpc.discover": _Discover()}
    for tool in TOOLS:
        names = positional(tool.parameters.model_fields)
        methods[METHOD_PREFIX + tool.name] = _ToolMethod(dispatcher, tool.name, names)
    return methods


class _Refused(Exception):
    """A request that is answered with an error of the protocol."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class _Call:
    """A well-formed request. ``id`` is its JSON text; ``None`` marks a notification."""

    id: str | None
    method: str
    arguments: Mapping[str, object] | list[object]


class JsonRpc:
    """Answers requests, single or in batches.

    Args:
        methods: The methods by name.
    """

    def __init__(self, methods: Mapping[str, Method]) -> None:
        self._methods = methods

    async def answer(
        self, body: bytes | str, caller: Caller, also: Mapping[str, Method] = NO_METHODS
    ) -> bytes | None:
        """The reply to a request or a batch; ``None`` when none is due (notifications only).

        Args:
            body: The JSON text.
            caller: Who asks.
            also: Further methods, of this connection alone.
        """
        try:
            given = parse_json(body)
        except NotJson as error:
            return _refusal("null", _Refused(PARSE_ERROR, f"Parse error: {error.reason}"))
        if not isinstance(given, list):
            return await self._reply(given, caller, also)
        if not 0 < len(given) <= BATCH_MAX:
            message = f"Invalid Request: a batch holds 1 to {BATCH_MAX} requests"
            return _refusal("null", _Refused(INVALID_REQUEST, message))
        replies = [await self._reply(one, caller, also) for one in given]
        due = [reply for reply in replies if reply is not None]
        return b"[" + b",".join(due) + b"]" if due else None

    async def _reply(
        self, request: object, caller: Caller, also: Mapping[str, Method]
    ) -> bytes | None:
        try:
            call = _parse(request)
        except _Refused as error:
            return _refusal(_echoed_id(request), error)
        try:
            result = await self._run(call, caller, also)
        except _Refused as error:
            reply = _refusal(call.id or "null", error)
        except MemorydError as error:
            reply = _failure(call.id or "null", error)
        else:
            reply = b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (
                (call.id or "null").encode("ascii"),
                result,
            )
        return None if call.id is None else reply

    async def _run(self, call: _Call, caller: Caller, also: Mapping[str, Method]) -> bytes:
        method = self._methods.get(call.method) or also.get(call.method)
        if method is None:
            raise _Refused(METHOD_NOT_FOUND, "Method not found; rpc.discover lists the methods")
        return await method.run(_named(method, call.arguments), caller)


def _parse(request: object) -> _Call:
    if not isinstance(request, dict):
        raise _Refused(INVALID_REQUEST, "Invalid Request: it is not an object")
    if "id" in request and not _is_id(request["id"]):
        raise _Refused(INVALID_REQUEST, "Invalid Request: id is a string, a number or null")
    if request.get("jsonrpc") != "2.0":
        raise _Refused(INVALID_REQUEST, 'Invalid Request: jsonrpc must be "2.0"')
    method = request.get("method")
    if not isinstance(method, str):
        raise _Refused(INVALID_REQUEST, "Invalid Request: method must be a string")
    arguments = request.get("params", {})
    if not isinstance(arguments, dict | list):
        raise _Refused(INVALID_REQUEST, "Invalid Request: params is an object or an array")
    return _Call(json.dumps(request["id"]) if "id" in request else None, method, arguments)


def _is_id(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, str | int) and not isinstance(value, bool))


def _echoed_id(request: object) -> str:
    """The id of a malformed request if it can be told, else null (section 5 of the standard)."""
    found = request.get("id") if isinstance(request, dict) else None
    return json.dumps(found) if _is_id(found) else "null"


def _named(method: Method, arguments: Mapping[str, object] | list[object]) -> Mapping[str, object]:
    if not isinstance(arguments, list):
        return arguments
    if len(arguments) > len(method.parameters):
        raise _Refused(INVALID_PARAMS, "Invalid params: too many positional parameters")
    return dict(zip(method.parameters, arguments, strict=False))


def _refusal(request_id: str, error: _Refused) -> bytes:
    code = {PARSE_ERROR: "parse_error", METHOD_NOT_FOUND: "method_not_found"}.get(
        error.code, "invalid_input" if error.code == INVALID_PARAMS else "invalid_request"
    )
    facts = {"code": code, "retryable": False, "details": {}}
    return _error(request_id, error.code, error.message, facts)


def _failure(request_id: str, error: MemorydError) -> bytes:
    facts = facts_of(error)
    message = str(facts.pop("message"))
    return _error(request_id, numbers_of(error).json_rpc, message, facts)


def _error(request_id: str, code: int, message: str, facts: Mapping[str, object]) -> bytes:
    told = json.dumps({"code": code, "message": message, "data": facts}, separators=(",", ":"))
    return f'{{"jsonrpc":"2.0","id":{request_id},"error":{told}}}'.encode("ascii")


def rpc_route(rpc: JsonRpc, caller: Caller) -> Route:
    """``POST /rpc``: every reply has the status 200, errors too; 204 when none is due."""

    async def post(request: Request) -> Response:
        reply = await rpc.answer(await request.body(), caller)
        if reply is None:
            return Response(status_code=204)
        return Response(reply, media_type="application/json")

    return Route("/rpc", post, methods=["POST"])
