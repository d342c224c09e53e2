"""JSON-RPC 2.0 as the standard has it, over a few methods that need no memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
import pytest

from memory.errors import MemorydError, NotFound
from server.jsonrpc import JsonRpc, Method
from tools.definition import Caller

pytestmark = pytest.mark.anyio

CALLER = Caller()
PARSE, REQUEST, METHOD, PARAMS, INTERNAL = -32700, -32600, -32601, -32602, -32603


class Subtract:
    parameters: Sequence[str] = ("minuend", "subtrahend")

    async def run(self, arguments: Mapping[str, object], caller: Caller) -> bytes:
        return str(int(str(arguments["minuend"])) - int(str(arguments["subtrahend"]))).encode()


class Note:
    """Keeps what it was called with."""

    parameters: Sequence[str] = ("a", "b", "c")

    def __init__(self) -> None:
        self.heard: list[dict[str, object]] = []

    async def run(self, arguments: Mapping[str, object], caller: Caller) -> bytes:
        self.heard.append(dict(arguments))
        return json.dumps(len(self.heard)).encode()


class Fail:
    parameters: Sequence[str] = ()

    def __init__(self, error: MemorydError) -> None:
        self._error = error

    async def run(self, arguments: Mapping[str, object], caller: Caller) -> bytes:
        raise self._error


@pytest.fixture
def note() -> Note:
    return Note()


@pytest.fixture
def rpc(note: Note) -> JsonRpc:
    methods: dict[str, Method] = {
        "subtract": Subtract(),
        "note": note,
        "missing": Fail(NotFound("no such record", {"field": "id"})),
        "broken": Fail(MemorydError("something failed")),
    }
    return JsonRpc(methods)


async def ask(rpc: JsonRpc, body: bytes | str) -> Any:
    reply = await rpc.answer(body, CALLER)
    return None if reply is None else json.loads(reply)


def call(method: Any = "subtract", **members: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "method": method, **members})


@pytest.mark.parametrize(
    ("params", "result"),
    [
        ([42, 23], 19),
        ([23, 42], -19),
        ({"subtrahend": 23, "minuend": 42}, 19),
        ({"minuend": 42, "subtrahend": 23}, 19),
    ],
)
async def test_parameters_go_by_position_or_by_name(
    rpc: JsonRpc, params: object, result: int
) -> None:
    reply = await ask(rpc, call(params=params, id=1))
    assert reply == {"jsonrpc": "2.0", "result": result, "id": 1}


@pytest.mark.parametrize("request_id", ["a", "", "\ud800", 0, -7, 1.5, 10**30, None])
async def test_the_id_comes_back_as_it_was(rpc: JsonRpc, request_id: object) -> None:
    reply = await ask(rpc, call(params=[2, 1], id=request_id))
    assert (reply["id"], type(reply["id"])) == (request_id, type(request_id))
    assert reply["result"] == 1


@pytest.mark.parametrize(
    ("body", "code", "request_id"),
    [
        ('{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', PARSE, None),
        ("", PARSE, None),
        (b"\xff\xfe{}", PARSE, None),
        (b'\xef\xbb\xbf{"jsonrpc": "2.0", "method": "note", "id": 1}', PARSE, None),
        ('{"jsonrpc": "2.0", "method": "note", "params": [NaN], "id": 1}', PARSE, None),
        ('{"jsonrpc": "2.0", "method": "note", "params": [-Infinity], "id": 1}', PARSE, None),
        ('{"jsonrpc": "2.0", "method": "note", "id": 1, "id": 2}', PARSE, None),
        ("[" * 100_000, PARSE, None),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, PARSE, None),
        ('{"jsonrpc": "2.0", "method": "note", "id": ' + "9" * 5000 + "}", PARSE, None),
        ("[]", REQUEST, None),
        ("1", REQUEST, None),
        ('"text"', REQUEST, None),
        ("null", REQUEST, None),
        (call(method=1, id=4), REQUEST, 4),
        (call(method=None, id=4), REQUEST, 4),
        (call(params="bar", id=4), REQUEST, 4),
        (call(params=None, id=4), REQUEST, 4),
        (call(id=True), REQUEST, None),
        (call(id={"a": 1}), REQUEST, None),
        ('{"jsonrpc": "2.0", "method": "note", "id": 1e999}', REQUEST, None),
        ('{"method": "subtract", "id": 4}', REQUEST, 4),
        ('{"jsonrpc": "1.0", "method": "subtract", "id": 4}', REQUEST, 4),
        ('{"jsonrpc": 2.0, "method": "subtract", "id": 4}', REQUEST, 4),
        (call(method="foobar", id="1"), METHOD, "1"),
        (call(method="rpc.unknown", id="1"), METHOD, "1"),
        (call(params=[1, 2, 3], id=4), PARAMS, 4),
        (call(method="missing", id=5), -32010, 5),
        (call(method="broken", id=5), INTERNAL, 5),
    ],
)
async def test_what_is_wrong_has_its_code(
    rpc: JsonRpc, body: bytes | str, code: int, request_id: object
) -> None:
    reply = await ask(rpc, body)
    assert (reply["error"]["code"], reply["id"]) == (code, request_id)
    assert set(reply) == {"jsonrpc", "id", "error"}


async def test_an_error_of_the_memory_brings_its_facts(rpc: JsonRpc) -> None:
    error = (await ask(rpc, call(method="missing", id=5)))["error"]
    facts = {"code": "not_found", "retryable": False, "details": {"field": "id"}}
    assert error == {"code": -32010, "message": "no such record", "data": facts}


@pytest.mark.parametrize(
    "body",
    [
        call(method="note", params=[1]),
        call(method="foobar"),
        call(method="missing"),
        call(method="note", params=[1, 2, 3, 4]),
        f"[{call(method='note')},{call(method='foobar')}]",
    ],
)
async def test_notifications_are_never_answered(rpc: JsonRpc, body: str) -> None:
    assert await ask(rpc, body) is None


async def test_notifications_are_obeyed(rpc: JsonRpc, note: Note) -> None:
    await ask(rpc, call(method="note", params={"a": 1}))
    assert note.heard == [{"a": 1}]


async def test_a_request_without_an_id_that_is_malformed_is_answered(rpc: JsonRpc) -> None:
    reply = await ask(rpc, '{"jsonrpc": "2.0", "method": 1, "params": "bar"}')
    assert (reply["error"]["code"], reply["id"]) == (REQUEST, None)


async def test_a_batch_answers_each_request_in_order(rpc: JsonRpc) -> None:
    parts = [
        call(params=[3, 1], id="1"),
        call(method="note", params=[7]),
        '{"foo": "boo"}',
        "1",
        call(method="foo.get", params={"name": "myself"}, id="5"),
        call(params=[9, 1], id="9"),
    ]
    replies = await ask(rpc, f"[{','.join(parts)}]")
    told = [(one["id"], one.get("result", one.get("error", {}))) for one in replies]
    codes = [value["code"] if isinstance(value, dict) else value for _, value in told]
    assert [request_id for request_id, _ in told] == ["1", None, None, "5", "9"]
    assert codes == [2, REQUEST, REQUEST, METHOD, 8]


async def test_a_batch_of_too_many_requests_is_refused_whole(rpc: JsonRpc, note: Note) -> None:
    reply = await ask(rpc, f"[{','.join([call(method='note', id=1)] * 51)}]")
    assert (reply["error"]["code"], reply["id"], note.heard) == (REQUEST, None, [])


async def test_methods_of_a_connection_are_found_beside_the_others(rpc: JsonRpc) -> None:
    mine = Note()
    reply = await rpc.answer(call(method="mine", id=1), CALLER, {"mine": mine})
    assert reply == b'{"jsonrpc":"2.0","id":1,"result":1}'


# -- over HTTP, with the tools ---------------------------------------------------------------


async def post(client: httpx2.AsyncClient, body: object) -> httpx2.Response:
    return await client.post("/rpc", json=body)


async def test_a_later_request_of_a_batch_sees_what_an_earlier_one_stored(
    client: httpx2.AsyncClient, namespace: str
) -> None:
    entry = {"content": "seen at once", "namespace": namespace}
    query = {"query": "seen", "namespace": namespace}
    batch = [
        {"jsonrpc": "2.0", "id": 1, "method": "memory.store", "params": entry},
        {"jsonrpc": "2.0", "id": 2, "method": "memory.recall", "params": query},
    ]
    replies = (await post(client, batch)).json()
    assert [hit["content"] for hit in replies[1]["result"]["hits"]] == ["seen at once"]


async def test_a_notification_is_answered_with_no_content(
    client: httpx2.AsyncClient, namespace: str
) -> None:
    params = {"content": "quiet", "namespace": namespace}
    body = {"jsonrpc": "2.0", "method": "memory.store", "params": params}
    response = await post(client, body)
    assert (response.status_code, response.content) == (204, b"")


async def test_what_a_call_is_about_comes_first_by_position(client: httpx2.AsyncClient) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "memory.store", "params": ["by position"]}
    assert (await post(client, body)).json()["result"]["results"][0]["status"] == "stored"


async def test_errors_have_the_status_200(client: httpx2.AsyncClient) -> None:
    response = await client.post(
        "/rpc", content=b"\xff", headers={"content-type": "application/json"}
    )
    assert (response.status_code, response.json()["error"]["code"]) == (200, PARSE)
