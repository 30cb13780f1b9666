"""How long rules take to load: `python -m tests.benchmarks.loading RULES`.

Each start is a process of its own: the first compiles, the second finds all compiled, the third one file edited. After
it, in the same process, the parts of a start are timed by themselves.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table

_CHILD = "from tests.benchmarks.loading import start; start({!r}, {!r})"


def start(rules: str, cache: str) -> None:
    """Import and load as a command does, time the parts, and print all as JSON."""
    began = time.perf_counter()
    from streams.detect.codec import decode_file
    from streams.detect.loader import link_detections, read_file, rule_files
    from streams.rulebook import load_rulebook
    from streams.rulebook.cache import RuleCache
    from streams.rulebook.files import environment

    imported = time.perf_counter()
    book = load_rulebook([Path(rules)], cache=RuleCache(Path(cache)))
    loaded, cpu = time.perf_counter(), time.process_time()
    (name,) = (file.stem.removeprefix("rules-") for file in Path(cache).iterdir())
    entries = RuleCache(Path(cache)).read(name, environment()).entries.values()
    parts = {
        "find, read, hash": lambda: [sha256(bytes(_read(read_file(file)))) for file in rule_files([Path(rules)])],
        "read the cache": lambda: RuleCache(Path(cache)).read(name, environment()),
        "decode": lambda: [decode_file(entry, "") for entry in entries],
        "link, filter": lambda: link_detections(book.detections),
    }
    whole = {"import": imported - began, "load": loaded - imported, "start": loaded - began, "CPU, in all": cpu}
    timed = {part: _seconds(run) for part, run in parts.items()}
    click.echo(orjson.dumps({"rules": len(book.detections)} | whole | timed))


def _read(data: object) -> bytes:
    return data if isinstance(data, bytes) else b""


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


@click.command()
@click.argument("rules", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(rules: Path) -> None:
    """Measure three starts with the rules of a folder, which is copied first."""
    with tempfile.TemporaryDirectory() as folder:
        copy, cache = Path(folder, "rules"), Path(folder, "cache")
        shutil.copytree(rules, copy)
        found = {"first": _started(copy, cache), "second": _started(copy, cache)}
        edited = min(copy.rglob("*.yml"))
        edited.write_text(edited.read_text("utf-8") + "\n# edited\n", "utf-8")
        found["one file edited"] = _started(copy, cache)
    table = Table("start", *found["first"], title="Seconds")
    for which, figures in found.items():
        table.add_row(
            which, *(f"{figure:,.3f}" if isinstance(figure, float) else str(figure) for figure in figures.values())
        )
    Console(width=150).print(table)


def _started(rules: Path, cache: Path) -> dict[str, float]:
    command = [sys.executable, "-c", _CHILD.format(str(rules), str(cache))]
    done = subprocess.run(command, check=True, capture_output=True)  # noqa: S603  # our own program
    figures: dict[str, float] = orjson.loads(done.stdout)
    return figures


if __name__ == "__main__":
    sys.exit(main())
