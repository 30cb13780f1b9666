"""Tokens of services that want a client to sign in first (OAuth 2.0 client credentials, RFC 6749 section 4.4)."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from agents.executors.api import Told, at, read_answer, unanswered
from agents.executors.base import Outcome, failed
from enrichers.secrets import Secret
from enrichers.web import Request, Unanswered, Web
from models.errors import ConfigError

SPARE_S: Final = 60.0  # a token is not used up to its last second
SHORTEST_S: Final = 1.0
LONGEST_S: Final = 3600.0
ASSERTION_S: Final = 300
_TOKEN: Final = re.compile(r"[!-~]{1,16384}", re.ASCII)

Form = Callable[[], Mapping[str, str]]


class ClientCredentials:
    """A bearer token, asked for when there is none and kept while it is valid. For one event loop."""

    def __init__(self, url: str, form: Form, web: Web, monotonic: Callable[[], float]) -> None:
        """Prepare.

        Args:
            url: Of the token endpoint.
            form: Returns what is posted there; raises ConfigError when a secret is not where it should be.
            web: Asks over HTTP.
            monotonic: Seconds that never jump.
        """
        self._url = url
        self._form = form
        self._web = web
        self._monotonic = monotonic
        self._token: Secret | None = None
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def headers(self) -> Mapping[str, Secret] | Outcome:
        """Return the header with the token, or why there is none."""
        async with self._asking:
            if self._token is None or self._monotonic() >= self._until:
                found = await self._ask()
                if isinstance(found, Outcome):
                    return found
                self._token = found
        return {"authorization": self._token}

    def refused(self) -> None:
        """Forget the token."""
        self._token = None

    async def _ask(self) -> Secret | Outcome:
        request = Request(self._url, {"accept": "application/json"}, form=self._form())
        answer = await self._web.get(request)
        if isinstance(answer, Unanswered):
            return unanswered(answer, "GET")  # a token that nobody got changes nothing
        told = read_answer(answer.status, answer.body, "GET")
        return self._read(told) if isinstance(told, Told) else failed(f"no token: {told.detail}", told.retry_after_s)

    def _read(self, told: Told) -> Secret | Outcome:
        token, lasts = at(told.value, "access_token"), at(told.value, "expires_in")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            return failed("no token: the answer holds none")
        seconds = float(lasts) if type(lasts) is int and 0 < lasts < LONGEST_S else LONGEST_S
        self._until = self._monotonic() + max(seconds - SPARE_S, SHORTEST_S)
        return Secret(f"Bearer {token}")


def signed_assertion(url: str, client_id: str, path: Path, now: Callable[[], int]) -> str:
    """Return a JWT that shows who a client is (RFC 7523): RS256, good for five minutes.

    Args:
        url: Of the token endpoint, which alone may take it.
        client_id: The client.
        path: PEM file of its RSA key, read each time, so that a new one is taken up at once.
        now: The time, ms.

    Raises:
        ConfigError: There is no such key.
    """
    seconds = now() // 1000
    claims = {"iss": client_id, "sub": client_id, "aud": url, "iat": seconds, "exp": seconds + ASSERTION_S}
    text = b".".join(map(_base64url, (orjson.dumps({"alg": "RS256", "typ": "JWT"}), orjson.dumps(claims))))
    signature = _rsa_key(path).sign(text, PKCS1v15(), SHA256())
    return b".".join((text, _base64url(signature))).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _rsa_key(path: Path) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"no private key: {path} cannot be read: {type(error).__name__}") from error
    if not isinstance(key, RSAPrivateKey):
        raise ConfigError(f"no private key: {path} holds another kind of key than RSA")
    return key
