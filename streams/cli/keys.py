"""Make a pair of keys for a command: the private one in a file that only its owner reads, the public one beside it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from agents.policy.signing import KEY_BYTES, PublicKey, SigningKey
from enrichers.secrets import FILE
from models.errors import ConfigError

PUBLIC_SUFFIX = ".pub"


def make_keys(path: Path) -> PublicKey:
    """Write a new private key to `path` and its public key to `path.pub`; return the public one.

    Raises:
        ConfigError: One of the files is there already, or cannot be written.
    """
    key = SigningKey(secrets.token_bytes(KEY_BYTES))
    beside = path.with_name(path.name + PUBLIC_SUFFIX)
    if beside.exists():
        raise ConfigError(f"{beside}: no key was written: there is one already")
    _write(path, key.reveal(), 0o600)
    _write(beside, key.public.text, 0o644)
    return key.public


def _write(path: Path, text: str, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(text + "\n")
    except OSError as error:
        raise ConfigError(f"{path}: no key was written: {error.strerror}") from error


def read_public_key(text: str) -> PublicKey:
    """Read a public key, or `file:PATH` that holds one; raise ConfigError when there is none."""
    try:
        return PublicKey.read(_from_file(text.removeprefix(FILE)) if text.startswith(FILE) else text)
    except ValueError as error:
        raise ConfigError(f"--key: {error}") from error


def _from_file(path: str) -> str:
    try:
        return Path(path).expanduser().read_text("ascii").strip()
    except (OSError, RuntimeError) as error:
        raise ConfigError(f"--key {path}: cannot be read: {type(error).__name__}") from error
