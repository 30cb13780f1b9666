"""A real Apache Kafka on this machine, for as long as somebody needs it: one KRaft node on loopback ports."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from types import TracebackType
from typing import IO, Final, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from models.errors import ConfigError, KafkaUnavailable
from streams.workers.kafka_jars import KAFKA_HOME, Environment, Jars, Java, find_jars, find_java, last_lines

_START_TIMEOUT_S: Final = 60.0
_STOP_TIMEOUT_S: Final = 20.0  # the first stop also writes the class archive
_FORMAT_TIMEOUT_S: Final = 60.0
_ANSWER_TIMEOUT_S: Final = 0.25
_START_ATTEMPTS: Final = 3
_KILLED_BY_TERM: Final = 128 + signal.SIGTERM  # a JVM that ended in good order after SIGTERM
# Below the ports that outgoing connections get: one of those could take ours, or a client that keeps trying to
# connect to a port nobody listens on yet could end up connected to itself.
_PORTS: Final = range(20_000, 32_000)

# Measured: the quick compiler alone starts sooner and takes less CPU even under load than both compilers together.
_JVM_FLAGS: Final = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-Xmx512m",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-Xlog:disable",
    f"-Dlog4j2.configurationFile={KAFKA_HOME / 'log4j2.properties'}",
)


@dataclass(frozen=True, slots=True)
class StartTimes:
    """How long the parts of a start took.

    Attributes:
        resolve_ms: Finding Java and the jars; the first time, fetching them.
        format_ms: Formatting the storage.
        start_ms: From starting the broker to its first answer.
    """

    resolve_ms: int
    format_ms: int
    start_ms: int


def is_free(port: int) -> bool:
    """Tell whether a loopback port can be listened on right now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that are over are no hindrance
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports() -> tuple[int, int]:
    """Return two different loopback ports on which nobody listens; raise ConfigError when there are none."""
    tried = secrets.SystemRandom().sample(_PORTS, 200)
    found = [port for port in tried if is_free(port)]
    if len(found) < 2:  # noqa: PLR2004  # one for the broker, one for the controller
        raise ConfigError(f"no two free loopback ports between {_PORTS.start} and {_PORTS.stop}")
    return found[0], found[1]


def server_properties(broker_port: int, controller_port: int, data: Path) -> dict[str, str]:
    """Return the settings of the one node, from the template in deploy/kafka."""
    template = Template((KAFKA_HOME / "server.properties").read_text("utf-8"))
    text = template.substitute(broker_port=broker_port, controller_port=controller_port, data=data)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


class LocalKafka:
    """Start a Kafka when entered, stop it and forget its data when left.

    Start it from the main thread: where `setpriv` is there the broker ends with the thread that started it, so that
    nothing is left behind when this process is killed.

    Attributes:
        bootstrap: Address for clients, once started.
        pid: Process id of the broker, once started.
        times: What the start took, once started.
    """

    bootstrap: str
    pid: int
    times: StartTimes

    def __init__(
        self,
        *,
        properties: Mapping[str, str] | None = None,
        env: Environment = os.environ,
        tell: Callable[[str], None] = lambda _: None,
        ports: Callable[[], tuple[int, int]] = free_ports,
    ) -> None:
        """Prepare, start nothing yet.

        Args:
            properties: Settings of the broker that differ from deploy/kafka/server.properties.
            env: Where PATH, JAVA_HOME and XDG_CACHE_HOME are read from.
            tell: Told, in one sentence, before something that takes long.
            ports: Picks the ports of broker and controller.
        """
        self._properties = dict(properties or {})
        self._env = env
        self._tell = tell
        self._ports = ports
        self._cluster_id = _new_cluster_id()
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._archive: _ClassArchive | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def log(self) -> str:
        """Return what the broker has said so far (warnings and errors), empty when it is not running."""
        path = self._folder / "server.log" if self._folder else None
        return path.read_text("utf-8", "replace") if path and path.is_file() else ""

    def stop(self) -> None:
        """Stop the broker, by force when it does not stop in time, and remove its data. Harmless when stopped."""
        if self._process is not None:
            code = _end(self._process)
            if self._archive is not None:
                self._archive.keep(complete=code in {0, _KILLED_BY_TERM})
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _start(self) -> None:
        begun = time.monotonic()
        java = find_java(self._env)
        jars = find_jars(self._env, self._tell)
        self._archive = _ClassArchive(java, jars)
        self._folder = folder = Path(tempfile.mkdtemp(prefix="braid-kafka-"))
        resolved = time.monotonic()
        command = [java.path, *_JVM_FLAGS, "-cp", jars.classpath]
        self._format([*command, *self._archive.use()], folder)
        formatted = time.monotonic()
        self._serve([*command, *(self._archive.use() or self._archive.make())], folder)
        started = time.monotonic()
        self.times = StartTimes(_ms(begun, resolved), _ms(resolved, formatted), _ms(formatted, started))

    def _configure(self, folder: Path, ports: tuple[int, int]) -> None:
        properties = server_properties(*ports, folder / "data") | self._properties
        text = "".join(f"{name}={value}\n" for name, value in properties.items())
        (folder / "server.properties").write_text(text, "utf-8")

    def _format(self, command: list[str], folder: Path) -> None:
        self._configure(folder, (_PORTS.start, _PORTS.stop))  # it listens on none
        tool = [*command, "kafka.tools.StorageTool", "format", "-t", self._cluster_id, "-c", "server.properties"]
        with (folder / "server.log").open("wb") as log:
            process = _spawn(tool, folder, self._env, log)
            try:
                code = process.wait(_FORMAT_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                code = _end(process)
        if code != 0:
            raise KafkaUnavailable(f"Kafka could not format its storage (exit {code}):\n{last_lines(self.log())}")

    def _serve(self, command: list[str], folder: Path) -> None:
        for _ in range(_START_ATTEMPTS):
            ports = self._ports()
            self._configure(folder, ports)
            with (folder / "server.log").open("wb") as log:
                server = [*command, "kafka.Kafka", "server.properties"]
                self._process = process = _spawn(server, folder, self._env, log)
            self.bootstrap, self.pid = f"127.0.0.1:{ports[0]}", process.pid
            if _answers(process, self.bootstrap, self._cluster_id):
                return
            code = _end(process)
            # A port that is taken now was taken before the broker came to it: others will do.
            if all(is_free(port) for port in ports):
                break
        raise KafkaUnavailable(f"the local Kafka did not start (exit {code}):\n{last_lines(self.log())}")


class _ClassArchive:
    """An archive of the classes that a start loads (JEP 350): it makes the next one two to three times as quick.

    The first broker that ends in good order leaves it beside the jars. Java itself refuses one that does not fit.
    """

    def __init__(self, java: Java, jars: Jars) -> None:
        self._path = jars.folder / f"classes-{java.fingerprint}.jsa"
        self._partial = jars.folder / f".{self._path.name}-{os.getpid()}-{secrets.token_hex(4)}"

    def use(self) -> list[str]:
        """Return the flags to start with the archive, none when there is no archive yet."""
        return [f"-XX:SharedArchiveFile={self._path}"] if self._path.is_file() else []

    def make(self) -> list[str]:
        """Return the flags that make a JVM write an archive when it ends."""
        return [f"-XX:ArchiveClassesAtExit={self._partial}"] if os.access(self._partial.parent, os.W_OK) else []

    def keep(self, *, complete: bool) -> None:
        """Put an archive that was written in its place, or away when the JVM was stopped in the midst of it."""
        if complete and self._partial.is_file():
            self._partial.replace(self._path)
        self._partial.unlink(missing_ok=True)


def _ms(begin_s: float, end_s: float) -> int:
    return round((end_s - begin_s) * 1000)


def _spawn(command: list[str], folder: Path, env: Environment, log: IO[bytes]) -> subprocess.Popen[bytes]:
    setpriv = shutil.which("setpriv", path=env.get("PATH", ""))
    guard = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
    return subprocess.Popen(  # noqa: S603  # a program found on the PATH, with arguments of our own
        [*guard, *command],
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # an interrupt from the keyboard is for us: workers finish before their broker goes
    )


def _new_cluster_id() -> str:
    # 16 bytes in Kafka's base64. The zero at the front keeps it from beginning with a dash, like an option.
    return base64.urlsafe_b64encode(b"\0" + secrets.token_bytes(15)).decode().rstrip("=")


def _answers(process: subprocess.Popen[bytes], bootstrap: str, cluster_id: str) -> bool:
    """Wait until this very cluster answers; return False when the broker ended, or took too long."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.max.ms": 100})
    deadline = time.monotonic() + _START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            found = admin.list_topics(timeout=_ANSWER_TIMEOUT_S)
        except KafkaException:
            continue
        if found.brokers and str(found.cluster_id) == cluster_id:  # typed as None, which it is not
            return True
    return False


def _end(process: subprocess.Popen[bytes]) -> int:
    """End a process, by force when it does not end in time; return its exit code."""
    process.terminate()
    try:
        return process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
