"""The master key, from which every other key is derived.

Nothing here reads the environment: where a key comes from is the caller's decision.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from memory.errors import InvalidInput, StorageUnavailable

KEY_BYTES = 32
_KEY_FILE_BYTES_MAX = 1024
_FIELD = "master_key"


class MasterKey:
    """256 secret bits. They are never shown; use ``derive`` to get a key for one purpose.

    Args:
        secret: Exactly 32 bytes.

    Raises:
        InvalidInput: The secret has another length.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise InvalidInput(f"The master key must have {KEY_BYTES} bytes.", _FIELD)
        self._secret = bytes(secret)

    @classmethod
    def generate(cls) -> MasterKey:
        """A new key from the operating system's random numbers."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> MasterKey:
        """Reads a key written as 64 hexadecimal digits, or as base64 or base64url of 32 bytes.

        Raises:
            InvalidInput: The text is neither; it is not repeated in the message.
        """
        secret = _decode(text.strip())
        if secret is None:
            raise InvalidInput(
                "The master key must be 64 hexadecimal digits, or base64 of 32 bytes.", _FIELD
            )
        return cls(secret)

    def derive(self, purpose: str) -> bytes:
        """The 32-byte key for one purpose, by HKDF-SHA256 (RFC 5869).

        Keys of different purposes tell nothing about each other or about the master key.
        """
        info = b"memoryd/" + purpose.encode()
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self._secret)

    def encode(self) -> str:
        """The key as 64 hexadecimal digits, as ``parse`` reads it. Handle with care."""
        return self._secret.hex()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MasterKey):
            return NotImplemented
        return secrets.compare_digest(self._secret, other._secret)

    def __hash__(self) -> int:
        return hash(self._secret)

    def __repr__(self) -> str:
        return "MasterKey(<hidden>)"

    def __reduce__(self) -> str:
        raise TypeError("A master key is not pickled.")


def read_or_create_key_file(path: Path) -> tuple[MasterKey, bool]:
    """Reads the key file, or makes one that only its owner can read.

    The file appears whole or not at all, so that processes racing to make it agree on one key.

    Returns:
        The key, and whether this call made it.

    Raises:
        InvalidInput: The file holds no key, or other users can read it.
        StorageUnavailable: The file can be neither read nor made.
    """
    try:
        if not path.exists():
            key = MasterKey.generate()
            if _create(path, key):
                return key, True
        return _read(path), False
    except OSError as error:
        raise StorageUnavailable(
            f"The key file {path} can be neither read nor made: {error.strerror}. "
            "Check that its folder exists and that this user may write there."
        ) from error


def _decode(text: str) -> bytes | None:
    try:
        if len(text) == 2 * KEY_BYTES:
            return bytes.fromhex(text)
        padded = text.replace("-", "+").replace("_", "/").rstrip("=")
        padded += "=" * (-len(padded) % 4)
        secret = base64.b64decode(padded, validate=True)
    except (ValueError, binascii.Error):
        return None
    return secret if len(secret) == KEY_BYTES else None


def _read(path: Path) -> MasterKey:
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise InvalidInput(
                f"Other users can read the key file {path}; run: chmod 600 {path}", _FIELD
            )
        raw = file.read(_KEY_FILE_BYTES_MAX)
    try:
        return MasterKey.parse(raw.decode("ascii"))
    except (InvalidInput, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"The key file {path} holds no key; restore it from a backup. Without the key the "
            "database it belongs to cannot be read.",
            _FIELD,
        ) from error


def _create(path: Path, key: MasterKey) -> bool:
    """Whether this call made the file; False when another process was faster."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    _write_private(draft, key.encode() + "\n")
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    _sync_folder(path.parent)
    return True


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # only there can a folder be opened and synchronised
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
