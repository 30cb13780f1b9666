"""Keys and signatures."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from agents.policy.signing import PRIVATE, WEAK_KEYS, PublicKey, SigningKey, read_signing_key
from models.errors import ConfigError
from tests.agents.policy.cases import KEYS

BOB = KEYS["bob"]


def test_the_scheme_is_ed25519_as_rfc_8032_has_it() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = SigningKey(seed)
    public = PublicKey(bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
    assert key.public == public
    assert public.verifies(b"", key.sign(b""))


@given(st.binary(max_size=50), st.data())
def test_a_signature_is_of_one_content_and_one_key(content: bytes, data: st.DataObject) -> None:
    signature = BOB.sign(content)
    assert BOB.public.verifies(content, signature)
    assert not BOB.public.verifies(content + b"x", signature)
    assert not KEYS["carol"].public.verifies(content, signature)
    place = data.draw(st.integers(0, len(signature) - 1))
    other = signature[:place] + data.draw(st.sampled_from("ABab09+/=\n\u0131")) + signature[place + 1 :]
    assert other == signature or not BOB.public.verifies(content, other)


def test_keys_under_which_anybody_can_sign_are_refused() -> None:
    identity = b"\x01" + bytes(31)
    for raw in WEAK_KEYS:
        with pytest.raises(ValueError, match="anybody could sign"):
            PublicKey(raw)
        assert any(_signs_nothing(raw, identity + bytes(32), b"%d" % number) for number in range(200))


def _signs_nothing(raw: bytes, signature: bytes, content: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, content)
    except InvalidSignature:
        return False
    return True


@given(st.text(max_size=100))
def test_any_text_is_a_signature_or_none(text: str) -> None:
    assert not BOB.public.verifies(b"x", text)


def test_a_private_key_is_shown_by_nothing() -> None:
    secret = BOB.reveal().removeprefix(PRIVATE)
    assert secret not in f"{BOB!r}{BOB!s}"


@pytest.mark.parametrize("text", ["", BOB.public.text, PRIVATE, PRIVATE + "abc", BOB.reveal() + "x", "x" * 100])
def test_what_is_no_private_key_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(ConfigError, match="no key") as error:
        read_signing_key(f"file:{tmp_path / 'key'}", {})
    assert not text or text not in str(error.value)


def test_a_private_key_stands_in_a_file_or_the_environment(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(BOB.reveal() + "\n")
    assert read_signing_key(f"file:{tmp_path / 'key'}", {}).public == BOB.public
    assert read_signing_key("env:KEY", {"KEY": BOB.reveal()}).public == BOB.public
    with pytest.raises(ConfigError, match="not in the settings"):
        read_signing_key(BOB.reveal(), {})
