"""The command line of RSigma, beside which detection is measured: `cargo install --locked rsigma`."""

from __future__ import annotations

import resource
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import orjson

KEYS = ("ls_product", "ls_service", "ls_category")  # fields in which a line names its log source


class RSigma:
    """The command line of RSigma."""

    def __init__(self, command: str, rules: Path) -> None:
        """Measure what its start takes."""
        fields = ",".join(f"{name.removeprefix('ls_')}={name}" for name in KEYS)
        self._command = [command, "engine", "eval", "-r", str(rules), "--logsource-routing", "--logsource-field-map"]
        self._command += [fields, "--input-format", "json", "--output-format", "ndjson", "--no-stats"]
        self.start_s = min(self.run(b"")[0] for _ in range(3))
        told = subprocess.run([command, "--version"], check=True, capture_output=True)  # noqa: S603  # the user's own
        self.version = told.stdout.decode().split("\n")[0]

    def run(self, lines: bytes) -> tuple[float, Counter[str]]:
        """Return the CPU seconds that it takes for some lines, and its matches by rule."""
        with tempfile.TemporaryFile() as given:
            given.write(lines)
            given.seek(0)
            before = _of_children()
            done = subprocess.run(self._command, stdin=given, capture_output=True, check=True)  # noqa: S603  # same
            return _of_children() - before, Counter(orjson.loads(line)["rule_id"] for line in done.stdout.splitlines())


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
