"""What a measurement stands on: a memory to feed and ask, and its vectors for the baselines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evals.baselines import Baselines, indexed_text
from evals.datasets.conversation import Conversation
from evals.subject import InProcessMemory, MemoryUnderTest, ServerMemory
from memory.backends.sqlite import SqliteStore
from memory.embedding import embedder_from
from memory.errors import StorageCorrupt
from memory.events import EventBus
from memory.metadata import SharedMetadata
from memory.ports import Embedder, Floats, RecordStore
from memory.privacy.keys import read_or_create_key_file
from memory.records import Filter
from memory.system import IntegratedMemorySystem, utc_now

__all__ = ["Laboratory", "gold_ids_by_key", "open_laboratory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Laboratory:
    """An open memory and what belongs to measuring it.

    ``store`` is the memory's own store when it is in this process. ``journal`` says what it was
    fed; ``salt`` tells its stored records from those of other settings.
    """

    subject: MemoryUnderTest
    embedder: Embedder
    store: RecordStore | None
    journal: Path
    salt: str

    def baselines(self, conversation: Conversation, namespace: str) -> Baselines:
        """The baselines over what this namespace holds.

        With the very vectors that are stored; those of a server cannot be had, so the same texts
        are embedded here.
        """
        if self.store is None:
            texts = [indexed_text(turn) for turn in conversation.turns]
            vectors = self.embedder.embed(texts)
        else:
            gold_ids = [turn.gold_id for turn in conversation.turns]
            vectors = _stored_vectors(self.store, self.embedder, namespace, gold_ids)
        return Baselines(conversation.turns, vectors, self.embedder)


@contextmanager
def open_laboratory(folder: Path, embedder_name: str, server: str | None) -> Iterator[Laboratory]:
    """Opens the memory: an encrypted file in the folder, or a running server.

    Raises:
        InvalidInput: There is no such embedder, or the server's address cannot be taken.
        StorageCorrupt: The folder's database and key do not belong together.
    """
    folder.mkdir(parents=True, exist_ok=True)
    embedder = embedder_from(embedder_name)
    if server is not None:
        with _server(server, folder, embedder) as laboratory:
            yield laboratory
        return
    key, created = read_or_create_key_file(folder / "memory.key")
    database = folder / "memory.db"
    if created and database.exists():
        raise StorageCorrupt(f"{database} has lost its key; remove it to feed a new one")
    store = SqliteStore.open(database, key, clock=utc_now)
    with IntegratedMemorySystem(
        EventBus(), SharedMetadata(), store=store, embedder=embedder
    ) as system:
        system.load()
        yield Laboratory(
            subject=InProcessMemory(system),
            embedder=embedder,
            store=store,
            journal=folder / "fed.jsonl",
            salt=embedder.identity.name,
        )


@contextmanager
def _server(url: str, folder: Path, embedder: Embedder) -> Iterator[Laboratory]:
    subject = ServerMemory(url)
    name = "".join(one if one.isalnum() else "-" for one in subject.description)
    try:
        yield Laboratory(
            subject=subject,
            embedder=embedder,
            store=None,
            journal=folder / f"fed-{name}.jsonl",
            salt=subject.description,
        )
    finally:
        subject.close()
        embedder.close()


def gold_ids_by_key(store: RecordStore, namespace: str) -> dict[int, str]:
    """The gold id of every record of a namespace, by the key it has in the indexes."""
    at = utc_now()
    keys = store.keys(namespace, Filter(), at).tolist()
    records = store.by_keys(namespace, keys, Filter(), at)
    return {key: str(record.metadata["gold_id"]) for key, record in records.items()}


def _stored_vectors(
    store: RecordStore, embedder: Embedder, namespace: str, wanted: Sequence[str]
) -> Floats:
    gold_ids = gold_ids_by_key(store, namespace)
    rows = store.index_rows(namespace, embedder.identity.name)
    by_gold = {
        gold_ids[row.key]: row.vector
        for row in rows
        if row.key in gold_ids and row.vector is not None
    }
    return np.stack([by_gold[name] for name in wanted])
