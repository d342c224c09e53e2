"""Composition: builds the whole object graph from the settings. Only here are backends named."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from memory.backends.bm25 import Bm25Index
from memory.backends.faiss import FaissVectorIndex
from memory.backends.sqlite import SqliteStore
from memory.embedding import embedder_from
from memory.events import EventBus
from memory.metadata import SharedMetadata
from memory.privacy.keys import MasterKey, read_or_create_key_file
from memory.system import IntegratedMemorySystem, utc_now
from server.config import Settings

__all__ = ["Composition", "compose", "master_key", "open_store"]

log = logging.getLogger(__name__)

KEY_NOTICE = (
    "A new master key was made at %s (mode 0600). Everything stored is encrypted with it: "
    "KEEP A COPY of that file in a safe place. Without it the memory cannot be read by anyone."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """The parts of a running memoryd."""

    settings: Settings
    system: IntegratedMemorySystem


def master_key(settings: Settings) -> MasterKey:
    """The key of the database: as set, else from the key file, which is made when missing.

    Raises:
        InvalidInput: The key is malformed, or its file can be read by others.
        StorageUnavailable: The key file cannot be read or made.
    """
    if settings.master_key is not None:
        return MasterKey.parse(settings.master_key.get_secret_value())
    key, created = read_or_create_key_file(settings.key_path)
    if created:
        log.warning(KEY_NOTICE, settings.key_path)
    return key


def open_store(settings: Settings) -> SqliteStore:
    """Opens the database, making it and its directory at the first start.

    Raises:
        StorageCorrupt: The file is damaged, or the key is not its key; it was left as it is.
        StorageUnavailable: The file cannot be reached.
    """
    path = settings.database_path
    key = MasterKey.generate() if path is None else master_key(settings)
    return SqliteStore.open(path, key, clock=utc_now)


def compose(settings: Settings) -> Composition:
    """Builds the memory; nothing heavy is loaded yet.

    Raises:
        MemorydError: A part cannot be opened; the message says which and what to do.
    """
    embedder = embedder_from(settings.embedder)
    system = IntegratedMemorySystem(
        EventBus(),
        SharedMetadata(),
        store=open_store(settings),
        embedder=embedder,
        vectors=FaissVectorIndex(embedder.identity.dimension),
        words=Bm25Index(),
    )
    return Composition(settings=settings, system=system)
