"""Composition: builds the whole object graph from the settings. Only here are backends named."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from memory.backends.bm25 import Bm25Index
from memory.backends.faiss import FaissVectorIndex
from memory.backends.sqlite import SqliteStore, library_versions
from memory.embedding import embedder_from
from memory.errors import StorageCorrupt, StorageUnavailable
from memory.events import EventBus
from memory.metadata import SharedMetadata
from memory.privacy.keys import MasterKey, read_or_create_key_file
from memory.system import IntegratedMemorySystem, utc_now
from server.config import Settings

__all__ = ["Composition", "compose", "database_versions", "master_key", "open_store"]

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

    @property
    def event_bus(self) -> EventBus:
        """What tells of changes."""
        return self.system.event_bus

    @property
    def composed(self) -> bool:
        """Whether ``system`` is there: always."""
        return True


def master_key(settings: Settings) -> MasterKey:
    """The key of the database: as set, else from the key file, which is made at the first start.

    Raises:
        InvalidInput: The key is malformed, or its file can be read by others.
        StorageCorrupt: There is a database but not its key file.
        StorageUnavailable: The key file cannot be read or made.
    """
    if settings.master_key is not None:
        return MasterKey.parse(settings.master_key.get_secret_value())
    database, key_file = settings.database_path, settings.key_path
    if database is not None and database.exists() and not key_file.exists():
        raise StorageCorrupt(
            f"There is a database at {database} but no key at {key_file}. Bring the key file "
            "back from its copy, or set MEMORYD_MASTER_KEY; a new key could not read it."
        )
    _make_folder(key_file.parent)
    key, created = read_or_create_key_file(key_file)
    if created:
        log.warning(KEY_NOTICE, key_file)
    return key


def _make_folder(folder: Path) -> None:
    """Makes the folder, for this user alone, when it is not there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageUnavailable(
            f"The folder {folder} cannot be made: {error.strerror}. Choose another with "
            "MEMORYD_HOME."
        ) from error


def open_store(settings: Settings) -> SqliteStore:
    """Opens the database, making it and its directory at the first start.

    Raises:
        StorageCorrupt: The file is damaged, or the key is not its key; it was left as it is.
        StorageUnavailable: The file cannot be reached.
    """
    path = settings.database_path
    if path is not None:
        _make_folder(path.parent)
    key = MasterKey.generate() if path is None else master_key(settings)
    return SqliteStore.open(path, key, clock=utc_now)


def database_versions() -> dict[str, str]:
    """The versions of the database engine and of its encryption, by name."""
    return library_versions()


def compose(settings: Settings, event_bus: EventBus | None = None) -> Composition:
    """Builds the memory; nothing heavy is loaded yet.

    Args:
        settings: The settings of the process.
        event_bus: Is told of changes; a new one unless given.

    Raises:
        MemorydError: A part cannot be opened; the message says which and what to do.
    """
    embedder = embedder_from(settings.embedder, late_interaction=settings.late_interaction)
    system = IntegratedMemorySystem(
        event_bus or EventBus(),
        SharedMetadata(),
        store=open_store(settings),
        embedder=embedder,
        vectors=FaissVectorIndex(embedder.identity.dimension),
        words=Bm25Index(),
    )
    return Composition(settings=settings, system=system)
