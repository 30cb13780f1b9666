"""Kafka with TLS and SASL: what clients are told, what is refused before and by a broker, and a pass through it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from aiokafka.client import AIOKafkaClient
from faust.auth import SASLCredentials, SSLCredentials
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from models.errors import ConfigError, KafkaUnavailable
from streams.config import Settings, load_settings
from streams.workers.app import keyed_app
from streams.workers.clients import Stop
from streams.workers.reaching import reach
from streams.workers.security import Security, client_settings, plaintext, security_of
from streams.workers.up import WORKERS, child_environment
from tests.command import braid, output_of
from tests.workers.attack import attack, write_rules
from tests.workers.processes import WAIT_S, Braid, standing
from tests.workers.secure_kafka import (
    KEY_PASSWORD,
    PASSWORD,
    SCRAM,
    USER,
    Certificates,
    SecureKafka,
    make_certificates,
    secure_kafka,
)

SHOWN = "battery"  # a part of the password that no quoting changes
HOSTS = 3
PREFIX = "secure."
LOGIN = {"kafka_mechanism": "PLAIN", "kafka_user": "svc-braid", "kafka_password": "env:SECRET"}
ENVIRONMENT = {"SECRET": PASSWORD, "KEY": KEY_PASSWORD, "EMPTY": " ", "LINES": "one\ntwo"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(autouse=True)
def _no_settings() -> Iterator[None]:
    """Take away the settings of whoever runs the tests, for as long as a test runs."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("BRAID_")]:
        del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


def security(**settings: object) -> Security:
    return security_of(load_settings(**settings), ENVIRONMENT)


def problem(**settings: object) -> str:
    with pytest.raises(ConfigError) as raised:
        security(**settings)
    return str(raised.value)


def test_a_client_is_told_nothing_more_where_nothing_is_set() -> None:
    assert client_settings(load_settings(bootstrap="kafka.example.com:9092")) == {
        "bootstrap.servers": "kafka.example.com:9092"
    }
    assert security().credentials() is None


def test_sasl_over_tls_is_told_to_both_kinds_of_client(files: Certificates) -> None:
    given = security(**LOGIN, kafka_protocol="SASL_SSL", kafka_ca=files.ca)
    assert given.properties() == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "svc-braid",
        "sasl.password": PASSWORD,
        "ssl.ca.location": str(files.ca),
    }
    told = given.credentials()
    assert isinstance(told, SASLCredentials)
    assert (told.username, told.password, told.mechanism.value) == ("svc-braid", PASSWORD, "PLAIN")
    assert told.protocol.value == "SASL_SSL"
    assert told.ssl_context is not None
    assert told.ssl_context.check_hostname
    assert [of["subject"][-1][0][1] for of in told.ssl_context.get_ca_certs()] == ["ca"]


def test_sasl_without_tls_is_told_to_both_kinds_of_client() -> None:
    given = security(**LOGIN | {"kafka_mechanism": SCRAM}, kafka_protocol="SASL_PLAINTEXT")
    assert given.properties()["sasl.mechanism"] == SCRAM
    told = given.credentials()
    assert isinstance(told, SASLCredentials)
    assert (told.protocol.value, told.mechanism.value, told.ssl_context) == ("SASL_PLAINTEXT", SCRAM, None)


def test_tls_with_a_certificate_of_ones_own_is_told_to_both_kinds_of_client(files: Certificates) -> None:
    own = {"kafka_certificate": files.client, "kafka_key": files.client_locked_key, "kafka_key_password": "env:KEY"}
    given = security(**own, kafka_protocol="SSL", kafka_check_host=False)
    assert given.properties() == {
        "security.protocol": "SSL",
        "ssl.certificate.location": str(files.client),
        "ssl.key.location": str(files.client_locked_key),
        "ssl.key.password": KEY_PASSWORD,
        "ssl.endpoint.identification.algorithm": "none",
    }
    told = given.credentials()
    assert isinstance(told, SSLCredentials)
    assert not told.context.check_hostname


@pytest.mark.parametrize("name", LOGIN)
def test_sasl_needs_all_that_it_is_made_of(name: str) -> None:
    told = problem(**{key: value for key, value in LOGIN.items() if key != name}, kafka_protocol="SASL_PLAINTEXT")
    assert told == f"BRAID_KAFKA_PROTOCOL is SASL_PLAINTEXT, which needs BRAID_{name.upper()}"


@pytest.mark.parametrize("name", LOGIN)
def test_what_is_for_sasl_is_not_taken_without(name: str) -> None:
    told = problem(**{name: LOGIN[name]}, kafka_protocol="SSL")
    assert told == (
        f"BRAID_{name.upper()} is for SASL, and BRAID_KAFKA_PROTOCOL is SSL: set that to SASL_SSL or SASL_PLAINTEXT"
    )


@pytest.mark.parametrize(
    "given",
    [{"kafka_ca": "x.pem"}, {"kafka_certificate": "x.pem"}, {"kafka_key": "x.pem"}, {"kafka_check_host": False}],
)
def test_what_is_for_tls_is_not_taken_without(given: dict[str, object]) -> None:
    (name,) = given
    told = f"BRAID_{name.upper()} is for TLS, and BRAID_KAFKA_PROTOCOL is PLAINTEXT: set that to SSL or SASL_SSL"
    assert told in problem(**given).splitlines()


def test_a_certificate_and_its_key_come_together(files: Certificates) -> None:
    assert "set BRAID_KAFKA_KEY" in problem(kafka_protocol="SSL", kafka_certificate=files.client)
    assert "set BRAID_KAFKA_CERTIFICATE" in problem(kafka_protocol="SSL", kafka_key=files.client_key)
    assert "set BRAID_KAFKA_KEY" in problem(kafka_protocol="SSL", kafka_key_password="env:KEY")  # noqa: S106  # a place


@pytest.mark.parametrize("name", ["kafka_ca", "kafka_certificate", "kafka_key"])
def test_a_missing_file_is_named_with_its_setting(tmp_path: Path, name: str) -> None:
    path = tmp_path / "none.pem"
    assert f"BRAID_{name.upper()}={path}: No such file or directory" in problem(kafka_protocol="SSL", **{name: path})


def test_a_file_without_a_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    told = problem(kafka_protocol="SSL", kafka_ca=tmp_path / "ca.pem")
    assert told.startswith(f"BRAID_KAFKA_CA={tmp_path / 'ca.pem'}: no certificate in PEM")


@pytest.mark.parametrize(
    ("key", "place"),
    [("client_locked_key", ""), ("client_locked_key", "env:SECRET"), ("stranger_key", ""), ("client", "")],
)
def test_a_key_that_does_not_open_or_fit_is_named(files: Certificates, key: str, place: str) -> None:
    own = {"kafka_certificate": files.client, "kafka_key": getattr(files, key), "kafka_key_password": place}
    told = problem(kafka_protocol="SSL", **own)
    assert f"BRAID_KAFKA_KEY={getattr(files, key)}: not PEM, not of one pair, or not opened by" in told
    assert SHOWN not in told


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("env:NONE", "no password: the variable NONE is not set"),
        ("env:EMPTY", "no password: the variable EMPTY is not set"),
        ("env:LINES", "no password: what env:LINES holds has control characters"),
        ("file:/none/password", "no password: /none/password cannot be read: FileNotFoundError"),
    ],
)
def test_a_password_that_is_not_there_is_told(place: str, why: str) -> None:
    told = problem(**LOGIN | {"kafka_password": place}, kafka_protocol="SASL_PLAINTEXT")
    assert told == f"BRAID_KAFKA_PASSWORD: {why}"


@pytest.mark.parametrize("name", ["kafka_password", "kafka_key_password", "audit_key", "embedding_key"])
def test_a_password_in_the_settings_is_refused_and_not_shown(name: str) -> None:
    with pytest.raises(ConfigError, match="says where the secret is, env:NAME or file:PATH") as raised:
        load_settings(**{name: PASSWORD})
    assert SHOWN not in f"{raised.value!r} {raised.value.__cause__}"


def test_passwords_are_not_shown(files: Certificates) -> None:
    own = {"kafka_certificate": files.client, "kafka_key": files.client_locked_key, "kafka_key_password": "env:KEY"}
    given = security(**LOGIN, **own, kafka_protocol="SASL_SSL")
    shown = f"{given!r} {given} {given.credentials()!r} {given.settings!r}"
    assert SHOWN not in shown
    assert KEY_PASSWORD not in shown


def test_a_child_of_the_tree_is_told_the_same(files: Certificates) -> None:
    secret = {"BRAID_KAFKA_SECRET": PASSWORD}  # which begins like a setting
    os.environ.update(secret)
    given = load_settings(
        **LOGIN | {"kafka_password": "env:BRAID_KAFKA_SECRET"},
        kafka_protocol="SASL_SSL",
        kafka_ca=files.ca,
        kafka_check_host=False,
    )
    child = child_environment(given, given.bootstrap)
    os.environ.clear()
    os.environ.update(child)
    assert load_settings().model_dump(exclude={"cache_dir"}) == given.model_dump(exclude={"cache_dir"})
    assert security_of(load_settings()).properties()["sasl.password"] == PASSWORD


def test_a_kafka_of_ones_own_wants_none_of_it(files: Certificates) -> None:
    given = load_settings(**LOGIN, kafka_protocol="SASL_SSL", kafka_ca=files.ca, topic_prefix="mine.")
    assert plaintext(given) == load_settings(topic_prefix="mine.")
    assert {name for name in Settings.model_fields if name.startswith("kafka_")} > LOGIN.keys()


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    with secure_kafka(tmp_path_factory.mktemp("kafka")) as running:
        yield running


broker = pytest.mark.broker


@broker
def test_a_pass_over_tls_and_scram(kafka: SecureKafka, tmp_path: Path) -> None:
    installed = installation(kafka, tmp_path)
    own = kafka.settings(TOPIC_PREFIX=PREFIX)
    zeek, windows = attack(HOSTS)
    assets = tmp_path / "assets.csv"
    assets.write_text("uid,names\nws0,ws0.example.com\n", "utf-8")
    output_of("topics", "create", **own)
    with installed.running("up", **own):
        installed.send("raw.windows", windows)
        installed.send("raw.zeek", zeek)
        output_of("topics", "check", **own)
        output_of("context", "load", "--assets", assets, **own)
        installed.read_until("sequences", lambda held: len(standing(held)) == HOSTS)
        output_of("verdicts", "tail", "--from-beginning", "--max", str(HOSTS), **own)
        told = [*map(health, health_urls(tmp_path)), logged(tmp_path)]
    assert len(told) > len(WORKERS)
    assert all(SHOWN not in one for one in told)


@broker
@pytest.mark.parametrize("way", ["PLAIN", SCRAM, "certificate"])
async def test_the_client_of_keyed_workers_is_let_in(
    kafka: SecureKafka, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    certificate = {
        "bootstrap": kafka.mutual,
        "kafka_protocol": "SSL",
        "kafka_ca": kafka.files.ca,
        "kafka_certificate": kafka.files.client,
        "kafka_key": kafka.files.client_locked_key,
        "kafka_key_password": f"file:{kafka.files.folder / 'key_password'}",
    }
    settings = load_settings(**certificate if way == "certificate" else let_in(kafka) | {"kafka_mechanism": way})
    caplog.set_level(logging.DEBUG)
    told = credentials_to_aiokafka_auth(keyed_app(settings, "braid-try").conf.broker_credentials)
    client = AIOKafkaClient(bootstrap_servers=settings.bootstrap, **told)
    try:
        await client.bootstrap()
        assert client.cluster.brokers()
    finally:
        await client.close()
    assert caplog.records
    assert all(secret not in caplog.text for secret in (SHOWN, KEY_PASSWORD))
    reach(settings, Stop())


@broker
def test_a_certificate_for_another_host_is_taken_if_said_so(kafka: SecureKafka) -> None:
    elsewhere = f"localhost:{kafka.sasl.partition(':')[2]}"
    own = kafka.settings(BOOTSTRAP=elsewhere, KAFKA_CHECK_HOST="false", TOPIC_PREFIX=PREFIX)
    output_of("topics", "create", **own)


@broker
def test_what_a_broker_refuses_names_the_setting_to_mend(kafka: SecureKafka, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("an old battery")
    own = let_in(kafka)
    tls = {"kafka_protocol": "SSL", "kafka_ca": kafka.files.ca}
    stranger = {"kafka_certificate": kafka.files.stranger, "kafka_key": kafka.files.stranger_key}
    elsewhere = f"localhost:{kafka.sasl.partition(':')[2]}"
    cases: list[tuple[dict[str, object], str]] = [
        (own | {"kafka_password": f"file:{wrong}"}, f"refuses BRAID_KAFKA_USER={USER} with the password that"),
        (own | {"kafka_mechanism": "SCRAM-SHA-256"}, "by BRAID_KAFKA_MECHANISM=SCRAM-SHA-256 and"),
        (own | {"kafka_ca": kafka.files.other_ca}, f"the authorities in BRAID_KAFKA_CA={kafka.files.other_ca}"),
        (own | {"kafka_ca": None}, "the authorities of the system (BRAID_KAFKA_CA names others)"),
        (own | {"bootstrap": elsewhere}, "or set BRAID_KAFKA_CHECK_HOST=false"),
        (own | {"bootstrap": kafka.plain}, "makes no TLS connection as BRAID_KAFKA_PROTOCOL=SASL_SSL has it"),
        (tls | {"bootstrap": kafka.mutual}, "wants a client certificate: set BRAID_KAFKA_CERTIFICATE"),
        (tls | stranger | {"bootstrap": kafka.mutual}, "refuses the client certificate BRAID_KAFKA_CERTIFICATE="),
        ({"bootstrap": kafka.sasl}, f"{kafka.sasl} speaks TLS, and BRAID_KAFKA_PROTOCOL is PLAINTEXT"),
    ]
    with ThreadPoolExecutor(len(cases)) as pool:
        told = list(pool.map(lambda case: refusal(**case[0]), cases))
    for (_, words), reason in zip(cases, told, strict=True):
        assert words in reason
        assert SHOWN not in reason


def let_in(kafka: SecureKafka) -> dict[str, object]:
    """Return the settings of a client that is let in by SASL over TLS."""
    return {name.removeprefix("BRAID_").lower(): value for name, value in kafka.settings().items()}


def refusal(**settings: object) -> str:
    with pytest.raises(ConfigError) as raised:
        reach(load_settings(**settings), Stop())
    return str(raised.value)


@broker
def test_a_client_without_sasl_is_told_what_may_be_missing(kafka: SecureKafka) -> None:
    settings = load_settings(bootstrap=kafka.sasl, kafka_protocol="SSL", kafka_ca=kafka.files.ca)
    with pytest.raises(KafkaUnavailable, match="does it want SASL, and not BRAID_KAFKA_PROTOCOL=SSL"):
        reach(settings, Stop(), seconds=0.1)


@broker
def test_a_worker_that_is_refused_ends_with_code_2(kafka: SecureKafka, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("an old battery")
    done = braid("worker", "archive", **kafka.settings(KAFKA_PASSWORD=f"file:{wrong}", LOG_LEVEL="DEBUG"))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"braid: Kafka at {kafka.sasl} refuses BRAID_KAFKA_USER={USER}")
    assert SHOWN not in done.stderr


def installation(kafka: SecureKafka, folder: Path) -> Braid:
    """Return an installation whose own clients, those of the test, need no password."""
    made = Braid(kafka.plain, PREFIX, write_rules(folder / "rules"), folder)
    made.environment["BRAID_LOG_LEVEL"] = "DEBUG"
    return made


def logged(folder: Path) -> str:
    return "".join(log.read_text("utf-8") for log in folder.glob("*.log"))


def health_urls(folder: Path) -> list[str]:
    return re.findall(r"health on (\S+)", logged(folder))


def health(url: str) -> str:
    return httpx.get(url, timeout=WAIT_S).text
