"""A local Kafka: it starts, it stops, it leaves nothing behind, and it says what it lacks."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource

from models.errors import ConfigError, KafkaUnavailable
from streams.workers.kafka_jars import Jars, find_jars, find_java
from streams.workers.local_kafka import LocalKafka, free_ports, server_properties

TIMEOUT_S = 30.0
JAVA_17 = "echo 'openjdk version \"17.0.9\" 2023-10-17' >&2"
REPO = Path(__file__).resolve().parents[2]


def quiet(_: str) -> None:
    pass


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    folder = tmp_path / "tools"
    folder.mkdir()
    return folder


def program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def environment(tmp_path: Path, tools: Path) -> dict[str, str]:
    return {"PATH": str(tools), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def test_no_java_is_said_with_what_to_install(tmp_path: Path, tools: Path) -> None:
    with (
        pytest.raises(ConfigError, match=r"needs Java 17 or newer, and there is no java on the PATH: install"),
        LocalKafka(env=environment(tmp_path, tools)),
    ):
        pass


def test_a_java_home_without_java_is_named(tmp_path: Path, tools: Path) -> None:
    program(tools, "java", JAVA_17)
    with pytest.raises(ConfigError, match=r"no java in JAVA_HOME .*/nowhere"):
        find_java(environment(tmp_path, tools) | {"JAVA_HOME": str(tmp_path / "nowhere")})


@pytest.mark.parametrize(("told", "version"), [('openjdk version "11.0.2"', 11), ('java version "1.8.0_392"', 8)])
def test_a_java_that_is_too_old_is_said(tmp_path: Path, tools: Path, told: str, version: int) -> None:
    program(tools, "java", f"echo '{told}' >&2")
    with pytest.raises(ConfigError, match=f"needs Java 17 or newer; .*/java is Java {version}:"):
        find_java(environment(tmp_path, tools))


@pytest.mark.parametrize(
    ("told", "version"), [('openjdk version "25-ea" 2025-09-16', 25), ('openjdk version "17"', 17)]
)
def test_new_javas_are_taken(tmp_path: Path, tools: Path, told: str, version: int) -> None:
    program(tools, "java", f"echo 'Picked up JAVA_TOOL_OPTIONS: -Dx=1' >&2\necho '{told}' >&2")
    assert find_java(environment(tmp_path, tools)).version == version


def test_a_java_that_does_not_tell_its_version_is_shown(tmp_path: Path, tools: Path) -> None:
    program(tools, "java", "echo 'The operation could not be completed' >&2\nexit 1")
    with pytest.raises(ConfigError, match="does not tell its version:\n  The operation could not be completed"):
        find_java(environment(tmp_path, tools))


def test_no_maven_is_said_with_what_to_install(tmp_path: Path, tools: Path) -> None:
    program(tools, "java", JAVA_17)
    with (
        pytest.raises(ConfigError, match="there is no mvn on the PATH: install Maven"),
        LocalKafka(env=environment(tmp_path, tools)),
    ):
        pass


def test_a_maven_that_fails_is_quoted_and_leaves_nothing_in_the_cache(tmp_path: Path, tools: Path) -> None:
    program(tools, "mvn", "echo '[ERROR] Could not resolve dependencies'\necho\nexit 1")
    told: list[str] = []
    with pytest.raises(ConfigError, match=r"could not fetch Kafka \(exit 1\):\n  \[ERROR\] Could not resolve"):
        find_jars(environment(tmp_path, tools), told.append)
    assert len(told) == 1
    assert [path for path in (tmp_path / "cache").rglob("*") if not path.is_dir()] == []
    assert list((tmp_path / "cache/braid/kafka").glob("*/*")) == []


def test_a_maven_that_succeeds_without_fetching_anything_is_no_success(tmp_path: Path, tools: Path) -> None:
    program(tools, "mvn", "exit 0")
    with pytest.raises(ConfigError, match="could not fetch Kafka"):
        find_jars(environment(tmp_path, tools), quiet)


def test_jars_are_fetched_once(tmp_path: Path, tools: Path) -> None:
    fetch = 'for word in "$@"; do case $word in -DoutputDirectory=*) : > "${word#*=}/kafka_2.13-4.jar";; esac; done'
    program(tools, "mvn", fetch)
    env = environment(tmp_path, tools)
    told: list[str] = []
    first = find_jars(env, told.append)
    (tools / "mvn").unlink()
    assert find_jars(env, told.append) == first
    assert first.folder.parent == tmp_path / "cache/braid/kafka" / first.version
    assert [Path(jar).name for jar in first.classpath.split(":")] == ["kafka_2.13-4.jar"]
    assert told == [f"Fetching Apache Kafka {first.version} with Maven, once"]


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, tools: Path) -> None:
    program(tools, "mvn", "exit 0")
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(ConfigError, match=r"no place to keep Kafka: .*XDG_CACHE_HOME"):
        find_jars(environment(tmp_path, tools), quiet)


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    properties = server_properties(20_001, 20_002, tmp_path)
    assert properties["listeners"] == "PLAINTEXT://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002"
    assert properties["controller.quorum.voters"] == "1@127.0.0.1:20002"
    assert properties["auto.create.topics.enable"] == "false"


@pytest.fixture(scope="module")
def jars() -> Jars:
    """Give the jars of Kafka; skip where this machine has no Java or no Maven (the broker tests then use another)."""
    try:
        find_java(os.environ)
        return find_jars(os.environ, quiet)
    except ConfigError as error:
        pytest.skip(f"left out: {error}")


def data_folder(kafka: LocalKafka) -> Path:
    resource = ConfigResource(ConfigResource.Type.BROKER, "1")
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    (answer,) = admin.describe_configs([resource], request_timeout=TIMEOUT_S).values()
    return Path(answer.result(timeout=TIMEOUT_S)["log.dirs"].value)


def ended(pid: int) -> bool:
    """Wait until a process that is not our child has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], TIMEOUT_S)[0])
    finally:
        os.close(handle)


@pytest.mark.broker
@pytest.mark.usefixtures("jars")
def test_it_leaves_no_process_and_no_data() -> None:
    with LocalKafka() as kafka:
        data = data_folder(kafka)
        assert data.is_dir()
        assert kafka.times.start_ms > 0
    assert not data.parent.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(kafka.pid, 0)
    kafka.stop()


@pytest.mark.broker
@pytest.mark.usefixtures("jars")
def test_a_port_that_was_taken_in_between_is_given_up_for_another() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as squatter:
        taken = squatter.getsockname()[1]
        free, controller = free_ports()
        offers = iter([(taken, controller), (free, controller)])
        with LocalKafka(ports=lambda: next(offers)) as kafka:
            assert kafka.bootstrap == f"127.0.0.1:{free}"


@pytest.mark.broker
@pytest.mark.usefixtures("jars")
@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"process.roles": "juggler"}, r"could not format its storage \(exit 1\):\n(.*\n)*.*juggler"),
        ({"metric.reporters": "no.such.Reporter"}, r"did not start \(exit 1\):\n(.*\n)*.*no\.such\.Reporter"),
    ],
)
def test_a_broker_that_dies_is_quoted(properties: dict[str, str], message: str) -> None:
    with pytest.raises(KafkaUnavailable, match=message), LocalKafka(properties=properties):
        pass


@pytest.mark.broker
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="left out: needs setpriv (util-linux)")
@pytest.mark.usefixtures("jars")
def test_it_ends_when_whoever_started_it_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom streams.workers.local_kafka import LocalKafka\n"
        "with LocalKafka() as kafka:\n    print(kafka.pid, flush=True)\n    sys.stdin.read()\n"
    )
    environ = os.environ | {"TMPDIR": str(tmp_path)}
    owner = subprocess.Popen(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", script], cwd=REPO, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
    assert ended(pid)


@pytest.fixture
def fresh_cache(jars: Jars, tmp_path: Path) -> Iterator[Path]:
    """Give a cache with the jars in it, and nothing that a first run leaves behind."""
    folder = tmp_path / "cache" / jars.folder.relative_to(jars.folder.parents[3])
    folder.mkdir(parents=True)
    for jar in jars.folder.glob("*.jar"):
        (folder / jar.name).symlink_to(jar)
    yield folder
    shutil.rmtree(tmp_path / "cache")


@pytest.mark.broker
def test_the_first_broker_leaves_an_archive_of_its_classes_for_the_next(fresh_cache: Path) -> None:
    env = os.environ | {"XDG_CACHE_HOME": str(fresh_cache.parents[3])}
    with LocalKafka(env=env):
        assert list(fresh_cache.glob("*.jsa")) == []
    others = [path.name for path in fresh_cache.iterdir() if path.suffix != ".jar"]
    (archive,) = others
    assert archive.startswith("classes-")
    before = (fresh_cache / archive).stat().st_mtime_ns
    with LocalKafka(env=env):
        assert [path.name for path in fresh_cache.iterdir() if path.suffix != ".jar"] == [archive]
    assert (fresh_cache / archive).stat().st_mtime_ns == before  # used, not written again
