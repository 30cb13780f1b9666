"""Warnings about rules that work and are hardly meant so."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.rulebook import load_rulebook
from streams.rulecheck.findings import EXPIRED, EXPIRY, FIELD, LOGSOURCE, NEVER, OWNER, RULE, Finding, find
from tests.conftest import REPO
from tests.rulecheck.build import WINDOWS, load, rule_text


def findings(folder: Path, logsource: str, detection: str, extra: str = "") -> tuple[Finding, ...]:
    return find(load(folder, rule_text(1, logsource, detection, extra=extra)))


def message(found: tuple[Finding, ...]) -> str:
    (only,) = found
    return only.problem.message


def test_a_misspelled_field_is_found_on_its_line_with_the_right_name(tmp_path: Path) -> None:
    text = "selection:\n  Image|endswith: a.exe\nother:\n  - ComandLine|contains: x\ncondition: selection and other"
    (found,) = findings(tmp_path, WINDOWS, text)
    assert (found.kind, found.problem.line) == (FIELD, 10)
    assert "'ComandLine'" in found.problem.message
    assert "did you mean 'CommandLine'?" in found.problem.message
    assert str(found).startswith(f"{tmp_path / 'rule0.yml'}:10: A rule: ")


def test_letter_case_of_a_field_counts(tmp_path: Path) -> None:
    assert "'commandline'" in message(findings(tmp_path, WINDOWS, "a: {commandline: x}\ncondition: a"))


def test_the_fields_of_another_category_are_none_of_this(tmp_path: Path) -> None:
    assert "'QueryName'" in message(findings(tmp_path, WINDOWS, "a: {QueryName: x}\ncondition: a"))


@pytest.mark.parametrize(
    ("logsource", "field"),
    [
        (WINDOWS, "CommandLine"),
        ("{product: aws, service: cloudtrail}", "requestParameters.some.thing"),
        ("{product: aws, service: cloudtrail}", "userIdentity.sessionContext.sessionIssuer.type"),
        ("{product: zeek, service: conn}", "id.orig_h"),
        ("{product: windows, service: system}", "AnythingOfAnyProvider"),
        ("{product: github, service: audit}", "any_field_of_an_action"),
        ("{category: proxy}", "c-uri"),
        ("{product: linux, service: auditd}", "a7"),
    ],
)
def test_what_sources_fill_is_no_finding(tmp_path: Path, logsource: str, field: str) -> None:
    assert findings(tmp_path, logsource, f"a: {{'{field}': x}}\ncondition: a") == ()


def test_a_category_is_about_the_names_of_the_taxonomy_whatever_vendors_add(tmp_path: Path) -> None:
    assert "'c-url'" in message(findings(tmp_path, "{category: proxy}", "a: {c-url: x}\ncondition: a"))


@pytest.mark.parametrize(
    ("logsource", "words"),
    [
        ("{product: windos}", "did you mean 'windows'?"),
        ("{product: windows, category: proces_creation}", "did you mean 'process_creation'?"),
        ("{product: okta, service: system}", "there is okta"),
        ("{product: zeek, category: process_creation}", "there is no category 'process_creation'"),
        ("{service: qqqq}", "there is no service 'qqqq'"),
        ("{product: windows, service: security, category: image_load}", "no source of Braid produces"),
    ],
)
def test_a_log_source_that_nothing_produces_is_found_with_the_nearest(
    tmp_path: Path, logsource: str, words: str
) -> None:
    (found,) = findings(tmp_path, logsource, "a: {NoSuchField: x}\ncondition: a")
    assert (found.kind, found.problem.line) == (LOGSOURCE, 5)
    assert words in found.problem.message


def test_a_service_nobody_can_list_is_believed_unless_it_looks_misspelled(tmp_path: Path) -> None:
    assert findings(tmp_path / "a", "{product: zeek, service: our_own_log}", "a: {x: y}\ncondition: a") == ()
    found = findings(tmp_path / "b", "{product: zeek, service: dce-rpc}", "a: {x: y}\ncondition: a")
    assert "did you mean 'dce_rpc'?" in message(found)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("actor.user.nam", "OCSF has no 'nam' there; did you mean 'name'?"),
        ("src_endpont.ip", "did you mean 'src_endpoint'?"),
        ("user.name.first", "OCSF has no 'first' there"),
    ],
)
def test_a_path_that_ocsf_does_not_have_is_found(tmp_path: Path, field: str, words: str) -> None:
    found = findings(tmp_path, "{category: authentication}", f"a: {{{field}: x}}\ncondition: a", "taxonomy: ocsf\n")
    assert words in message(found)


@pytest.mark.parametrize("field", ["actor.user.name", "unmapped.any.thing", "observables.0.name", "enrichments.data.x"])
def test_paths_that_ocsf_has_are_no_finding(tmp_path: Path, field: str) -> None:
    text = f"a: {{{field}: x}}\ncondition: a"
    assert findings(tmp_path, "{category: authentication}", text, "taxonomy: ocsf\n") == ()


def test_a_path_of_another_class_is_found(tmp_path: Path) -> None:
    text = "a: {query.hostname: x}\ncondition: a"
    assert findings(tmp_path / "a", "{category: dns_activity}", text, "taxonomy: ocsf\n") == ()
    assert findings(tmp_path / "b", "{product: ocsf}", text, "taxonomy: ocsf\n") == ()
    assert len(findings(tmp_path / "c", "{category: authentication}", text, "taxonomy: ocsf\n")) == 1


def test_the_warnings_of_the_compiler_are_shown(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, WINDOWS, "a: {Image: x}\nunused: {Image: y}\ncondition: a")
    assert found.kind == RULE
    assert "`unused` is never used" in found.problem.message


def test_a_listed_service_is_not_open_because_others_are(tmp_path: Path) -> None:
    found = findings(tmp_path, "{product: zeek, service: http}", "a: {resp_mime_type: x}\ncondition: a")
    assert "did you mean 'resp_mime_types'?" in message(found)


def test_keywords_have_no_field(tmp_path: Path) -> None:
    assert findings(tmp_path, "{product: windows, service: security}", "a: [one, two]\ncondition: a") == ()


@pytest.mark.parametrize(
    ("logsource", "detection"),
    [
        (WINDOWS, "a: {EventID: 4104}\ncondition: a"),
        (WINDOWS, "a: {EventID: [11, 4689]}\nb: {Image: x}\ncondition: a and not b"),
        ("{product: windows, service: sysmon}", "a: {EventID: 4688}\ncondition: a"),
        ("{product: windows, category: process_creation, service: security}", "a: {EventID: 1}\ncondition: a"),
        ("{product: windows, category: registry_set}", "a: {EventID: 1}\ncondition: a"),
    ],
)
def test_a_rule_that_asks_for_an_id_of_another_kind_never_fires(tmp_path: Path, logsource: str, detection: str) -> None:
    (found,) = findings(tmp_path, logsource, detection)
    assert (found.kind, found.problem.line) == (NEVER, 7)
    assert "can never fire: it asks for EventID" in found.problem.message


@pytest.mark.parametrize(
    ("logsource", "detection"),
    [
        (WINDOWS, "a: {EventID: [4688, 4104]}\ncondition: a"),
        (WINDOWS, "a: {EventID: 4104}\nb: {Image: x}\ncondition: a or b"),
        (WINDOWS, "a: {EventID: 4104}\nb: {Image: x}\ncondition: b and not a"),
        (WINDOWS, "a: {EventID|startswith: 4}\ncondition: a"),
        ("{product: windows, category: registry_set}", "a: {EventID: [13, 4657]}\ncondition: a"),
        ("{product: windows, service: security}", "a: {EventID: 1}\ncondition: a"),
        ("{product: linux, category: process_creation}", "a: {EventID: 1}\ncondition: a"),
    ],
)
def test_a_rule_that_may_fire_is_not_said_to_never(tmp_path: Path, logsource: str, detection: str) -> None:
    assert NEVER not in {found.kind for found in findings(tmp_path, logsource, detection)}


NARROWING = """\
title: Ours
logsource: {product: windows}
filter:
  rules: any
  ours: {%s|endswith: alice}
  condition: not ours
"""
NEW_YEARS_EVE = 1_798_675_200_000  # 2026-12-31T00:00:00Z


def of_filter(folder: Path, own: str, today_ms: int | None = None, field: str = "User") -> list[tuple[str, int]]:
    (folder / "rule.yml").write_text(rule_text(1, WINDOWS, "a: {Image: x}\ncondition: a"))
    (folder / "filter.yml").write_text(NARROWING % field + own)
    book = load_rulebook([folder]).sound()
    return [(one.kind, one.problem.line) for one in find(book.detections, book.filters, today_ms)]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("", [(EXPIRY, 1), (OWNER, 1)]),
        ("braid: {}\n", [(EXPIRY, 7), (OWNER, 7)]),
        ("braid:\n  owner: platform\n", [(EXPIRY, 7)]),
        ("braid:\n  valid_from: 2026-11-01\n  owner: platform\n", [(EXPIRY, 7)]),
        ("braid:\n  expires: 2026-12-31\n", [(OWNER, 7)]),
        ("braid:\n  owner: platform\n  expires: 2026-12-31\n", []),
    ],
)
def test_an_exception_without_owner_or_expiry_is_found(
    tmp_path: Path, own: str, expected: list[tuple[str, int]]
) -> None:
    assert sorted(of_filter(tmp_path, own)) == expected


def test_an_expired_exception_is_found_from_its_day_on_and_only_when_the_day_is_told(tmp_path: Path) -> None:
    own = "braid:\n  owner: platform\n  expires: 2026-12-31\n"
    assert of_filter(tmp_path, own) == []
    assert of_filter(tmp_path, own, NEW_YEARS_EVE - 1) == []
    assert of_filter(tmp_path, own, NEW_YEARS_EVE) == [(EXPIRED, 9)]
    book = load_rulebook([tmp_path])
    (found,) = find(book.detections, book.filters, NEW_YEARS_EVE)
    assert str(found).startswith(f"{tmp_path / 'filter.yml'}:9: Ours: this exception has expired: since 2026-12-31T00")
    assert "platform renews it, or takes it away" in str(found)


def test_the_fields_of_an_exception_are_held_against_the_log_source_too(tmp_path: Path) -> None:
    own = "braid: {owner: platform, expires: 2026-12-31}\n"
    assert [kind for kind, _ in of_filter(tmp_path, own, field="Usr")] == [FIELD]


def test_the_pack_has_nothing_to_warn_of() -> None:
    book = load_rulebook([REPO / "streams" / "rules"]).sound()
    assert find(book.detections, book.filters) == ()


def test_few_of_the_public_rules_are_warned_of(shared: Path) -> None:
    """Every warning about a field was looked at: rules of others speak of fields that the vendors' logs do not have."""
    rules = load_rulebook([shared / "data" / "sigma" / "rules"]).detections
    found = find(rules)
    assert len(rules) > 1000
    assert sum(one.kind == FIELD for one in found) < len(rules) / 200
    assert sum(one.kind == LOGSOURCE for one in found) < len(rules) / 30
