"""Which sources a rule's log source means: whose silence an absence depends on."""

from __future__ import annotations

import pytest

from models.event import LogSource
from streams.detect.logsource import RuleLogSource
from streams.sources.inventory import inventory
from streams.sources.producers import producers, sources_of
from streams.sources.registry import SOURCES

AUTHENTICATION = 3002


@pytest.mark.parametrize(
    ("logsource", "expected"),
    [
        (RuleLogSource("okta"), {"okta"}),
        (RuleLogSource("aws", service="cloudtrail"), {"aws_cloudtrail"}),
        (RuleLogSource("windows", service="security"), {"windows"}),
        (RuleLogSource("zeek", service="http"), {"zeek"}),
    ],
)
def test_a_product_of_one_source_means_that_source(logsource: RuleLogSource, expected: set[str]) -> None:
    assert sources_of(logsource) == expected


def test_a_category_means_every_source_that_has_such_events() -> None:
    found = sources_of(RuleLogSource(category="process_creation"))
    assert {"windows", "crowdstrike", "sysmon_linux", "auditd"} <= found
    assert "okta" not in found
    assert sources_of(RuleLogSource("windows", "process_creation")) < found


def test_a_class_means_every_source_that_may_have_it() -> None:
    found = sources_of(RuleLogSource(class_uid=AUTHENTICATION))
    assert {"okta", "windows", "ocsf"} <= found
    assert "vpc_flow" not in found
    assert found == {name for name, source in SOURCES.items() if AUTHENTICATION in source.classes}


@pytest.mark.parametrize("logsource", [RuleLogSource(), RuleLogSource("nobodys"), RuleLogSource("windows", "nosuch")])
def test_nothing_named_and_nothing_known_mean_that_it_may_be_any(logsource: RuleLogSource) -> None:
    assert sources_of(logsource) == frozenset()


def test_every_log_source_with_a_name_leads_back_to_its_source() -> None:
    listed = [one for one in inventory() if not one.any_service]
    for one in listed:
        named: LogSource = one.logsource
        for category in named.categories or ("",):
            rule = RuleLogSource(named.product.lower(), category.lower(), named.service.lower())
            assert one.source in sources_of(rule) or rule == RuleLogSource()
            assert sources_of(rule) == {known.source for known in producers(rule)} or rule == RuleLogSource()
    assert {one.source for one in inventory()} <= SOURCES.keys()
