"""A real Kafka for the tests that need one, and a word to whoever has none.

A test asks for the fixture `bootstrap` and gets an address; that also marks it `broker`. In this order the address is

1. `BRAID_TEST_BOOTSTRAP`, somebody's own cluster;
2. the official image, where a Docker engine answers;
3. a local Kafka, where there are Java and Maven (`streams.workers.local_kafka`).

Where none of them can be had the tests fail under `CI=true`; elsewhere they are left out, and the last lines of the
run say how many, why, and what to install. Tests share the broker and nothing on it: `topic_prefix` is a test's own.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from models.errors import ConfigError
from streams.workers import kafka_admin
from streams.workers.kafka_jars import KAFKA_HOME
from streams.workers.local_kafka import LocalKafka, free_ports, server_properties

IMAGE = "apache/kafka"
ENGINE_TIMEOUT_S = 10
PULL_TIMEOUT_S = 300
ANSWER_TIMEOUT_S = 60.0
OWN_TIMEOUT_S = 15.0


class NoBroker(Exception):
    """No Kafka can be had here: what was tried and why each failed, and what would help."""

    def __init__(self, tried: list[str], remedy: str) -> None:
        super().__init__("\n".join(("no Kafka to test with:", *(f"  {reason}" for reason in tried), remedy)))


NO_BROKER = pytest.StashKey[str]()


def find_broker(stack: ExitStack, env: Mapping[str, str]) -> str:
    """Return the address of a Kafka that answers until the stack is closed; raise NoBroker when there is none."""
    own = env.get("BRAID_TEST_BOOTSTRAP")
    if own:
        kafka_admin.list_topics(own, (), timeout_s=OWN_TIMEOUT_S)
        return own
    tried = []
    ways: tuple[tuple[str, Callable[[ExitStack, Mapping[str, str]], str]], ...] = (
        ("Docker", from_docker),
        ("Java and Maven", from_jars),
    )
    for name, way in ways:
        try:
            return way(stack, env)
        except ConfigError as error:
            tried.append(f"{name}: {error}")
    raise NoBroker(tried, remedy(env))


def from_jars(stack: ExitStack, env: Mapping[str, str]) -> str:
    """Start a local Kafka; raise ConfigError when this machine lacks something for it."""
    return stack.enter_context(LocalKafka(env=env)).bootstrap


def from_docker(stack: ExitStack, env: Mapping[str, str]) -> str:
    """Start the official image; raise ConfigError when no engine answers, or it cannot run the image."""
    docker = shutil.which("docker", path=env.get("PATH", ""))
    if docker is None:
        raise ConfigError("there is no docker on the PATH")
    _docker(env, ENGINE_TIMEOUT_S, docker, "info")
    port, _ = free_ports()
    arguments = [part for name, value in image_settings(port).items() for part in ("--env", f"{name}={value}")]
    publish = f"127.0.0.1:{port}:9092"
    image = f"{IMAGE}:{kafka_version()}"
    started = _docker(env, PULL_TIMEOUT_S, docker, "run", "--detach", "--rm", "--publish", publish, *arguments, image)
    stack.callback(_docker, env, ENGINE_TIMEOUT_S * 3, docker, "rm", "--force", started.strip())
    kafka_admin.list_topics(f"127.0.0.1:{port}", (), timeout_s=ANSWER_TIMEOUT_S)
    return f"127.0.0.1:{port}"


def _docker(env: Mapping[str, str], timeout_s: int, *command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # a program found on the PATH, with arguments of our own
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"docker {command[1]}: {error}") from error
    if done.returncode != 0:
        raise ConfigError(f"docker {command[1]}: {done.stderr.strip()[-300:]}")
    return done.stdout


def image_settings(port: int) -> dict[str, str]:
    """Return the environment that gives the official image a local Kafka's settings, published on a loopback port.

    The broker talks to itself (for transactions) through a listener of its own: inside the container nothing listens
    on the published port.
    """
    properties = server_properties(port, 9093, Path("/var/lib/kafka/data")) | {
        "listeners": "PLAINTEXT://0.0.0.0:9092,INTERNAL://127.0.0.1:19092,CONTROLLER://127.0.0.1:9093",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},INTERNAL://127.0.0.1:19092",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "INTERNAL",
    }
    return {"KAFKA_" + name.replace(".", "_").upper(): value for name, value in properties.items()}


def kafka_version() -> str:
    """Return the version of Kafka that deploy/kafka/pom.xml names."""
    found = re.search(r"<kafka\.version>(.+)</kafka\.version>", (KAFKA_HOME / "pom.xml").read_text("utf-8"))
    assert found
    return found[1]


def remedy(env: Mapping[str, str]) -> str:
    """Name the one thing that would give this machine a Kafka."""
    path = env.get("PATH", "")
    java, maven, docker = (shutil.which(name, path=path) is not None for name in ("java", "mvn", "docker"))
    if java and maven:
        return "Mend what stands after 'Java and Maven' above."
    if java:
        return "Install Maven to run them."
    if maven:
        return "Install Java 17 or newer to run them."
    return "Start the Docker engine to run them." if docker else "Install Docker to run them."


@pytest.fixture(scope="session")
def bootstrap(pytestconfig: pytest.Config) -> Iterator[str]:
    """Give the address of a real Kafka; fail under CI, skip elsewhere, when none can be had."""
    with ExitStack() as stack:
        try:
            address = find_broker(stack, os.environ)
        except NoBroker as none:
            if os.environ.get("CI") == "true":
                pytest.fail(str(none), pytrace=False)
            getattr(pytestconfig, "workeroutput", {})["no_broker"] = str(none)
            pytestconfig.stash[NO_BROKER] = str(none)
            pytest.skip("left out: no Kafka (see the end)")
        yield address


@pytest.fixture
def topic_prefix(bootstrap: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give a prefix for topics, groups and transactions that no other test has; its topics go when the test ends."""
    name = re.sub(r"[^a-zA-Z0-9]+", "-", request.node.name)[:40].strip("-")
    prefix = f"{name}-{secrets.token_hex(4)}."
    yield prefix
    # What stays behind on a broker of ours goes with the broker; a test that ended it has nothing to tidy.
    with suppress(KafkaException):
        forget(bootstrap, prefix)


def forget(bootstrap: str, prefix: str) -> None:
    """Delete the topics whose names begin with a prefix."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    own = [topic for topic in admin.list_topics(timeout=OWN_TIMEOUT_S).topics if topic.startswith(prefix)]
    for deleted in admin.delete_topics(own, request_timeout=OWN_TIMEOUT_S).values() if own else ():
        deleted.result(timeout=OWN_TIMEOUT_S)
    # The controller answers before every broker has heard of it.
    deadline = time.monotonic() + OWN_TIMEOUT_S
    while not admin.list_topics(timeout=OWN_TIMEOUT_S).topics.keys().isdisjoint(own):
        if time.monotonic() > deadline:
            raise TimeoutError(f"topics are still there: {', '.join(own)}")


@pytest.hookimpl(tryfirst=True)  # before -m chooses by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses the broker, directly or through another fixture."""
    for item in items:
        if "bootstrap" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.broker)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around all others, so that these lines come last
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """Say how many tests were left out for want of a broker, why, and what to install."""
    yield
    none = config.stash.get(NO_BROKER, None)
    if none is not None:
        reports = terminalreporter.stats.get("skipped", [])
        count = sum("no Kafka (see the end)" in str(report.longrepr) for report in reports)
        terminalreporter.write_sep("-", f"{count} tests left out", yellow=True)
        terminalreporter.write_line(none)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over why a process that ran a part of the tests had no broker."""
    none = getattr(node, "workeroutput", {}).get("no_broker")
    if none is not None:
        node.config.stash[NO_BROKER] = none
