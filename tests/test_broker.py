"""The harness itself: what it does where there is no Kafka to be had, tried in a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.broker import NoBroker, find_broker, image_settings, remedy

REPO = Path(__file__).resolve().parent.parent
TESTS = """
def test_direct(bootstrap): pass
def test_indirect(topic_prefix): pass
def test_without(): pass
"""


def run(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run three tests, two of which need a broker, on a machine that has nothing on its PATH."""
    (folder / "test_inner.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = broker: needs a Kafka\naddopts = --strict-markers -ra\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.broker", "-p", "no:cacheprovider", *arguments, str(folder)]
    environ = {"PATH": str(folder), "HOME": str(folder), **env}
    return subprocess.run(command, cwd=REPO, env=environ, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603  # our own interpreter


def program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_without_a_broker_tests_are_left_out_and_the_last_lines_say_so(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.returncode == 0
    *_, head, what, docker, java, remedy_, totals = result.stdout.splitlines()
    assert "2 tests left out" in head
    assert what == "no Kafka to test with:"
    assert docker == "  Docker: there is no docker on the PATH"
    assert java.startswith("  Java and Maven: a local Kafka needs Java 17 or newer")
    assert remedy_ == "Install Docker to run them."
    assert "1 passed, 2 skipped" in totals


def test_the_last_lines_say_so_where_processes_share_the_tests(tmp_path: Path) -> None:
    *_, head, what, _, _, remedy_, totals = run(tmp_path, "-n", "2").stdout.splitlines()
    assert "2 tests left out" in head
    assert what == "no Kafka to test with:"
    assert remedy_ == "Install Docker to run them."
    assert "1 passed, 2 skipped" in totals


def test_under_ci_they_fail_with_the_reason(tmp_path: Path) -> None:
    result = run(tmp_path, CI="true")
    assert result.returncode == 1
    assert "1 passed, 2 errors" in result.stdout
    assert "there is no docker on the PATH" in result.stdout


def test_tests_that_use_the_broker_are_marked_without_being_told(tmp_path: Path) -> None:
    assert "1 passed, 2 deselected" in run(tmp_path, "-m", "not broker", CI="true").stdout
    assert "2 errors" in run(tmp_path, "-m", "broker", CI="true").stdout


def test_an_engine_that_does_not_answer_is_quoted_and_passed_over(tmp_path: Path) -> None:
    program(tmp_path, "docker", "echo 'Cannot connect to the engine' >&2\nexit 1")
    with ExitStack() as stack, pytest.raises(NoBroker, match="Docker: docker info: Cannot connect to the engine"):
        find_broker(stack, {"PATH": str(tmp_path)})


def test_an_image_that_cannot_be_run_is_quoted_and_passed_over(tmp_path: Path) -> None:
    refuse = 'for last in "$@"; do :; done\necho "pull access denied for $last" >&2\nexit 125'
    program(tmp_path, "docker", f'test "$1" = info && exit 0\n{refuse}')
    with ExitStack() as stack, pytest.raises(NoBroker, match="docker run: pull access denied for apache/kafka:4"):
        find_broker(stack, {"PATH": str(tmp_path)})


@pytest.mark.parametrize(
    ("there", "advice"),
    [
        ((), "Install Docker"),
        (("docker",), "Start the Docker engine"),
        (("java",), "Install Maven"),
        (("mvn", "docker"), "Install Java 17"),
        (("java", "mvn"), "Mend"),
    ],
)
def test_one_thing_to_install_is_named(tmp_path: Path, there: tuple[str, ...], advice: str) -> None:
    for name in there:
        program(tmp_path, name, "exit 1")
    assert remedy({"PATH": str(tmp_path)}).startswith(advice)


def test_the_image_gets_the_settings_of_a_local_kafka() -> None:
    settings = image_settings(20_001)
    assert settings["KAFKA_ADVERTISED_LISTENERS"].startswith("PLAINTEXT://127.0.0.1:20001,")
    assert settings["KAFKA_TRANSACTION_STATE_LOG_MIN_ISR"] == "1"
    assert settings["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert os.pathsep not in settings["KAFKA_LOG_DIRS"]
