"""Reach the brokers before anything else is done, or say which setting keeps them from answering.

Kafka's clients try again for ever where a broker turns them away, and say so in words at most. A broker that is not
there yet is waited for; one that goes on refusing for some seconds is a setting to mend.
"""

from __future__ import annotations

import socket
import ssl
import time
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException

from models.errors import ConfigError, KafkaUnavailable
from streams.config import Settings
from streams.topics import SIGNALS
from streams.workers import clients
from streams.workers.clients import LOG, Stop
from streams.workers.security import SASL, TLS, client_settings, security_of, variable

REFUSED_SECONDS: Final = 2.0  # a broker that is just starting may refuse for a moment
ASK_SECONDS: Final = 1.0
PROBE_SECONDS: Final = 1.0
PROBED: Final = 3  # servers: a worker that waits for hosts that do not answer has to end in time
DEFAULT_PORT: Final = 9092
_OTHER_HOST: Final = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL
_REFUSALS: Final = (KafkaError._AUTHENTICATION, KafkaError._SSL)  # noqa: SLF001  # the library's public names


class _Heard:
    """What the client said about its connections."""

    def __init__(self) -> None:
        self.last: KafkaError | None = None
        self.refusal: KafkaError | None = None

    def take(self, error: KafkaError) -> None:
        """Take note of an error of one connection; that none is left says nothing new."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001  # the library's public name for it
            return
        self.last = error
        self.refusal = error if error.code() in _REFUSALS else None


def reach(settings: Settings, stop: Stop, seconds: float = clients.BROKER_SECONDS) -> None:
    """Wait until a broker answers to these settings. A worker that is told to end meanwhile ends here, and well.

    Args:
        settings: Where Kafka is, and how to talk to it.
        stop: Ends the waiting.
        seconds: How long to wait for a broker that is not there.

    Raises:
        ConfigError: A broker is there and refuses; the message names the setting to mend.
        KafkaUnavailable: Nobody answers.
    """
    heard = _Heard()
    client = Consumer(
        client_settings(settings)
        | {
            "group.id": f"{settings.topic_prefix}braid-reach",  # the client wants one, and none is made
            "allow.auto.create.topics": False,
            "reconnect.backoff.max.ms": 500,
            "log_level": 0,  # what it would say is heard
            "error_cb": heard.take,
        }
    )
    try:
        _ask_until_answered(client, heard, settings, stop, time.monotonic() + seconds)
    finally:
        client.close()


def _ask_until_answered(client: Consumer, heard: _Heard, settings: Settings, stop: Stop, deadline: float) -> None:
    refused, told = 0.0, False  # since when, and whether somebody was told of the waiting
    while True:
        try:
            client.list_topics(settings.topic_prefix + SIGNALS.name, timeout=ASK_SECONDS)
        except KafkaException as error:
            if stop.requested:
                raise SystemExit(0) from error
            client.poll(0)  # hands what went wrong to `heard`
            reason = _why_refused(heard, settings)
            now = time.monotonic()
            if reason and refused and now - refused >= REFUSED_SECONDS:
                raise ConfigError(reason) from error
            if now > deadline:
                raise KafkaUnavailable(_nobody(heard, settings, error)) from error
            if not (reason or told):
                LOG.info("%s; waiting for it", _nobody(heard, settings, error))
                told = True
            refused = (refused or now) if reason else 0.0
            stop.wait(clients.RETRY_SECONDS)
        else:
            return


def _nobody(heard: _Heard, settings: Settings, error: KafkaException) -> str:
    said = (heard.last or error.args[0]).str()
    protocol = settings.kafka_protocol
    hint = ""
    if protocol not in SASL and any(map(_takes_connections, _servers(settings))):
        hint = f" (it takes connections: does it want SASL, and not {variable('kafka_protocol')}={protocol}?)"
    return f"{settings.bootstrap}: no Kafka answers: {said}{hint}"


def _servers(settings: Settings) -> list[str]:
    return [server.strip() for server in settings.bootstrap.split(",")][:PROBED]


def _takes_connections(server: str) -> bool:
    try:
        socket.create_connection(_address(server), timeout=PROBE_SECONDS).close()
    except (OSError, ValueError):
        return False
    return True


def _why_refused(heard: _Heard, settings: Settings) -> str:
    """Say which setting is to blame, empty when none is known to be."""
    reason = next(filter(None, (_why_no_tls(server, settings) for server in _servers(settings))), "")
    if reason or heard.refusal is None:
        return reason
    said = heard.refusal.str()
    name, refused = variable("kafka_user"), f"Kafka at {settings.bootstrap} refuses"
    by = f"{variable('kafka_protocol')}={settings.kafka_protocol}"
    if settings.kafka_protocol not in SASL:
        return f"{refused} {by}: {said}"
    by = f"{variable('kafka_mechanism')}={settings.kafka_mechanism} and {by}"
    password = f"the password that {variable('kafka_password')} names"
    return f"{refused} {name}={settings.kafka_user} with {password}, by {by}: {said}"


def _why_no_tls(server: str, settings: Settings) -> str:
    """Look whether a server speaks TLS as the settings want it; empty when it does, or cannot be connected to."""
    try:
        return _of_handshake(server, settings)
    except (OSError, ValueError):  # nobody is there, or this is no address
        return ""


def _of_handshake(server: str, settings: Settings) -> str:
    is_wanted = settings.kafka_protocol in TLS
    context = security_of(settings).context or ssl.create_default_context()
    host, port = _address(server)
    with socket.create_connection((host, port), timeout=PROBE_SECONDS) as connection:
        try:
            with context.wrap_socket(connection, server_hostname=host) as wrapped:
                return _of_welcome(wrapped, server, settings) if is_wanted else _speaks_tls(server, settings)
        except ssl.SSLCertVerificationError as error:
            return _of_certificate(server, settings, error) if is_wanted else _speaks_tls(server, settings)
        except TimeoutError:
            return ""
        except OSError as error:  # what speaks no TLS closes, or answers something else
            return _no_handshake(server, settings, error) if is_wanted else ""


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return (host.strip("[]"), int(port)) if host else (port, DEFAULT_PORT)


def _speaks_tls(server: str, settings: Settings) -> str:
    protocol = variable("kafka_protocol")
    return f"{server} speaks TLS, and {protocol} is {settings.kafka_protocol}: set that to SSL or SASL_SSL"


def _no_handshake(server: str, settings: Settings, error: OSError) -> str:
    return (
        f"{server} makes no TLS connection as {variable('kafka_protocol')}={settings.kafka_protocol} has it: it speaks "
        f"no TLS, or wants {variable('kafka_certificate')} ({_said(error)})"
    )


def _of_welcome(connection: ssl.SSLSocket, server: str, settings: Settings) -> str:
    """Wait for what a server sends first: nothing, but where it does not take the client's certificate."""
    try:
        connection.recv(1)
    except TimeoutError:
        return ""
    except OSError as error:
        name = variable("kafka_certificate")
        if settings.kafka_certificate is None:
            return f"{server} wants a client certificate: set {name} and {variable('kafka_key')} ({_said(error)})"
        return f"{server} refuses the client certificate {name}={settings.kafka_certificate} ({_said(error)})"
    return ""


def _of_certificate(server: str, settings: Settings, error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in _OTHER_HOST:
        return (
            f"{server} has a certificate for another host ({error.verify_message}): name it in "
            f"{variable('bootstrap')} as its certificate does, or set {variable('kafka_check_host')}=false"
        )
    trusted = f"the authorities in {variable('kafka_ca')}={settings.kafka_ca}"
    if settings.kafka_ca is None:
        trusted = f"the authorities of the system ({variable('kafka_ca')} names others)"
    return f"the certificate of {server} is refused by {trusted}: {error.verify_message}"


def _said(error: OSError) -> str:
    """Return OpenSSL's reason, or the system's."""
    reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return reason or type(error).__name__
