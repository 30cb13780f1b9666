"""Falco alerts."""

from __future__ import annotations

from typing import Any

from enrichers.entities import entities_of
from models.records import TIME_FROM_BROKER
from streams.sources.alerts.falco import SOURCE
from tests.sources import alert_records as records
from tests.sources import edr_records, fuzz


def event(value: Any, host: str = "") -> Any:
    return edr_records.parse(SOURCE, value, host)


def entities(value: Any) -> set[str]:
    return set(map(str, entities_of(event(value).ocsf)))


def test_alert_about_a_container() -> None:
    found = event(records.FALCO)
    ocsf = found.ocsf
    assert (found.class_uid, found.domain, found.time) == (2004, "workload", edr_records.NOON_MS + 500)
    assert (ocsf["severity_id"], ocsf["severity"]) == (3, "Warning")
    assert ocsf["finding_info"]["attacks"] == [
        {"tactic": {"name": "execution"}},
        {"tactic": {"name": "credential-access"}},
        {"technique": {"uid": "T1059"}},
    ]
    assert ocsf["device"]["container"]["image"]["tag"] == "1.4.2"
    assert ocsf["resources"] == [{"name": "api-7d9f-abcde", "type": "Pod", "namespace": "shop", "uid": records.POD_UID}]
    assert ocsf["actor"]["process"]["parent_process"]["name"] == "nginx"
    assert ocsf["evidences"][1]["dst_endpoint"] == {"ip": "198.51.100.9", "port": 4444}
    assert ocsf["metadata"]["original_event_uid"] == records.FALCO["uuid"]
    assert ocsf["unmapped"] == {"output_fields": {"evt.type": "execve", "proc.tty": 34816}}
    assert entities(records.FALCO) >= {
        "host:node-3",
        "user:node-3\\www-data",
        f"workload:{records.CONTAINER}",
        f"workload:{records.POD_UID}",
        "workload:shop/api-7d9f-abcde",
        "ip:198.51.100.9",
    }


def test_rules_reach_its_fields() -> None:
    found = event(records.FALCO)
    assert (found.logsource.product, found.logsource.service) == ("falco", "syscall")
    assert found.native["proc.cmdline"] == "sh -i"
    assert found.native["rule"] == "Terminal shell in container"


def test_alert_about_the_host_itself() -> None:
    told = records.FALCO["output_fields"] | {"container.id": "host", "container.name": "host", "k8s.pod.name": "<NA>"}
    found = event(records.FALCO | {"output_fields": told})
    assert "container" not in found.ocsf["device"]
    assert "resources" not in found.ocsf


def test_process_without_a_number_is_evidence() -> None:
    told = {"proc.name": "sh", "proc.cmdline": "sh -i", "user.name": "root"}
    found = event(records.FALCO | {"output_fields": told})
    assert found.ocsf["evidences"] == [{"data": {"proc.name": "sh", "proc.cmdline": "sh -i"}}]
    assert found.ocsf["actor"]["user"]["name"] == "root"


def test_alert_about_the_cluster() -> None:
    found = event(records.FALCO_AUDIT, host="collector")
    assert found.logsource.service == "k8s_audit"
    assert found.ocsf["resources"] == [{"name": "api-7d9f-abcde", "type": "pods", "namespace": "shop"}]
    assert "user:alice@example.com" in entities(records.FALCO_AUDIT)


def test_alert_about_a_cloud() -> None:
    found = event(records.FALCO_CLOUD)
    assert (found.domain, found.ocsf["severity_id"]) == ("identity", 5)
    assert found.ocsf["cloud"]["account"]["uid"] == "111122223333"
    assert entities(records.FALCO_CLOUD) >= {"user:arn:aws:iam::111122223333:user/alice", "ip:203.0.113.50"}


def test_the_shippers_host_where_the_alert_has_none() -> None:
    one, other = event(records.FALCO_AUDIT, host="node-1"), event(records.FALCO_AUDIT, host="node-2")
    assert one.ocsf["device"]["hostname"] == "node-1"
    assert one.uid != other.uid


def test_time() -> None:
    bare = {name: value for name, value in records.FALCO.items() if name != "time"}
    assert event(bare).time == edr_records.NOON_MS + 500  # from evt.time, in ns
    assert event(bare | {"output_fields": {}}).ocsf["metadata"]["labels"] == [TIME_FROM_BROKER]


def test_refused() -> None:
    assert edr_records.refused(SOURCE, {"rule": "x"}).field == "priority"
    assert not SOURCE.recognize(b"", {"rule": "x", "priority": "y"})
    assert not SOURCE.recognize(b"", None)


def test_nothing_but_events_and_reasons() -> None:
    fuzz.json_records(SOURCE, records.FALCOS)
    fuzz.anything(SOURCE, examples=100)
    fuzz.too_much(SOURCE, records.FALCO, ["rule", "output", "tags", "output_fields", "source", "hostname"])
