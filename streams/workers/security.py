"""TLS and SASL: what the settings say of it, as librdkafka wants it and as Faust (aiokafka) wants it.

Everything that can be known without a broker is checked here, for all clients alike: settings that contradict each
other, files that are missing, keys that do not open. Passwords leave this module only inside the properties and the
credentials.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from enrichers.secrets import Secret, read_password
from models.errors import ConfigError
from streams.config import PREFIX, Settings

if TYPE_CHECKING:
    from faust.auth import Credentials

TLS: Final = frozenset({"SSL", "SASL_SSL"})
SASL: Final = frozenset({"SASL_PLAINTEXT", "SASL_SSL"})
_FOR_SASL: Final = ("kafka_mechanism", "kafka_user", "kafka_password")
_FILES: Final = ("kafka_ca", "kafka_certificate", "kafka_key")
_FOR_TLS: Final = (*_FILES, "kafka_key_password")
_NONE: Final = Secret("")


@dataclass(frozen=True, slots=True)
class Security:
    """How clients are to talk to the brokers. Made by `security_of`.

    Attributes:
        settings: Where protocol, user and files stand.
        password: The user's, empty without SASL.
        key_password: That of the private key, empty where it has none.
        context: What TLS is made with in Python, None without TLS.
    """

    settings: Settings
    password: Secret
    key_password: Secret
    context: ssl.SSLContext | None

    def properties(self) -> dict[str, str]:
        """Return what librdkafka is to be told, nothing for PLAINTEXT."""
        settings = self.settings
        if settings.kafka_protocol == "PLAINTEXT":
            return {}
        own = {
            "security.protocol": settings.kafka_protocol,
            "sasl.mechanism": settings.kafka_mechanism,
            "sasl.username": settings.kafka_user,
            "sasl.password": self.password.reveal(),
            "ssl.ca.location": str(settings.kafka_ca or ""),
            "ssl.certificate.location": str(settings.kafka_certificate or ""),
            "ssl.key.location": str(settings.kafka_key or ""),
            "ssl.key.password": self.key_password.reveal(),
            "ssl.endpoint.identification.algorithm": "" if settings.kafka_check_host else "none",
        }
        return {name: value for name, value in own.items() if value}

    def credentials(self) -> Credentials | None:
        """Return what Faust is to be told, None for PLAINTEXT."""
        from faust.auth import SASLCredentials, SSLCredentials  # half a second, of which most commands need nothing

        if self.settings.kafka_protocol in SASL:
            return SASLCredentials(
                username=self.settings.kafka_user,
                password=self.password.reveal(),
                ssl_context=self.context,
                mechanism=self.settings.kafka_mechanism,
            )
        return SSLCredentials(self.context) if self.context else None


def security_of(settings: Settings, environment: Mapping[str, str] = os.environ) -> Security:
    """Read the files and passwords that the settings name.

    Args:
        settings: The settings.
        environment: Where `env:NAME` is looked up.

    Raises:
        ConfigError: Something is missing, contradicts, or does not open; the message names the setting and no secret.
    """
    problems = [*_contradictions(settings), *_missing_files(settings)]
    if problems:
        raise ConfigError("\n".join(problems))
    password = _password(settings, "kafka_password", environment)
    key_password = _password(settings, "kafka_key_password", environment)
    return Security(settings, password, key_password, _context(settings, key_password))


def client_settings(settings: Settings) -> dict[str, Any]:
    """Return what every librdkafka client is made with: where the brokers are, and how to talk to them."""
    return {"bootstrap.servers": settings.bootstrap} | security_of(settings).properties()


def plaintext(settings: Settings) -> Settings:
    """Return settings for a broker that wants neither TLS nor SASL."""
    fields = Settings.model_fields.items()
    return settings.model_copy(update={name: at.get_default() for name, at in fields if name.startswith("kafka_")})


def variable(name: str) -> str:
    """Return the name of a setting in the environment."""
    return PREFIX + name.upper()


def _contradictions(settings: Settings) -> Iterator[str]:
    protocol = settings.kafka_protocol
    given = f"{variable('kafka_protocol')} is {protocol}"
    for name in _FOR_SASL:
        if protocol in SASL and not getattr(settings, name):
            yield f"{given}, which needs {variable(name)}"
        if protocol not in SASL and getattr(settings, name):
            yield f"{variable(name)} is for SASL, and {given}: set that to SASL_SSL or SASL_PLAINTEXT"
    if protocol not in TLS:
        found = [name for name in _FOR_TLS if getattr(settings, name)]
        for name in found + ([] if settings.kafka_check_host else ["kafka_check_host"]):
            yield f"{variable(name)} is for TLS, and {given}: set that to SSL or SASL_SSL"
    yield from _halves(settings)


def _halves(settings: Settings) -> Iterator[str]:
    certificate, key = variable("kafka_certificate"), variable("kafka_key")
    if settings.kafka_certificate and not settings.kafka_key:
        yield f"{certificate} needs its private key: set {key} (to the same file, if that holds both)"
    if settings.kafka_key and not settings.kafka_certificate:
        yield f"{key} needs its certificate: set {certificate}"
    if settings.kafka_key_password and not settings.kafka_key:
        yield f"{variable('kafka_key_password')} is for a private key: set {key}"


def _missing_files(settings: Settings) -> Iterator[str]:
    for name in _FILES:
        path: Path | None = getattr(settings, name)
        if path is None:
            continue
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            yield f"{variable(name)}={path}: {error.strerror}"


def _password(settings: Settings, name: str, environment: Mapping[str, str]) -> Secret:
    place = getattr(settings, name)
    try:
        return read_password(place, environment) if place else _NONE
    except ConfigError as error:
        raise ConfigError(f"{variable(name)}: {error}") from error


def _context(settings: Settings, key_password: Secret) -> ssl.SSLContext | None:
    if settings.kafka_protocol not in TLS:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca)
    except ssl.SSLError as error:
        raise ConfigError(
            f"{variable('kafka_ca')}={settings.kafka_ca}: no certificate in PEM ({error.reason})"
        ) from error
    context.check_hostname = settings.kafka_check_host
    if settings.kafka_certificate and settings.kafka_key:
        _load_own(context, settings.kafka_certificate, settings.kafka_key, key_password)
    return context


def _load_own(context: ssl.SSLContext, certificate: Path, key: Path, password: Secret) -> None:
    try:
        # With a function the library asks nobody at the terminal, also where a password is wanted and there is none.
        context.load_cert_chain(certificate, key, password=password.reveal)
    except (ssl.SSLError, ValueError) as error:
        reason = (error.reason or "unreadable") if isinstance(error, ssl.SSLError) else "the password is too long"
        raise ConfigError(
            f"{variable('kafka_certificate')}={certificate} and {variable('kafka_key')}={key}: not PEM, not of one "
            f"pair, or not opened by what {variable('kafka_key_password')} names ({reason})"
        ) from error
