"""The memory that is measured, reached through its public tools alone.

Either a memory in this process, called as the tools' catalogue calls it, or a running server over
its REST face. Both see the same arguments; neither is told what a question is about.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Protocol, TypeAlias, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from memory.errors import InvalidInput, Unavailable
from memory.system import IntegratedMemorySystem
from tools.definition import Caller, Parameters, Result, Tool
from tools.recall import Recall
from tools.store import Store

__all__ = ["Answer", "Hit", "InProcessMemory", "MemoryUnderTest", "ServerMemory"]

Arguments: TypeAlias = dict[str, object]
P = TypeVar("P", bound=Parameters)
R = TypeVar("R", bound=Result)
A = TypeVar("A", bound=BaseModel)

ACTOR = "memoryd-eval"
TIMEOUT_S = 600.0
BAD_ADDRESS = "server: give an address such as http://127.0.0.1:8765"


class Hit(BaseModel):
    """What counts of a hit: its text, its confidence, and the gold id in its metadata."""

    content: str
    confidence: float
    metadata: dict[str, object] = Field(default_factory=dict)

    @property
    def gold_id(self) -> str:
        """The gold id under which the record was stored; empty when it has none."""
        return str(self.metadata.get("gold_id", ""))


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits, best first, and how long the call took."""

    hits: list[Hit]
    seconds: float


class MemoryUnderTest(Protocol):
    """A memory that can be told and asked."""

    @property
    def description(self) -> str:
        """Which memory it is, for the report."""
        ...

    def store(self, namespace: str, entries: Sequence[Arguments]) -> None:
        """Stores the entries; all must be taken.

        Raises:
            InvalidInput: An entry was refused.
        """
        ...

    def recall(
        self, namespace: str, query: str, limit: int, min_confidence: float | None = None
    ) -> Answer:
        """Asks; ``min_confidence`` is the memory's own default when it is ``None``."""
        ...


class _Outcome(BaseModel):
    status: str
    reason: str | None = None


class _StoreAnswer(BaseModel):
    results: list[_Outcome]


class _RecallAnswer(BaseModel):
    hits: list[Hit]
    degraded: list[str] = Field(default_factory=list)


class InProcessMemory:
    """A memory in this process, through the tools of the catalogue."""

    def __init__(self, system: IntegratedMemorySystem) -> None:
        self._system = system
        self._store = Store()
        self._recall = Recall()

    @property
    def description(self) -> str:
        """That it is in this process."""
        return "in process"

    def store(self, namespace: str, entries: Sequence[Arguments]) -> None:
        """Stores by the tool ``store``."""
        result = self._call(self._store, {"entries": list(entries), "namespace": namespace})
        _check_stored(_StoreAnswer.model_validate(result.model_dump()))

    def recall(
        self, namespace: str, query: str, limit: int, min_confidence: float | None = None
    ) -> Answer:
        """Asks by the tool ``recall``."""
        start = time.perf_counter()
        result = self._call(
            self._recall, _recall_arguments(namespace, query, limit, min_confidence)
        )
        seconds = time.perf_counter() - start
        return _answer(_RecallAnswer.model_validate(result.model_dump()), seconds)

    def _call(self, tool: Tool[P, R], arguments: Arguments) -> R:
        parameters = tool.parameters.model_validate(arguments)
        return tool.call(self._system, Caller(actor=ACTOR), parameters)


class ServerMemory:
    """A running server, over REST. Not thread-safe: it keeps one connection.

    Args:
        url: Where it is, such as ``http://127.0.0.1:8765``.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or 80
        except ValueError:
            raise InvalidInput(BAD_ADDRESS, "server") from None
        if parts.scheme != "http" or not host:
            raise InvalidInput(BAD_ADDRESS, "server")
        self._url = f"http://{parts.netloc}"
        self._base = parts.path.rstrip("/")
        self._connection = HTTPConnection(host, port, timeout=TIMEOUT_S)

    @property
    def description(self) -> str:
        """The address of the server."""
        return self._url

    def store(self, namespace: str, entries: Sequence[Arguments]) -> None:
        """Stores by ``POST /memory/store``."""
        body = self._post("/memory/store", {"entries": list(entries), "namespace": namespace})
        _check_stored(self._read(_StoreAnswer, body))

    def recall(
        self, namespace: str, query: str, limit: int, min_confidence: float | None = None
    ) -> Answer:
        """Asks by ``POST /memory/recall``; the time is that of the whole request."""
        arguments = _recall_arguments(namespace, query, limit, min_confidence)
        start = time.perf_counter()
        body = self._post("/memory/recall", arguments)
        seconds = time.perf_counter() - start
        return _answer(self._read(_RecallAnswer, body), seconds)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def _post(self, path: str, arguments: Arguments) -> bytes:
        headers = {"Content-Type": "application/json"}
        try:
            self._connection.request("POST", self._base + path, json.dumps(arguments), headers)
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as error:
            self._connection.close()
            message = f"The server at {self._url} does not answer; is it running there?"
            raise Unavailable(message) from error
        if response.status != 200:
            raise Unavailable(f"The server at {self._url} answered {path} with {response.status}.")
        return body

    def _read(self, answer: type[A], body: bytes) -> A:
        try:
            return answer.model_validate_json(body)
        except ValidationError as error:
            message = f"What answers at {self._url} is not a memoryd of this version."
            raise Unavailable(message) from error


def _recall_arguments(
    namespace: str, query: str, limit: int, min_confidence: float | None
) -> Arguments:
    asked: Arguments = {"query": query, "limit": limit, "namespace": namespace}
    return asked if min_confidence is None else {**asked, "min_confidence": min_confidence}


def _check_stored(answer: _StoreAnswer) -> None:
    refused = [one for one in answer.results if one.status == "refused"]
    if refused:
        raise InvalidInput(f"{len(refused)} entries were refused, the first: {refused[0].reason}")


def _answer(answer: _RecallAnswer, seconds: float) -> Answer:
    if answer.degraded:
        raise Unavailable(
            f"recall was degraded ({', '.join(answer.degraded)}); the measurement would be wrong"
        )
    return Answer(answer.hits, seconds)
