from __future__ import annotations

from typing import Any

import pytest

from models.errors import RuleErrors
from models.event import LogSource
from streams.detect.logsource import CLASS_BY_NAME, RuleLogSource
from tests.detect.build import rule

SYSMON = LogSource("windows", "sysmon", ("process_creation",))
CASES: list[tuple[dict[str, str], LogSource, bool]] = [
    ({"product": "windows"}, SYSMON, True),
    ({"product": "windows", "category": "process_creation"}, SYSMON, True),
    ({"product": "windows", "service": "sysmon"}, SYSMON, True),
    ({"product": "windows", "service": "sysmon", "category": "process_creation"}, SYSMON, True),
    ({"product": "windows", "service": "security"}, SYSMON, False),
    ({"product": "windows", "category": "file_event"}, SYSMON, False),
    ({"product": "linux", "category": "process_creation"}, SYSMON, False),
    ({"category": "process_creation"}, SYSMON, True),
    ({"category": "Process_Creation", "product": "Windows"}, SYSMON, True),
    ({"category": "process_creation"}, LogSource("macos", "", ("process_creation",)), True),
    ({"category": "dns"}, LogSource("zeek", "dns", ("dns",)), True),
    ({"category": "dns"}, LogSource("zeek", "dns"), False),
    ({"category": "proxy"}, LogSource("squid", "", ("proxy", "webserver")), True),
    ({"category": "firewall"}, LogSource("aws", "vpcflow", ("firewall",)), True),
    ({"product": "windows", "category": "registry_event"}, LogSource("windows", "sysmon", ("registry_set",)), True),
    ({"product": "windows", "category": "registry_set"}, LogSource("windows", "sysmon", ("registry_event",)), False),
    ({"product": "windows", "category": "ps_script"}, LogSource("windows", "powershell", ("ps_script",)), True),
    ({"product": "gcp", "service": "gcp.audit"}, LogSource("gcp", "gcp.audit"), True),
    ({"product": "gcp", "service": "gcp.audit"}, LogSource("gcp", "audit"), True),
    ({"product": "gcp", "service": "audit"}, LogSource("gcp", "gcp.audit"), True),
    ({"product": "gcp", "service": "gcp.audit"}, LogSource("github", "audit"), False),
    ({"product": "kubernetes", "category": "application", "service": "audit"}, LogSource("kubernetes", "audit"), True),
    ({"product": "django", "category": "application"}, LogSource("nodejs"), False),
    ({"category": "application"}, LogSource("nodejs"), False),
    ({"service": "nginx"}, LogSource("nginx", "access", ("webserver",)), True),
    ({"service": "nginx"}, LogSource("linux", "nginx"), True),
    ({"service": "apache"}, LogSource("nginx", "access", ("webserver",)), False),
    ({"product": "windows", "service": "windows"}, SYSMON, False),
    ({"product": "windows", "service": "servicebus-client"}, LogSource("windows", "microsoft-servicebus-client"), True),
    ({"product": "windows", "service": "microsoft-servicebus-client"}, LogSource("windows", "ntlm"), False),
    ({"product": "aws", "service": "cloudtrail"}, LogSource("aws", ""), False),
]


@pytest.mark.parametrize(("logsource", "of_event", "expected"), CASES)
def test_which_events_a_rule_concerns(logsource: dict[str, str], of_event: LogSource, expected: bool) -> None:
    compiled = rule({"selection": {"a": 1}}, logsource=logsource)
    assert compiled.logsource.concerns(of_event, 1007) is expected


@pytest.mark.parametrize("logsource", [None, {}, {"product": "ocsf"}])
def test_an_ocsf_rule_without_a_class_concerns_every_event(logsource: Any) -> None:
    compiled = rule({"selection": {"a": 1}}, taxonomy="ocsf", logsource=logsource)
    assert compiled.logsource == RuleLogSource()
    assert compiled.logsource.concerns(SYSMON, 3002)


@pytest.mark.parametrize(
    "logsource", [{"category": "authentication"}, {"product": "ocsf", "service": "Authentication"}]
)
def test_an_ocsf_rule_with_a_class_concerns_that_class_of_every_source(logsource: dict[str, str]) -> None:
    compiled = rule({"selection": {"a": 1}}, taxonomy="ocsf", logsource=logsource)
    assert compiled.logsource.concerns(LogSource("okta"), 3002)
    assert not compiled.logsource.concerns(LogSource("okta"), 3001)


def test_an_ocsf_rule_may_keep_to_one_product() -> None:
    compiled = rule({"selection": {"a": 1}}, taxonomy="ocsf", logsource={"product": "okta"})
    assert compiled.logsource.concerns(LogSource("okta", "okta"), 3001)
    assert not compiled.logsource.concerns(SYSMON, 3001)


@pytest.mark.parametrize(
    "logsource", [{"category": "autentication"}, {"category": "authentication", "service": "api_activity"}]
)
def test_an_ocsf_class_that_does_not_exist_is_a_problem(logsource: dict[str, str]) -> None:
    with pytest.raises(RuleErrors, match="is not one OCSF class"):
        rule({"selection": {"a": 1}}, taxonomy="ocsf", logsource=logsource)


def test_class_names_are_snake_case() -> None:
    assert CLASS_BY_NAME["process_activity"] == 1007
    assert CLASS_BY_NAME["api_activity"] == 6003


@pytest.mark.parametrize("logsource", [None, {}, [], "windows", {"product": 5}, {"definition": "x"}])
def test_a_sigma_rule_needs_a_log_source(logsource: Any) -> None:
    with pytest.raises(RuleErrors, match=r"(?i)log ?source"):
        rule({"selection": {"a": 1}}, logsource=logsource)
