"""The engines that are measured side by side, and how a process of each is started."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

from streams.config import load_settings
from streams.topics import CHANGELOGS
from tests.benchmarks.peers_input import FIRST, RULES, THEN
from tests.benchmarks.peers_judge import alerts_of_braid, alerts_of_peer
from tests.benchmarks.peers_run import STOP_S, Engine, Place, Process
from tests.workers.processes import Braid

HERE = Path(__file__).parent
QUIX = "quixstreams==3.28.1"
BRAID_TOPICS = ("signals", "entity-links", "sequences", "late", "dead-letter", *(topic.name for topic in CHANGELOGS))
PEER_TOPICS = ("signals", "found")


def start_braid(place: Place) -> AbstractContextManager[Process]:
    """Start `braid worker correlate` with the one rule."""
    rules = place.folder / "rules"
    rules.mkdir(parents=True, exist_ok=True)
    (rules / "rules.yml").write_text(RULES, "utf-8")
    return Braid(place.bootstrap, place.prefix, rules, place.folder).running("worker", "correlate")


@contextmanager
def start_peer(python: Path, program: str, mode: str, place: Place) -> Iterator[Process]:
    """Start a peer's program in its environment; end it, by force if need be, when the block is left."""
    folder = place.folder / "state"
    folder.mkdir(parents=True, exist_ok=True)
    told = place.bootstrap, place.prefix, place.partitions, folder, FIRST, THEN, place.grace_ms, mode
    command = [str(python), str(HERE / program), *map(str, told)]
    with (place.folder / f"{program}-{uuid4().hex[:6]}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603  # our own
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def find_quix(folder: Path) -> Path | None:
    """Return the interpreter of an environment with Quix Streams in it, None where there is none yet."""
    return folder / "bin" / "python" if (folder / QUIX).is_file() else None


def make_quix(folder: Path) -> Path:
    """Make an environment with Quix Streams in it where there is none yet; return its interpreter.

    It has one of its own, since it binds an older Kafka client than Braid has. Raises CalledProcessError when its
    packages cannot be had.
    """
    found = find_quix(folder)
    if found is not None:
        return found
    venv.create(folder, clear=True, with_pip=True)
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", QUIX]
    subprocess.run(install, check=True)  # noqa: S603  # a command of our own
    (folder / QUIX).touch()
    return python


def quix_folder() -> Path | None:
    """Return where that environment is kept, None where nothing may be."""
    cache = load_settings().cache_folder
    return cache / "bench-quix" if cache else None


def engines(quix: Path | None) -> dict[str, Engine]:
    """Return all engines by name; those of Quix Streams where there is an interpreter for them."""
    ours = Engine("Braid", BRAID_TOPICS, "sequences", start_braid, alerts_of_braid, has_ticks=True)
    peers = [_peer("Faust windows", Path(sys.executable), "peer_faust.py", "windows")]
    if quix:
        peers += [_peer(f"Quix {mode}", quix, "peer_quix.py", mode) for mode in ("window", "state")]
    return {engine.name: engine for engine in (ours, *peers)}


def _peer(name: str, python: Path, program: str, mode: str) -> Engine:
    return Engine(name, PEER_TOPICS, "found", partial(start_peer, python, program, mode), alerts_of_peer)
