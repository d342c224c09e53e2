"""What a memory is made of: the models and features in use, for whoever wants to know."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from memory.records import JsonValue

__all__ = ["Feature", "Model", "SharedMetadata"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model in use: its name, what it is for, and facts such as its dimension."""

    name: str
    purpose: str
    facts: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature in use: its name, what it does in one sentence, and its version."""

    name: str
    description: str
    version: str = "1"


class SharedMetadata:
    """The registry of models and features that the parts of a memory share. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: dict[str, Model] = {}
        self._features: dict[str, Feature] = {}

    def register_model(self, model: Model) -> None:
        """Adds a model, or replaces the one that served the same purpose."""
        with self._lock:
            self._models[model.purpose] = model

    def register_feature(self, feature: Feature) -> None:
        """Adds a feature, or replaces the one of the same name."""
        with self._lock:
            self._features[feature.name] = feature

    @property
    def models(self) -> tuple[Model, ...]:
        """The models in use, by purpose."""
        with self._lock:
            return tuple(self._models[purpose] for purpose in sorted(self._models))

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features in use, by name."""
        with self._lock:
            return tuple(self._features[name] for name in sorted(self._features))

    def as_json(self) -> dict[str, JsonValue]:
        """Models and features as JSON values."""
        return {
            "models": [
                {"purpose": model.purpose, "name": model.name, **model.facts}
                for model in self.models
            ],
            "features": [
                {
                    "name": feature.name,
                    "description": feature.description,
                    "version": feature.version,
                }
                for feature in self.features
            ],
        }
