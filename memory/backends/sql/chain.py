"""The chain of digests that makes the change log tamper-evident."""

from __future__ import annotations

import hmac
import json

from memory.privacy.keys import MasterKey

GENESIS = bytes(32)
"""What stands in for the digest before the first change."""


class ChainKeys:
    """The keyed hashes of a store, each under a key of its own.

    Args:
        master: The key that all are derived from.
    """

    __slots__ = ("_body", "_change", "_fingerprint")

    def __init__(self, master: MasterKey) -> None:
        self._change = master.derive("change digest")
        self._body = master.derive("body digest")
        self._fingerprint = master.derive("fingerprint")

    def body_digest(self, body: str) -> bytes:
        """HMAC-SHA256 of a body, 32 bytes; it stays when the body is erased."""
        return hmac.digest(self._body, body.encode(), "sha256")

    def change_digest(self, previous: bytes, facts: tuple[object, ...], body: bytes) -> bytes:
        """HMAC-SHA256 over the previous digest and a change, 32 bytes.

        Args:
            previous: The digest before, ``GENESIS`` for the first change.
            facts: Sequence number, namespace, record id, version, operation, actor, time, reason.
            body: The digest of the body.
        """
        told = json.dumps([*facts, body.hex()], ensure_ascii=False, separators=(",", ":"))
        return hmac.digest(self._change, previous + told.encode(), "sha256")

    def fingerprint(self, namespace: str, text: str) -> bytes:
        """HMAC-SHA256 of a text within its namespace, 32 bytes."""
        scope = namespace.encode()
        told = len(scope).to_bytes(4, "big") + scope + text.encode()
        return hmac.digest(self._fingerprint, told, "sha256")
