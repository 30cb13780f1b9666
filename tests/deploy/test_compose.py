"""deploy/compose.yml and deploy/Containerfile, read as data: they name what exists, and agree with each other.

What only an engine can tell, that the image builds and the services start, is not told here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.config import PREFIX, Settings
from streams.workers import up
from tests.broker import IMAGE, kafka_version

REPO = Path(__file__).resolve().parents[2]
DEPLOY = REPO / "deploy"
LAKE = "/var/lib/braid/lake"
STATE = "/var/lib/braid/state"
WORKERS = {*up.WORKERS}
JUDGING = {"investigate", "respond"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    composed: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    return composed["services"]


@pytest.fixture(scope="module")
def ours(services: dict[str, Any]) -> dict[str, Any]:
    return {name: service for name, service in services.items() if name != "kafka"}


def test_every_worker_is_there_under_its_name(ours: dict[str, Any]) -> None:
    assert {name: service["command"] for name, service in ours.items()} == {
        "topics": ["topics", "create"],
        **{name: ["worker", name] for name in WORKERS},
    }


def test_every_setting_is_one_that_braid_reads(ours: dict[str, Any]) -> None:
    for name, service in ours.items():
        assert set(service["environment"]) == {"BRAID_BOOTSTRAP", "BRAID_LAKE"} | (
            {"BRAID_DATA_DIR"} if name in JUDGING else set()
        )
        assert {name.removeprefix(PREFIX).lower() for name in service["environment"]} <= set(Settings.model_fields)


def test_workers_are_pointed_at_the_listener_that_kafka_advertises_inside(services: dict[str, Any]) -> None:
    advertised = services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    inside = services["ingest"]["environment"]["BRAID_BOOTSTRAP"]
    assert f"INTERNAL://{inside}" in advertised
    assert services["kafka"]["healthcheck"]["test"][-1] == inside


def test_kafka_is_the_version_of_the_pom(services: dict[str, Any]) -> None:
    assert services["kafka"]["image"] == f"{IMAGE}:{kafka_version()}"


def test_nothing_is_published_beyond_this_machine(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_workers_wait_for_the_topics_and_the_topics_for_kafka(ours: dict[str, Any]) -> None:
    assert ours["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert ours["topics"]["restart"] == "no"
    for name in WORKERS:
        assert ours[name]["depends_on"]["topics"] == {"condition": "service_completed_successfully"}


def test_workers_have_no_more_rights_than_they_need(ours: dict[str, Any]) -> None:
    for service in ours.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_only_archive_may_write_the_lake(ours: dict[str, Any]) -> None:
    mounts = {name: service["volumes"] for name, service in ours.items() if "volumes" in service}
    reading = [f"lake:{LAKE}:ro", f"state:{STATE}", "./etc:/etc/braid:ro"]
    assert mounts == {"archive": [f"lake:{LAKE}"], **dict.fromkeys(JUDGING, reading)}
    assert {service["environment"]["BRAID_LAKE"] for service in ours.values()} == {LAKE}


def test_the_image_is_built_from_files_that_exist(ours: dict[str, Any]) -> None:
    builds = [service["build"] for service in ours.values()]
    assert all((DEPLOY / build["context"]).resolve() == REPO for build in builds)
    assert all((REPO / build["dockerfile"]).is_file() for build in builds)
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    copied = [
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    ]
    assert copied
    assert [path for path in copied if not (REPO / path).exists()] == []


def test_the_image_installs_by_hash_and_runs_without_root() -> None:
    text = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
    installs = [line for line in text.splitlines() if "pip install" in line and "--no-index" not in line]
    assert all("--require-hashes" in line for line in installs)
    assert any("requirements.lock" in line for line in installs)
    assert "USER 10001:10001" in text.split("FROM")[-1]
    assert f"{LAKE} {STATE}" in text


def test_the_key_of_the_audit_log_outlives_a_container(ours: dict[str, Any]) -> None:
    for name in JUDGING:
        assert ours[name]["environment"]["BRAID_DATA_DIR"] == STATE
        assert f"state:{STATE}" in ours[name]["volumes"]
