"""The alerts of other systems are signals, with the severity and the techniques that their makers gave them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from models import ocsf
from models.entity import EntityKey
from models.event import Event, LogSource
from models.finding import Attack, EventRef
from models.finding_ocsf import signal_from_ocsf, signal_to_ocsf
from models.ocsf_classes import AUTHENTICATION, DETECTION_FINDING
from models.records import Coordinates
from streams.alerts import alert_signal, is_alert
from streams.sources.objects import attacks, finding

T0 = 1_790_000_000_000
AT = Coordinates("raw.guardduty", 0, 3)
HOST = EntityKey("host", "web01")


def event(class_uid: int = DETECTION_FINDING, activity_id: int = 1, **attributes: Any) -> Event:
    body = ocsf.head(class_uid, activity_id, T0, 4) | {"metadata": {"product": {"vendor_name": "Example"}}} | attributes
    return Event("e" * 32, T0, "guardduty", LogSource("aws"), {}, body, AT, "a" * 64, "identity")


def signal(found: Event) -> Any:
    return alert_signal(found, EventRef(found.uid, found.class_uid, found.source, found.at, found.sha256), (HOST,))


def test_an_alert_is_a_signal_of_its_own() -> None:
    info = finding(
        "Odd call", "f-1", rule_uid="Recon:IAMUser/X", rule="Recon", attack=attacks("T1078.004", "Discovery")
    )
    found = signal(event(finding_info=info, confidence_score=70))
    assert found.analytic.name == "Recon"
    assert found.analytic.author == "Example"
    assert found.analytic.severity_id == 4
    assert found.analytic.attacks == (Attack(technique="T1078.004"), Attack(tactic="discovery"))
    assert (found.domain, found.risk, found.confidence, found.entities) == ("identity", 60, 70, (HOST,))
    assert signal_from_ocsf(signal_to_ocsf(found)) == found


def test_alerts_of_one_rule_count_together_and_those_of_another_do_not() -> None:
    one, same, other = (
        signal(event(finding_info=finding("T", uid, rule_uid=rule)))
        for uid, rule in (("1", "a"), ("2", "a"), ("3", "b"))
    )
    assert one.analytic.uid == same.analytic.uid != other.analytic.uid


def test_only_open_findings_are_alerts() -> None:
    assert is_alert(event())
    assert not is_alert(event(activity_id=3))
    assert not is_alert(event(AUTHENTICATION))


JUNK = (
    st.none()
    | st.integers()
    | st.text(max_size=3)
    | st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=3)))
)


@given(st.dictionaries(st.sampled_from(["finding_info", "severity_id", "risk_score", "attacks", "metadata"]), JUNK))
def test_whatever_an_alert_holds_it_is_a_signal(attributes: dict[str, Any]) -> None:
    found = signal(event(**attributes))
    assert signal_from_ocsf(signal_to_ocsf(found)) == found
