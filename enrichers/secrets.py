"""Keys and passwords: read from the environment or a file, shown by nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from models.errors import ConfigError

ENVIRONMENT: Final = "env:"
FILE: Final = "file:"
PLACES: Final = (ENVIRONMENT, FILE)
MAX_SECRET_BYTES: Final = 4096
MAX_PLACE: Final = 256


class Secret:
    """A text that neither `str` nor `repr` nor an error shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(...)"

    def __bool__(self) -> bool:
        return bool(self._text)

    def reveal(self) -> str:
        """Return the text, to be put into a request and nowhere else."""
        return self._text


def secret_place(value: Any) -> str:
    """Return where a file says that a secret is; raise ValueError, which shows none of it, when it does not."""
    text = value.strip() if isinstance(value, str) else ""
    if not text.startswith(PLACES) or text in PLACES or len(text) > MAX_PLACE or not text.isprintable():
        raise ValueError("must say where the secret is, env:NAME or file:PATH; it does not stand here itself")
    return text


def read_secret(place: str, environment: Mapping[str, str]) -> Secret:
    """Read a secret for a header from where the settings say it is.

    Args:
        place: `env:NAME` or `file:PATH`. The secret itself is refused: settings are shown, logged and committed.
        environment: The variables of the process.

    Raises:
        ConfigError: It is not there, or cannot be a header; the message does not show it.
    """
    text = _read(place, environment, "key")
    if not (text.isascii() and text.isprintable()):
        raise ConfigError(f"no key: what {place} holds has characters that no header takes")
    return Secret(text)


def read_password(place: str, environment: Mapping[str, str]) -> Secret:
    """Read a password, which may be of any characters of one line; else as `read_secret`."""
    text = _read(place, environment, "password")
    if not text.isprintable():
        raise ConfigError(f"no password: what {place} holds has control characters")
    return Secret(text)


def _read(place: str, environment: Mapping[str, str], what: str) -> str:
    if place.startswith(ENVIRONMENT):
        name = place.removeprefix(ENVIRONMENT)
        text = environment.get(name, "").strip()
        missing = f"the variable {name} is not set"
    elif place.startswith(FILE):
        text, missing = _from_file(Path(place.removeprefix(FILE)), what), f"{place.removeprefix(FILE)} is empty"
    else:
        raise ConfigError(
            f"a {what} stands in the environment (env:NAME) or in a file (file:PATH), not in the settings"
        )
    if not text:
        raise ConfigError(f"no {what}: {missing}")
    return text


def _from_file(path: Path, what: str) -> str:
    try:
        with path.expanduser().open("rb") as file:
            return file.read(MAX_SECRET_BYTES).decode("utf-8").strip()
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        raise ConfigError(f"no {what}: {path} cannot be read: {type(error).__name__}") from error
