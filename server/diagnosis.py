"""What can be wrong with an installation: one function a part, each with a verdict and advice."""

from __future__ import annotations

import http.client
import json
import os
import platform
import socket
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from memory.embedding import embedder_from
from memory.errors import MemorydError
from server.about import NAME, VERSION
from server.composition import compose, database_versions, master_key, open_store
from server.config import Settings

__all__ = [
    "Check",
    "Verdict",
    "check_database",
    "check_embedder",
    "check_home",
    "check_key",
    "check_log",
    "check_port",
    "check_versions",
    "rebuild",
]

PROBLEMS_SHOWN = 5
PROBE_TIMEOUT_S = 2.0
LOOPBACK = "127.0.0.1"
BATCH = 256
PROBE = "The kettle is in the kitchen."
PACKAGES = ("mcp", "faiss-cpu", "onnxruntime", "sqlcipher3", "sqlalchemy")

Progress = Callable[[int, int], None]


class Verdict(StrEnum):
    """How a part fares."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it fares, and in one sentence what there is to know or to do."""

    name: str
    verdict: Verdict
    message: str


def check_home(settings: Settings) -> Check:
    """Whether the data directory can be written, and by whom it can be read."""
    home = settings.home.expanduser()
    if not home.exists():
        return Check("home", Verdict.OK, f"{home} is made at the first start")
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        return Check("home", Verdict.FAIL, f"{home} cannot be written by this user; change that")
    if os.name == "posix" and stat.S_IMODE(home.stat().st_mode) & 0o022:
        advice = f"other users may change what is in {home}; run: chmod go-w {home}"
        return Check("home", Verdict.WARN, advice)
    return Check("home", Verdict.OK, str(home))


def check_key(settings: Settings) -> Check:
    """Whether the key is there, well-formed and private."""
    path = settings.key_path
    database = settings.database_path
    if database is None:
        return Check("key", Verdict.OK, "none is needed: the memory ends with the process")
    if settings.master_key is None and not path.exists():
        if database.exists():
            advice = f"{path} is missing; restore your copy, the database cannot be read without"
            return Check("key", Verdict.FAIL, advice)
        return Check("key", Verdict.OK, f"{path} is made at the first start")
    try:
        master_key(settings)
    except MemorydError as error:
        return Check("key", Verdict.FAIL, error.message)
    if settings.master_key is not None:
        return Check("key", Verdict.OK, "given by the setting master_key")
    return Check("key", Verdict.OK, f"{path}; keep a copy of it in a safe place")


def check_database(settings: Settings, progress: Progress) -> Check:
    """Whether every page of the database file is authentic and its tables agree."""
    path = settings.database_path
    if path is None or not path.exists():
        where = "in memory" if path is None else str(path)
        return Check("database", Verdict.OK, f"{where}; nothing is stored yet")
    try:
        with closing(open_store(settings)) as store:
            problems = store.check_file(progress)
    except MemorydError as error:
        return Check("database", Verdict.FAIL, f"{path}: {error.message}")
    if problems:
        advice = "; restore a backup, or run memoryd doctor --rebuild"
        return Check("database", Verdict.FAIL, _first(problems) + advice)
    return Check("database", Verdict.OK, f"{path}, {path.stat().st_size:,} bytes, intact")


def check_log(settings: Settings, progress: Progress) -> Check:
    """Whether the log's chain holds, and records, words and vectors agree with it."""
    path = settings.database_path
    if path is None or not path.exists():
        return Check("log", Verdict.OK, "nothing is stored yet")
    try:
        system = compose(settings).system
        with system:
            problems = system.check(progress)
            counts = {one.namespace: one.records for one in system.namespaces()}
    except MemorydError as error:
        return Check("log", Verdict.FAIL, error.message)
    if problems:
        advice = "; run memoryd doctor --rebuild, or restore a backup"
        return Check("log", Verdict.FAIL, _first(problems) + advice)
    records = f"{sum(counts.values()):,} records in {len(counts)} namespaces"
    return Check("log", Verdict.OK, f"the chain holds; {records} agree with it")


def rebuild(settings: Settings, progress: Progress) -> Check:
    """Makes the records anew from the log, and gives a vector to each that lacks one."""
    path = settings.database_path
    if path is None or not path.exists():
        return Check("rebuild", Verdict.OK, "nothing is stored yet")
    try:
        with compose(settings).system as system:
            count = system.rebuild(progress)
            given = 0
            while embedded := system.embed_missing(BATCH):
                given += embedded
    except MemorydError as error:
        return Check("rebuild", Verdict.FAIL, error.message)
    message = f"{count:,} records made anew from the log, {given:,} vectors added"
    return Check("rebuild", Verdict.OK, message)


def check_embedder(settings: Settings) -> Check:
    """Whether the embedding model loads and gives unit vectors."""
    try:
        chosen = embedder_from(settings.embedder, late_interaction=settings.late_interaction)
        with closing(chosen) as embedder:
            vectors = embedder.embed([PROBE])
            dimension = embedder.identity.dimension
    except MemorydError as error:
        return Check("embedder", Verdict.FAIL, error.message)
    if vectors.shape != (1, dimension) or not np.isclose(np.linalg.norm(vectors), 1, atol=1e-3):
        return Check("embedder", Verdict.FAIL, "it gives no unit vectors; install memoryd anew")
    if settings.embedder == "hashing":
        advice = "hashing knows words but no meaning; unset the setting embedder for the model"
        return Check("embedder", Verdict.WARN, advice)
    return Check("embedder", Verdict.OK, f"{settings.embedder}, {dimension} dimensions")


def check_port(settings: Settings) -> Check:
    """Whether the port is free, or a memoryd serves there already."""
    host = settings.host if settings.host in (LOOPBACK, "localhost", "::1") else LOOPBACK
    where = f"{host}:{settings.port}"
    if settings.port == 0:
        return Check("port", Verdict.OK, "a free one is taken")
    if _is_free(host, settings.port):
        return Check("port", Verdict.OK, f"{where} is free; `memoryd serve` can take it")
    if _serves_memoryd(host, settings.port):
        return Check("port", Verdict.OK, f"a memoryd serves on {where}")
    advice = f"another program listens on {where}; choose a port with MEMORYD_PORT"
    return Check("port", Verdict.WARN, advice)


def check_versions() -> Check:
    """The versions of what memoryd is made of."""
    known = {"Python": platform.python_version(), **database_versions()}
    known.update({package: _installed(package) for package in PACKAGES})
    listed = ", ".join(f"{name} {number}" for name, number in known.items())
    return Check("versions", Verdict.OK, f"{NAME} {VERSION}; {listed}")


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _first(problems: tuple[str, ...] | list[str]) -> str:
    more = len(problems) - PROBLEMS_SHOWN
    return "; ".join(problems[:PROBLEMS_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_TIMEOUT_S)
        return probe.connect_ex((host, port)) != 0


def _serves_memoryd(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=PROBE_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        told = json.loads(response.read(65_536))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return response.status == 200 and isinstance(told, dict)
