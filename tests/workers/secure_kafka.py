"""A local Kafka that listens for TLS, for SASL over TLS and for plain clients, with certificates of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from models.errors import ConfigError
from streams.workers.kafka_jars import find_jars, find_java
from streams.workers.local_kafka import LocalKafka, free_ports

USER = "svc-braid"
PASSWORD = "corréct horse; \"battery\" 'staple'"  # noqa: S105  # invented, with what has to be quoted somewhere
KEY_PASSWORD = "opens the key"  # noqa: S105  # invented
SCRAM = "SCRAM-SHA-512"
ANSWER_S = 30


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files: an authority, the broker's (for 127.0.0.1 only), a client's, and another authority's."""

    folder: Path

    def __getattr__(self, name: str) -> Path:
        return self.folder / f"{name}.pem"


@dataclass(frozen=True, slots=True)
class SecureKafka:
    """Where a broker listens.

    Attributes:
        plain: For clients without TLS and SASL, such as the test's own.
        sasl: For SASL over TLS.
        mutual: For TLS with a client certificate.
        files: Certificates, and passwords beside them.
    """

    plain: str
    sasl: str
    mutual: str
    files: Certificates

    def settings(self, **others: str) -> dict[str, str]:
        """Return the variables of a client that is let in by SASL over TLS."""
        own = {
            "BOOTSTRAP": self.sasl,
            "KAFKA_PROTOCOL": "SASL_SSL",
            "KAFKA_MECHANISM": SCRAM,
            "KAFKA_USER": USER,
            "KAFKA_PASSWORD": f"file:{self.files.folder / 'password'}",
            "KAFKA_CA": str(self.files.ca),
        }
        return {f"BRAID_{name}": value for name, value in (own | others).items()}


def make_certificates(folder: Path) -> Certificates:
    """Make them with openssl; skip where there is none."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("left out: there is no openssl on the PATH to make certificates with")
    files = Certificates(folder)
    for authority in ("ca", "other_ca"):
        _make(openssl, files, authority, "basicConstraints=critical,CA:true", "keyUsage=critical,keyCertSign")
    for name, address in (("broker", "127.0.0.1"), ("client", "192.0.2.1"), ("stranger", "192.0.2.2")):
        signer = files.other_ca if name == "stranger" else files.ca
        _make(openssl, files, name, f"subjectAltName=IP:{address}", signer=signer)
    both = files.broker_key.read_text() + files.broker.read_text()
    (folder / "broker_store.pem").write_text(both)
    _run(
        *(openssl, "pkey", "-in", files.client_key, "-aes256", "-passout", f"pass:{KEY_PASSWORD}"),
        *("-out", files.client_locked_key),
    )
    return files


def _make(openssl: str, files: Certificates, name: str, *extensions: str, signer: Path | None = None) -> None:
    own = [part for extension in extensions for part in ("-addext", extension)]
    signed = ["-CA", signer, "-CAkey", signer.with_stem(f"{signer.stem}_key")] if signer else []
    _run(
        *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
        *("-subj", f"/O=Example/CN={name}", *own, *signed),
        *("-keyout", files.folder / f"{name}_key.pem", "-out", files.folder / f"{name}.pem"),
    )


def _run(*command: str | Path) -> None:
    done = subprocess.run(  # noqa: S603  # a program found on the PATH, with arguments of our own
        list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def secure_kafka(folder: Path) -> Iterator[SecureKafka]:
    """Run it; skip where this machine has no Java or no Maven."""
    try:
        find_java(os.environ)
        find_jars(os.environ, lambda _: None)
    except ConfigError as error:
        pytest.skip(f"left out: {error}")
    files = make_certificates(folder)
    (folder / "password").write_text(PASSWORD + "\n", "utf-8")
    (folder / "key_password").write_text(KEY_PASSWORD, "utf-8")
    ports, (sasl, mutual) = free_ports(), free_ports()
    properties = _properties(files, ports, sasl, mutual)
    with LocalKafka(properties=properties, ports=lambda: ports) as kafka:
        _let_in(kafka.bootstrap)
        yield SecureKafka(kafka.bootstrap, f"127.0.0.1:{sasl}", f"127.0.0.1:{mutual}", files)


def _properties(files: Certificates, ports: tuple[int, int], sasl: int, mutual: int) -> dict[str, str]:
    plain, controller = ports
    outside = f"PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{sasl},MUTUAL://127.0.0.1:{mutual}"
    login = "org.apache.kafka.common.security"
    quoted = PASSWORD.replace('"', '\\\\"')  # a backslash for JAAS, which is two in the file
    quoted = "".join(one if one.isascii() else f"\\u{ord(one):04x}" for one in quoted)  # which is read as Latin-1
    plain_login = f'{login}.plain.PlainLoginModule required user_{USER}="{quoted}";'
    return {
        "listeners": f"{outside},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": outside,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,MUTUAL:SSL,CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": f"PLAIN,{SCRAM}",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": plain_login,
        f"listener.name.sasl_ssl.{SCRAM.lower()}.sasl.jaas.config": f"{login}.scram.ScramLoginModule required;",
        "listener.name.mutual.ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(files.broker_store),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(files.ca),
    }


def _let_in(bootstrap: str) -> None:
    """Give the user a SCRAM password."""
    admin: Any = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    known = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    wanted = UserScramCredentialUpsertion(USER, known, PASSWORD.encode())
    for changed in admin.alter_user_scram_credentials([wanted], request_timeout=ANSWER_S).values():
        changed.result(timeout=ANSWER_S)
