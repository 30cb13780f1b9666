"""Ed25519 keys of people and of the audit log: making them, reading them, signing and verifying (RFC 8032).

A private key is a line of text that says what it is, so that nobody takes it for the public one, which is plain base64.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from enrichers.secrets import read_secret
from models.errors import ConfigError
from models.uids import sha256_hex

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
PRIVATE: Final = "ed25519-private:"
FINGERPRINT_HEX: Final = 16
# Points of small order, in each way they can be written: under such a key anybody can sign something.
_Y: Final = (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03",
)
WEAK_KEYS: Final = frozenset(
    bytes.fromhex(text)
    for text in (
        *("01" + "00" * 31, "01" + "00" * 30 + "80", "00" * 32, "00" * 31 + "80"),
        *("ec" + "ff" * 30 + "7f", "ec" + "ff" * 31, "ed" + "ff" * 30 + "7f", "ed" + "ff" * 31),
        *("ee" + "ff" * 30 + "7f", "ee" + "ff" * 31),
        *(_Y[0] + "05", _Y[0] + "85", _Y[1] + "7a", _Y[1] + "fa"),
    )
)


class PublicKey:
    """Who verifies with it knows who signed."""

    __slots__ = ("_key", "fingerprint", "text")

    def __init__(self, raw: bytes) -> None:
        """Prepare; raise ValueError when the bytes are no key.

        Args:
            raw: The 32 bytes of the key.
        """
        if raw in WEAK_KEYS:
            raise ValueError("is no public key: anybody could sign for it")
        self._key = Ed25519PublicKey.from_public_bytes(raw)
        self.text = base64.b64encode(raw).decode()
        self.fingerprint = sha256_hex(raw)[:FINGERPRINT_HEX]

    @classmethod
    def read(cls, text: str) -> Self:
        """Read the base64 form; raise ValueError saying what is wrong, without showing what may be a private key."""
        if text.startswith(PRIVATE):
            raise ValueError("is a PRIVATE key: put the public one here, and make a new pair")
        raw = _decoded(text, KEY_BYTES)
        if raw is None:
            raise ValueError(f"is no public key: {KEY_BYTES} bytes in base64")
        return cls(raw)

    def verifies(self, content: bytes, signature: str) -> bool:
        """Tell whether this is the signature of the content under this key."""
        raw = _decoded(signature, SIGNATURE_BYTES)
        if raw is None:
            return False
        try:
            self._key.verify(raw, content)
        except InvalidSignature:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"PublicKey({self.text!r})"


class SigningKey:
    """Signs; neither `str` nor `repr` shows it."""

    __slots__ = ("_key", "public")

    def __init__(self, seed: bytes) -> None:
        """Prepare; raise ValueError when the bytes are no key.

        Args:
            seed: 32 random bytes.
        """
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = PublicKey(self._key.public_key().public_bytes_raw())

    def sign(self, content: bytes) -> str:
        """Return the signature, base64."""
        return base64.b64encode(self._key.sign(content)).decode()

    def reveal(self) -> str:
        """Return the text to keep in a file, and nowhere else."""
        return PRIVATE + base64.b64encode(self._key.private_bytes_raw()).decode()

    def __repr__(self) -> str:
        return f"SigningKey({self.public.fingerprint})"


def read_signing_key(place: str, environment: Mapping[str, str]) -> SigningKey:
    """Read a private key from `file:PATH` or `env:NAME`; raise ConfigError, which does not show it."""
    text = read_secret(place, environment).reveal()
    seed = _decoded(text.removeprefix(PRIVATE), KEY_BYTES) if text.startswith(PRIVATE) else None
    if seed is None:
        raise ConfigError(f"no key: what {place} holds is no private key as `keygen` makes them")
    return SigningKey(seed)


def _decoded(text: str, size_bytes: int) -> bytes | None:
    """Return the bytes of strict base64: of the texts that would decode alike, only the one that encoding gives."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == size_bytes and base64.b64encode(raw).decode() == text else None
