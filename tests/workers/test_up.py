"""What `braid up` hands to its children."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.config import load_settings
from streams.workers.up import child_environment


@pytest.fixture
def environ() -> Iterator[dict[str, str]]:
    """Return the environment of this process, without settings; it is as before when the test is over."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(("BRAID_", "XDG_"))]:
        del os.environ[name]
    yield os.environ  # type: ignore[misc]  # as good as a dict for what is done to it
    os.environ.clear()
    os.environ.update(before)


def test_a_child_has_the_settings_of_the_tree(environ: dict[str, str], tmp_path: Path) -> None:
    given = load_settings(
        rules=(tmp_path / "a", tmp_path / "b"),
        rule_pipelines=(tmp_path / "p.yml", tmp_path / "q.yml"),
        geo_databases=(tmp_path / "geo.mmdb",),
        assets=(tmp_path / "assets.csv", tmp_path / "more.json"),
        identities=(tmp_path / "people.csv",),
        allow_lists=(tmp_path / "allow.yml",),
        default_rules=False,
        clock_offsets=("windows=19h", "host:a=1s"),
        topic_prefix="test.",
        cache_dir=str(tmp_path / "cache"),
        rules_reload_seconds=0.5,
    )
    environ.update(child_environment(given, "kafka.example.com:9092"))
    assert load_settings() == given.model_copy(update={"bootstrap": "kafka.example.com:9092"})


def test_what_is_switched_off_stays_off(environ: dict[str, str]) -> None:
    environ.update(child_environment(load_settings(cache_dir="", rules=()), "kafka.example.com:9092"))
    assert load_settings().cache_folder is None
    assert load_settings().rules == ()


def test_the_cache_is_where_that_of_the_tree_is(environ: dict[str, str], tmp_path: Path) -> None:
    environ["XDG_CACHE_HOME"] = str(tmp_path)
    environ.update(child_environment(load_settings(), "kafka.example.com:9092"))
    del environ["XDG_CACHE_HOME"]
    assert load_settings().cache_folder == tmp_path / "braid"


def test_a_folder_that_is_a_link_stays_one(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "release1").mkdir()
    (tmp_path / "current").symlink_to("release1")
    environ.update(child_environment(load_settings(rules=(tmp_path / "current",)), "kafka.example.com:9092"))
    assert load_settings().rules == (tmp_path / "current",)
