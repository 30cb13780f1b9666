"""Find what a local Kafka runs on: Java, and the jars of Apache Kafka that Maven fetches once.

`deploy/kafka/pom.xml` says which jars. They are kept under `$XDG_CACHE_HOME/braid/kafka/<version>` (`~/.cache` by
default), in a folder named for the content of that file, so that a folder that is there is whole and never changes.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.errors import ConfigError
from models.uids import sha256_hex

KAFKA_HOME: Final = Path(__file__).resolve().parents[2] / "deploy" / "kafka"
OLDEST_JAVA: Final = 17  # what Kafka 4 was compiled for
_JAVA_TIMEOUT_S: Final = 30
_MAVEN_TIMEOUT_S: Final = 600
_HASH_CHARS: Final = 12
_SHOWN_LINES: Final = 15

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that is new enough.

    Attributes:
        path: The program.
        version: Its major version.
        fingerprint: Changes whenever another build of Java is found.
    """

    path: str
    version: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Jars:
    """Apache Kafka, unpacked.

    Attributes:
        version: Its version.
        folder: Where the jars lie.
    """

    version: str
    folder: Path

    @property
    def classpath(self) -> str:
        """Return the jars in an order that is always the same, since a class archive is bound to it."""
        return ":".join(str(path) for path in sorted(self.folder.glob("*.jar")))


def last_lines(text: str) -> str:
    """Return the last lines of a program's output that say anything, indented."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-_SHOWN_LINES:])


def find_java(env: Environment) -> Java:
    """Return the Java of JAVA_HOME or the PATH; raise ConfigError when there is none, or it is too old."""
    home = env.get("JAVA_HOME")
    path = shutil.which("java", path=str(Path(home) / "bin") if home else env.get("PATH", ""))
    if path is None:
        where = f"in JAVA_HOME ({home})" if home else "on the PATH"
        raise ConfigError(f"a local Kafka needs Java {OLDEST_JAVA} or newer, and there is no java {where}: install one")
    output = _run([path, "-version"], env, _JAVA_TIMEOUT_S).stdout
    version = _java_version(output)
    if version is None:
        raise ConfigError(f"{path} -version does not tell its version:\n{last_lines(output)}")
    if version < OLDEST_JAVA:
        raise ConfigError(
            f"a local Kafka needs Java {OLDEST_JAVA} or newer; {path} is Java {version}: install a newer one"
        )
    return Java(path, version, sha256_hex(output.encode())[:_HASH_CHARS])


def _java_version(output: str) -> int | None:
    # Java 8 calls itself 1.8; since Java 9 the major version comes first.
    found = re.search(r'version "(?:1\.)?(\d{1,4})', output)
    return int(found[1]) if found else None


def find_jars(env: Environment, tell: Callable[[str], None]) -> Jars:
    """Return the jars of Kafka, fetched with Maven where they are not in the cache yet.

    Args:
        env: Environment of the programs that run; XDG_CACHE_HOME, HOME and PATH are read from it.
        tell: Told, in one sentence, before something that takes long.

    Raises:
        ConfigError: When this is no checkout, there is no Maven, or Maven failed; with its last lines.
    """
    pom = KAFKA_HOME / "pom.xml"
    if not pom.is_file():
        raise ConfigError(
            f"a local Kafka can be started from a checkout of Braid only ({pom} is missing): "
            "set BRAID_BOOTSTRAP to the address of a broker instead"
        )
    content = pom.read_bytes()
    version = _kafka_version(content)
    folder = _cache(env) / "braid" / "kafka" / version / sha256_hex(content)[:_HASH_CHARS]
    if not folder.is_dir():
        _fetch(pom, folder, env, lambda: tell(f"Fetching Apache Kafka {version} with Maven, once"))
    return Jars(version, folder)


def _kafka_version(pom: bytes) -> str:
    found = re.search(rb"<kafka\.version>([0-9.]+)</kafka\.version>", pom)
    if found is None:
        raise ConfigError("deploy/kafka/pom.xml does not say which kafka.version it is for")
    return found[1].decode()


def _cache(env: Environment) -> Path:
    named = Path(env.get("XDG_CACHE_HOME", ""))
    return named if named.is_absolute() else Path(env.get("HOME") or Path.home()) / ".cache"


def _fetch(pom: Path, folder: Path, env: Environment, tell: Callable[[], None]) -> None:
    maven = shutil.which("mvn", path=env.get("PATH", ""))
    if maven is None:
        raise ConfigError("a local Kafka is fetched with Maven, and there is no mvn on the PATH: install Maven")
    tell()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder.parent, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two Mavens at once spoil their repository
            if not folder.is_dir():
                _fetch_alone(maven, pom, folder, env)
        finally:
            os.close(lock)
    except OSError as error:
        raise ConfigError(f"no place to keep Kafka: {error} (XDG_CACHE_HOME says where)") from error


def _fetch_alone(maven: str, pom: Path, folder: Path, env: Environment) -> None:
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))
    try:
        _copy_jars(maven, pom, partial, env)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _copy_jars(maven: str, pom: Path, folder: Path, env: Environment) -> None:
    command = [maven, "-B", "-q", "-U", "-Dstyle.color=never", "-f", str(pom), "dependency:copy-dependencies"]
    result = _run([*command, f"-DoutputDirectory={folder}", "-DincludeScope=runtime"], env, _MAVEN_TIMEOUT_S)
    if result.returncode != 0 or not any(folder.glob("kafka_*.jar")):
        raise ConfigError(f"Maven could not fetch Kafka (exit {result.returncode}):\n{last_lines(result.stdout)}")


def _run(command: list[str], env: Environment, timeout_s: int) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603  # a program found on the PATH, with arguments of our own
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigError(f"{command[0]} did not end within {timeout_s} s") from error
    except OSError as error:
        raise ConfigError(f"{command[0]} does not run: {error}") from error
