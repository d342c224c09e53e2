"""Who speaks in a namespace, and whom a question names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from memory.ports import Floats
from memory.text.analysis import terms

__all__ = ["Speakers"]


class Speakers:
    """The speaker of each record. Not thread-safe."""

    def __init__(self) -> None:
        self._speaker_of: dict[int, str] = {}
        self._records: Counter[str] = Counter()
        self._names: dict[str, tuple[str, ...]] = {}

    def put(self, key: int, speaker: str | None) -> None:
        """Notes who speaks in a record; an earlier note is replaced."""
        self.remove(key)
        if speaker is not None:
            self._speaker_of[key] = speaker
            self._names.setdefault(speaker, terms(speaker))
            self._records[speaker] += 1

    def remove(self, key: int) -> None:
        """Drops a record; an unknown one is no error."""
        speaker = self._speaker_of.pop(key, None)
        if speaker is not None:
            self._records[speaker] -= 1
            if not self._records[speaker]:
                del self._records[speaker], self._names[speaker]

    def named_in(self, words: Iterable[str]) -> frozenset[str]:
        """The speakers whose first name or whole name is among the terms of a question."""
        asked = set(words)
        return frozenset(
            speaker
            for speaker, name in self._names.items()
            if name and (name[0] in asked or asked.issuperset(name))
        )

    def spoken_by(self, keys: Sequence[int], speakers: frozenset[str]) -> Floats:
        """1 for each record that one of the speakers spoke, else 0."""
        return np.array([self._speaker_of.get(key) in speakers for key in keys], np.float32)
