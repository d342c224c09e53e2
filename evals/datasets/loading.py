"""From the name of a data set and a path to its conversations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from pydantic import ValidationError

from evals.datasets.beam import load_beam
from evals.datasets.conversation import Conversation
from evals.datasets.jsonl import OWN_SET, load_jsonl
from evals.datasets.locomo import load_locomo
from evals.datasets.longmemeval import load_longmemeval
from memory.errors import InvalidInput

__all__ = ["LOADERS", "load_conversations"]

Loader: TypeAlias = Callable[[Path], list[Conversation]]

LOADERS: Mapping[str, Loader] = MappingProxyType(
    {
        "jsonl": load_jsonl,
        "locomo": load_locomo,
        "beam": load_beam,
        "longmemeval": load_longmemeval,
    }
)


def load_conversations(name: str, path: Path | None, most: int | None = None) -> list[Conversation]:
    """Reads the data set.

    Args:
        name: One of ``LOADERS``.
        path: Where it is; may be left out for ``jsonl``, of which a set comes with the package.
        most: Only so many conversations, from the first.

    Raises:
        InvalidInput: There is no such set, or what is there is not in its format.
    """
    if path is None:
        if name != "jsonl":
            raise InvalidInput(f"{name}: say where it is with --data", "data")
        path = OWN_SET
    try:
        conversations = LOADERS[name](path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", "data") from error
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        reason = error.errors(include_input=False)[0]["msg"]
        message = f"{path} is not in the format of {name}: {where}: {reason}"
        raise InvalidInput(message, "data") from error
    except (KeyError, ValueError) as error:
        message = f"{path} is not in the format of {name}: {error}"
        raise InvalidInput(message, "data") from error
    if not conversations:
        raise InvalidInput(f"{path} holds no conversations of {name}", "data")
    return conversations[:most]
