"""The master key and the file it is kept in."""

from __future__ import annotations

import base64
import os
import pickle
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.errors import InvalidInput, StorageUnavailable
from memory.privacy.keys import MasterKey, read_or_create_key_file

SECRET = bytes(range(200, 232))


def test_the_key_is_never_shown():
    key = MasterKey(SECRET)
    assert repr(key) == str(key) == "MasterKey(<hidden>)"
    assert SECRET.hex() not in f"{key!r} {key.__class__.__dict__}"
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_generated_keys_differ():
    assert MasterKey.generate() != MasterKey.generate()


def test_keys_for_different_purposes_differ_and_each_is_always_the_same():
    key = MasterKey(SECRET)
    derived = [key.derive(purpose) for purpose in ("database", "fingerprint", "")]
    assert len(set(derived)) == 3
    assert all(len(each) == 32 and each != SECRET for each in derived)
    assert MasterKey(SECRET).derive("database") == derived[0]


def test_derivation_follows_hkdf_sha256():
    # computed by hand from RFC 5869: extract with a salt of zeros, then expand one block
    import hmac

    extracted = hmac.digest(bytes(32), SECRET, "sha256")
    expanded = hmac.digest(extracted, b"memoryd/database\x01", "sha256")
    assert MasterKey(SECRET).derive("database") == expanded


@given(st.binary(min_size=32, max_size=32))
def test_every_way_of_writing_a_key_is_read(secret):
    written = [
        secret.hex(),
        secret.hex().upper(),
        base64.b64encode(secret).decode(),
        base64.urlsafe_b64encode(secret).decode(),
        base64.urlsafe_b64encode(secret).decode().rstrip("="),
        MasterKey(secret).encode() + "\n",
    ]
    assert {MasterKey.parse(each) for each in written} == {MasterKey(secret)}


@pytest.mark.parametrize(
    "text", ["", "secret", "g" * 64, "ab" * 31, "ab" * 33, "A" * 42, "é" * 43, "A" * 42 + "!"]
)
def test_anything_else_is_refused_without_repeating_it(text):
    with pytest.raises(InvalidInput) as refused:
        MasterKey.parse(text)
    assert not text or text not in str(refused.value)


def test_a_key_of_another_length_is_refused():
    with pytest.raises(InvalidInput):
        MasterKey(b"short")


def test_the_key_file_is_made_once_and_then_read(tmp_path):
    path = tmp_path / "master.key"
    key, created = read_or_create_key_file(path)
    assert created
    assert read_or_create_key_file(path) == (key, False)
    assert [each.name for each in tmp_path.iterdir()] == ["master.key"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_only_the_owner_can_read_the_key_file(tmp_path):
    path = tmp_path / "master.key"
    read_or_create_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(InvalidInput, match="chmod 600"):
        read_or_create_key_file(path)


def test_those_who_race_to_make_the_key_file_agree(tmp_path):
    path = tmp_path / "master.key"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: read_or_create_key_file(path), range(32)))
    assert len({key for key, _ in made}) == 1
    assert [created for _, created in made].count(True) == 1


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff" * 40, b"ab" * 600])
def test_a_key_file_without_a_key_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(InvalidInput, match="holds no key"):
        read_or_create_key_file(path)
    assert path.read_bytes() == content


def test_a_missing_folder_is_said_in_a_sentence(tmp_path):
    with pytest.raises(StorageUnavailable, match="folder"):
        read_or_create_key_file(tmp_path / "nowhere" / "master.key")
