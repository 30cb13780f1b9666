from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from models.errors import ConfigError
from streams.config import Settings, load_settings

PACK = Path(__file__).resolve().parent.parent / "streams" / "rules"

Set = Callable[..., None]


@pytest.fixture
def env() -> Iterator[Set]:
    """Return a function that sets BRAID_ variables; all of them are as before when the test is over."""
    before = {name: value for name, value in os.environ.items() if name.startswith("BRAID_")}

    def clear() -> None:
        for name in [name for name in os.environ if name.startswith("BRAID_")]:
            del os.environ[name]

    def put(**variables: str) -> None:
        os.environ.update({f"BRAID_{name}": value for name, value in variables.items()})

    clear()
    yield put
    clear()
    os.environ.update(before)


@pytest.fixture
def file(env: Set, tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Return a function that writes the TOML file and names it in the environment."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "braid.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        env(CONFIG=str(path))
        return path

    return write


def problem(**overrides: Any) -> str:
    with pytest.raises(ConfigError) as raised:
        load_settings(**overrides)
    return str(raised.value)


@pytest.mark.usefixtures("env")
def test_defaults_need_nothing_to_be_set() -> None:
    settings = load_settings()
    assert settings.bootstrap == "127.0.0.1:9092"
    assert settings.rule_paths == (PACK,)
    assert settings.rule_paths[0].is_dir()
    assert settings.clock_offsets == ()


@pytest.mark.usefixtures("env")
def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_environment_sets_every_kind_of_value(env: Set) -> None:
    env(
        BOOTSTRAP="kafka-1.example.com:9092,kafka-2.example.com:9092",
        LAKE="/srv/lake",
        RULES=os.pathsep.join(["/etc/rules", "", "more"]),
        DEFAULT_RULES="false",
        CLOCK_OFFSETS="windows=19h, host:ws1=-90s ,",
        BATCH_RECORDS="500",
        ARCHIVE_SECONDS="0.5",
        LOG_LEVEL="DEBUG",
    )
    settings = load_settings()
    assert settings.bootstrap == "kafka-1.example.com:9092,kafka-2.example.com:9092"
    assert settings.lake == Path("/srv/lake")
    assert settings.rule_paths == (Path("/etc/rules"), Path("more"))
    assert settings.clock_offsets == ("windows=19h", "host:ws1=-90s")
    assert (settings.batch_records, settings.archive_seconds, settings.log_level) == (500, 0.5, "DEBUG")


def test_further_rules_come_after_the_pack(env: Set) -> None:
    env(RULES="mine")
    assert load_settings().rule_paths == (PACK, Path("mine"))


def test_pipelines_are_files_in_the_order_given(env: Set) -> None:
    assert load_settings().rule_pipelines == ()
    env(RULE_PIPELINES="/etc/ecs.yml:ours.yml:")
    assert load_settings().rule_pipelines == (Path("/etc/ecs.yml"), Path("ours.yml"))


def test_the_file_sets_values_under_the_names_of_the_settings(file: Callable[[str], Path]) -> None:
    file(
        """
        bootstrap = "kafka.example.com:9092"
        rules = ["/etc/rules", "more"]
        default_rules = false
        clock_offsets = ["windows=19h", "host:ws1=-90s"]
        batch_records = 500
        archive_seconds = 1
        """
    )
    settings = load_settings()
    assert settings.bootstrap == "kafka.example.com:9092"
    assert settings.rule_paths == (Path("/etc/rules"), Path("more"))
    assert settings.clock_offsets == ("windows=19h", "host:ws1=-90s")
    assert (settings.batch_records, settings.archive_seconds) == (500, 1.0)


def test_the_file_takes_lists_as_the_environment_writes_them_too(file: Callable[[str], Path]) -> None:
    file(f'rules = "one{os.pathsep}two"\nclock_offsets = "windows=19h,zeek=1s"')
    settings = load_settings()
    assert settings.rules == (Path("one"), Path("two"))
    assert settings.clock_offsets == ("windows=19h", "zeek=1s")


def test_options_win_over_the_environment_over_the_file_over_the_defaults(env: Set, file: Any) -> None:
    file('bootstrap = "file:1"\ntopic_prefix = "file."\nlog_level = "ERROR"')
    env(BOOTSTRAP="env:1", TOPIC_PREFIX="env.")
    settings = load_settings(bootstrap="option:1", topic_prefix=None)
    assert (settings.bootstrap, settings.topic_prefix, settings.log_level) == ("option:1", "env.", "ERROR")
    assert settings.health_host == "127.0.0.1"


def test_an_empty_name_of_a_file_is_none(env: Set) -> None:
    env(CONFIG="")
    assert load_settings().bootstrap == "127.0.0.1:9092"


@pytest.mark.usefixtures("env")
def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().bootstrap = "elsewhere:9092"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_records", "many"),
        ("batch_records", "0"),
        ("batch_records", "100001"),
        ("archive_records", "0"),
        ("archive_seconds", "0"),
        ("archive_seconds", "nan"),
        ("evidence_seconds", "-1"),
        ("investigations_per_hour", "-1"),
        ("health_port", "65536"),
        ("default_rules", "maybe"),
        ("log_level", "LOUD"),
    ],
)
def test_a_bad_value_is_shown_with_the_variable_that_holds_it(env: Set, name: str, value: str) -> None:
    env(**{name.upper(): value})
    message = problem()
    assert f"BRAID_{name.upper()}" in message
    assert repr(value) in message


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('batch_records = "many"', "batch_records"),
        ("log_level = 7", "log_level"),
        ("lake = 5", "lake"),
        ("rules = [5]", "rules"),
        ("clock_offsets = 5", "clock_offsets"),
        ('unknown_key = "x"', "unknown_key"),
        ('[section]\nbootstrap = "x:1"', "section"),
    ],
)
def test_a_bad_value_or_key_in_the_file_is_shown_with_the_file(file: Any, line: str, key: str) -> None:
    path = file(line)
    message = problem()
    assert key in message
    assert str(path) in message


def test_a_bad_variable_is_not_blamed_on_the_file(env: Set, file: Any) -> None:
    path = file("batch_records = 5")
    env(BATCH_RECORDS="many")
    assert str(path) not in problem()


def test_a_bad_option_is_blamed_on_neither(env: Set, file: Any) -> None:
    path = file("batch_records = 5")
    env(BATCH_RECORDS="6")
    message = problem(batch_records=0)
    assert "batch_records" in message
    assert str(path) not in message


def test_all_problems_are_told_at_once(env: Set) -> None:
    env(BATCH_RECORDS="many", HEALTH_PORT="-1")
    assert [line.partition(":")[0] for line in problem().splitlines()] == ["BRAID_BATCH_RECORDS", "BRAID_HEALTH_PORT"]


def test_a_variable_in_small_letters_counts_and_is_blamed_too(env: Set, file: Any) -> None:
    path = file("batch_records = 5")
    env(batch_records="6")
    assert load_settings().batch_records == 6
    env(batch_records="many")
    assert str(path) not in problem()


def test_variables_that_are_nobodys_setting_do_no_harm(env: Set) -> None:
    env(SERVICE_HOST="192.0.2.1", TEST_BOOTSTRAP="127.0.0.1:9")  # what Kubernetes and the test harness set
    assert load_settings().bootstrap == "127.0.0.1:9092"


@pytest.mark.parametrize("content", ["bootstrap = ", "bootstrap: x", "[", b"bootstrap = '\xff'", b"\x00"])
def test_a_file_that_is_no_toml_is_named(file: Any, content: str | bytes) -> None:
    path = file(content)
    assert f"{path}: not TOML: " in problem()


def test_a_missing_file_is_named(env: Set, tmp_path: Path) -> None:
    env(CONFIG=str(tmp_path / "none.toml"))
    assert problem() == f"BRAID_CONFIG={tmp_path / 'none.toml'}: no such file"


def test_a_directory_is_no_file(env: Set, tmp_path: Path) -> None:
    env(CONFIG=str(tmp_path))
    assert str(tmp_path) in problem()


def test_a_long_value_is_cut_in_the_message(env: Set) -> None:
    env(LOG_LEVEL="x" * 10_000)
    assert len(problem()) < 300


def test_compiled_rules_are_kept_where_caches_are(env: Set, xdg: Callable[[str], None]) -> None:
    assert load_settings().cache_folder == Path.home() / ".cache" / "braid"
    xdg("/srv/cache")
    assert load_settings().cache_folder == Path("/srv/cache/braid")
    xdg("relative")  # which the XDG specification says to pass over
    assert load_settings().cache_folder == Path.home() / ".cache" / "braid"
    xdg("/srv/cache")
    env(CACHE_DIR="~/mine")
    assert load_settings().cache_folder == Path.home() / "mine"
    env(CACHE_DIR="")
    assert load_settings().cache_folder is None
    env(CACHE_DIR="~no-such-account-anywhere/cache")
    assert load_settings().cache_folder is None


@pytest.fixture
def xdg() -> Iterator[Callable[[str], None]]:
    """Return a function that sets where caches are; it is as before when the test is over."""
    before = os.environ.pop("XDG_CACHE_HOME", None)
    yield lambda folder: os.environ.update(XDG_CACHE_HOME=folder)
    os.environ.pop("XDG_CACHE_HOME", None)
    os.environ.update({"XDG_CACHE_HOME": before} if before is not None else {})
