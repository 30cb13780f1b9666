"""The runner on correlations: rule hits, links and raw records, the time they are placed at, and what is judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.build import CONNECTION, HTTP, SERVICE, chain_test, only, path_test, record, run, write, write_pack

OFTEN = """\
title: Fetched often
id: 3d8f6a1e-52c7-4b9d-8e04-6f1a2b3c4d63
correlation: {type: event_count, rules: [fetch], group-by: [id.orig_h], timespan: 10m, condition: {gte: 3}}
"""
JOINED = "links: [{left: 'ip:192.168.40.31', right: 'host:ws31'}]"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_pack(tmp_path)


def test_a_sequence_stands_and_is_escalated(pack):
    assert only(run(pack, "correlations/fetch_then_install", chain_test(install_at="20m", more="alert: true"))).passed


@pytest.mark.parametrize(
    ("install_at", "n"), [("70m", 1), ("4200001ms", 0), ("9m", 0), ("10m", 1), ("1h", 1), ("1d", 0)]
)
def test_at_places_a_signal_in_time(pack, install_at, n):
    assert only(run(pack, "correlations/fetch_then_install", chain_test(install_at=install_at, n=n))).passed


def test_too_few_sequences_fail_with_what_fired(pack):
    case = only(run(pack, "correlations/fetch_then_install", chain_test(install_at="9m")))
    assert not case.passed
    assert case.why == "0 sequences stand, 1 expected; fired: Service installed (1), Tool fetched (1)"


def test_too_many_sequences_fail_with_their_groups(pack):
    case = only(run(pack, "correlations/fetch_then_install", chain_test(install_at="11m", n=0)))
    assert not case.passed
    assert case.why.startswith("1 sequences stand, 0 expected: host:ws31; fired: ")


@pytest.mark.parametrize(("install_at", "fires"), [("11m", "true"), ("9m", "false")])
def test_it_may_be_enough_whether_a_correlation_fires(pack, install_at, fires):
    tests = chain_test(install_at=install_at).replace("sequences: 1", f"fires: {fires}")
    assert only(run(pack, "correlations/fetch_then_install", tests)).passed


@pytest.mark.parametrize(
    ("install_at", "fires", "why"), [("9m", "true", "does not fire; "), ("11m", "false", "fires for host:ws31; ")]
)
def test_a_correlation_that_fires_or_does_not_unasked_fails(pack, install_at, fires, why):
    case = only(
        run(
            pack,
            "correlations/fetch_then_install",
            chain_test(install_at=install_at).replace("sequences: 1", f"fires: {fires}"),
        )
    )
    assert not case.passed
    assert case.why == f"{why}fired: Service installed (1), Tool fetched (1)"


TWO_HOSTS = """
    - name: two hosts
      signals:
        - {{rule: fetch, at: 0s, entities: [host:ws31, host:ws32, host:ws33]}}
        - {{rule: install, at: 1m, entities: [host:ws31, host:ws32]}}
      {}
    """


@pytest.mark.parametrize(
    ("expected", "why"),
    [
        ("fires: true", ""),
        ("groups: [host:ws32, host:ws31]\n      sequences: 2", ""),
        ("groups: [host:ws31, host:ws32]\n      fires: true", ""),
        ("groups: [host:ws31]\n      fires: true", "fires for host:ws32"),
        ("groups: [host:ws31, host:ws32, host:ws33]\n      fires: true", "does not fire for host:ws33"),
        (
            "groups: [host:ws33, host:ws34]\n      sequences: 2",
            "does not fire for host:ws33, host:ws34, fires for host:ws31, host:ws32",
        ),
        ("groups: [host:ws31]\n      sequences: 1", "2 sequences stand, 1 expected: host:ws31, host:ws32"),
    ],
)
def test_groups_are_those_of_the_sequences_that_stand_and_no_others(pack, expected, why):
    case = only(run(pack, "correlations/fetch_then_install", TWO_HOSTS.format(expected)))
    assert case.passed is not bool(why)
    assert case.why.partition("; fired: ")[0] == why


def test_a_group_by_field_is_named_with_its_value(pack):
    tests = """
        - name: fetched by one of two
          signals:
            - {rule: fetch, at: 0s, fields: {id.orig_h: 192.0.2.7, uri: "/{n}"}, repeat: 3}
            - {rule: fetch, at: 0s, fields: {id.orig_h: 192.0.2.8, uri: "/{n}"}, repeat: 2}
          fires: true
          groups: ["id.orig_h=192.0.2.7"]
        """
    assert only(run(pack, "correlations/many_fetched", tests)).passed


def test_one_group_may_have_several_sequences(pack):
    tests = """
        - name: twice on one host
          signals:
            - {rule: fetch, at: 0s, entities: [host:ws31]}
            - {rule: install, at: 1m, entities: [host:ws31]}
            - {rule: fetch, at: 1d, entities: [host:ws31]}
            - {rule: install, at: 1d, entities: [host:ws31]}
          sequences: 2
          groups: [host:ws31]
        """
    assert only(run(pack, "correlations/fetch_then_install", tests)).passed


def test_an_unexpected_alert_fails_with_its_reasons(pack):
    case = only(run(pack, "correlations/fetch_then_install", chain_test(install_at="11m", more="alert: false")))
    assert not case.passed
    assert case.why.startswith("escalated: 2 distinct detections; 2 domains (network, workload), 1 tactics; risk 64 of")


def test_a_missing_alert_fails_with_its_reasons(pack):
    tests = """
        - name: fetched thrice
          signals: [{rule: fetch, at: 0s, fields: {id.orig_h: 192.0.2.7, uri: "/{n}"}, repeat: 3}]
          sequences: 1
          alert: true
        """
    case = only(run(pack, "correlations/many_fetched", tests))
    assert not case.passed
    assert case.why.startswith("not escalated: not enough: 1 distinct detections; ")


def test_an_alert_without_a_sequence_fails(pack):
    case = only(run(pack, "correlations/fetch_then_install", chain_test(install_at="9m", more="alert: true", n=0)))
    assert not case.passed
    assert case.why.startswith("not escalated: no sequence stands; ")


def test_a_detection_may_be_named_by_its_id(pack):
    tests = chain_test(install_at="20m").replace("rule: fetch", "rule: 3d8f6a1e-52c7-4b9d-8e04-6f1a2b3c4d51")
    assert only(run(pack, "correlations/fetch_then_install", tests)).passed


def test_two_groups_are_two_sequences(pack):
    tests = """
        - name: two hosts
          signals:
            - {rule: fetch, at: 0s, entities: [host:ws31, host:ws32]}
            - {rule: install, at: 1m, entities: [host:ws31]}
            - {rule: install, at: 2m, entities: [host:ws32]}
          sequences: 2
        """
    assert only(run(pack, "correlations/fetch_then_install", tests)).passed


@pytest.mark.parametrize(
    ("fields", "repeat", "every", "n"),
    [
        ('uri: "/{n}"', 3, "1m", 1),
        ('uri: "/{n}"', 2, "1m", 0),
        ("uri: /same", 3, "1m", 0),
        ('uri: "/{n}"', 3, "5m", 1),
        ('uri: "/{n}"', 3, "301s", 0),
    ],
)
def test_repeat_numbers_and_spaces_a_signal(pack, fields, repeat, every, n):
    tests = f"""
        - name: fetched often
          signals:
            - {{rule: fetch, at: 0s, fields: {{id.orig_h: 192.0.2.7, {fields}}}, repeat: {repeat}, every: {every}}}
          sequences: {n}
        """
    assert only(run(pack, "correlations/many_fetched", tests)).passed


@pytest.mark.parametrize(("uris", "n"), [("/a /b", 1), ("/0-0 /a", 0)])
def test_numbers_start_at_zero_and_stand_wherever_they_are_asked_for(pack, uris, n):
    more = ", ".join(f"{{rule: fetch, at: 1s, fields: {{id.orig_h: 192.0.2.0, uri: {uri}}}}}" for uri in uris.split())
    first = '{rule: fetch, at: 0s, fields: {id.orig_h: "192.0.2.{n}", uri: "/{n}-{n}"}, repeat: 2}'
    tests = f"""
        - name: fetched by two
          signals: [{first}, {more}]
          sequences: {n}
        """
    assert only(run(pack, "correlations/many_fetched", tests)).passed


@pytest.mark.parametrize(("domain", "alert"), [("workload", True), ("identity", True), ("network", False)])
def test_a_domain_may_be_told(pack, domain, alert):
    tests = chain_test(install_at=f"11m, domain: {domain}", more=f"alert: {str(alert).lower()}")
    assert only(run(pack, "correlations/fetch_then_install", tests)).passed


def test_the_domain_of_an_ocsf_rule_is_that_of_its_class(pack):
    (pack / "identity" / "sign_in.yml").rename(pack / "network" / "sign_in.yml")
    tests = """
        - name: fetched and signed in
          signals:
            - {rule: fetch, at: 0s, fields: {id.orig_h: 192.0.2.7, uri: "/{n}"}, repeat: 3}
            - {rule: sign_in, at: 1m, fields: {id.orig_h: 192.0.2.7}}
          sequences: 1
          alert: false
        """
    assert "2 domains (identity, network)" in only(run(pack, "correlations/many_fetched", tests)).why


def test_the_domain_of_a_rule_outside_the_three_folders_is_workload(pack):
    (pack / "network" / "fetch.yml").rename(pack / "fetch.yml")
    tests = chain_test(install_at="11m", more="alert: true")
    assert "1 domains (workload)" in only(run(pack, "correlations/fetch_then_install", tests)).why


@pytest.mark.parametrize(("at", "n"), [("20m", 1), ("2h", 0)])
def test_links_join_entities(pack, at, n):
    signals = (
        f"[{{rule: fetch, at: 0s, entities: [ip:192.168.40.31]}}, {{rule: install, at: {at}, entities: [host:ws31]}}]"
    )
    linked = f"{{name: linked, signals: {signals}, {JOINED}, sequences: {n}}}"
    alone = f"{{name: not linked, signals: {signals}, sequences: 0}}"
    report = run(pack, "correlations/fetch_then_install", f"- {linked}\n- {alone}")
    assert [(case.name, case.passed) for case in report.cases] == [("linked", True), ("not linked", True)]


def test_links_hold_for_the_whole_test(pack):
    tests = f"""
        - name: years later
          signals:
            - {{rule: fetch, at: 999d, entities: [ip:192.168.40.31]}}
            - {{rule: install, at: 999d, entities: [host:ws31]}}
          {JOINED}
          sequences: 1
        """
    assert only(run(pack, "correlations/fetch_then_install", tests)).passed


def test_the_other_correlations_of_the_pack_do_not_count(pack):
    tests = """
        - name: what another correlation is about
          signals: [{rule: fetch, at: 0s, fields: {id.orig_h: 192.0.2.7, uri: "/{n}"}, repeat: 3}]
          sequences: 0
        """
    assert only(run(pack, "correlations/fetch_then_install", tests)).passed


def test_records_go_through_parsing_detection_links_and_correlation(pack):
    tests = path_test(
        record("windows", CONNECTION), record("zeek", HTTP), record("windows", SERVICE), more="alert: true"
    )
    assert only(run(pack, "correlations/fetch_then_install", tests)).passed


def test_without_the_record_that_shows_the_link_nothing_meets(pack):
    tests = path_test(record("zeek", HTTP), record("windows", SERVICE))
    case = only(run(pack, "correlations/fetch_then_install", tests))
    assert case.why == "0 sequences stand, 1 expected; fired: Service installed (1), Tool fetched (1)"


def test_links_of_the_test_serve_records_of_any_year(pack):
    old = (
        record("zeek", {**HTTP, "ts": 1262304000.5}),
        record("windows", {**SERVICE, "TimeCreated": "2010-01-01T00:10:00Z"}),
    )
    new = (
        record("zeek", {**HTTP, "ts": 1893456000.5}),
        record("windows", {**SERVICE, "TimeCreated": "2030-01-01T00:10:00Z"}),
    )
    assert only(run(pack, "correlations/fetch_then_install", path_test(*old, more=JOINED))).passed
    assert only(run(pack, "correlations/fetch_then_install", path_test(*new, more=JOINED))).passed


@pytest.mark.parametrize(("http_at", "service_at", "n"), [("0s", "1h", 1), ("0s", "3601s", 0), ("1m", "0s", 0)])
def test_at_moves_the_event_of_a_record(pack, http_at, service_at, n):
    tests = path_test(record("zeek", HTTP, at=http_at), record("windows", SERVICE, at=service_at), more=JOINED, n=n)
    assert only(run(pack, "correlations/fetch_then_install", tests)).passed


def test_without_at_the_record_keeps_its_own_time(pack):
    late = {**SERVICE, "TimeCreated": "2024-11-12T10:50:13Z"}  # an hour after HTTP and a second
    tests = path_test(record("zeek", HTTP), record("windows", late), more=JOINED, n=0)
    assert only(run(pack, "correlations/fetch_then_install", tests)).passed
    in_time = tests.replace("10:50:13Z", "10:50:12Z").replace("sequences: 0", "sequences: 1")
    assert only(run(pack, "correlations/fetch_then_install", in_time)).passed


@pytest.mark.parametrize(("times", "n"), [("0s 1m 2m", 1), ("0s 1m 1m", 0)])
def test_one_record_at_two_times_is_two_events_and_at_one_time_it_is_one(pack, times, n):
    write(pack / "correlations" / "often.yml", OFTEN)
    tests = path_test(*(record("zeek", HTTP, at=at) for at in times.split()), n=n)
    assert only(run(pack, "correlations/often", tests)).passed


def test_records_carry_the_fields_that_the_correlation_counts(pack):
    requests = [record("zeek", {**HTTP, "uri": f"/tool{n}"}, at=f"{n}m") for n in range(3)]
    assert only(run(pack, "correlations/many_fetched", path_test(*requests))).passed


def test_signals_and_records_may_stand_together(pack):
    tests = path_test(record("zeek", HTTP, at="0s"), n=1) + (
        "          signals: [{rule: install, at: 5m, entities: [ip:192.168.40.31, host:ws31]}]\n          " + JOINED
    )
    assert only(run(pack, "correlations/fetch_then_install", tests)).passed


def test_a_record_that_does_not_parse_fails_the_correlation(pack):
    tests = "- {name: raw, records: [{source: windows, line: 'no json', at: 0s}], sequences: 0}"
    case = only(run(pack, "correlations/fetch_then_install", tests))
    assert not case.passed
    assert case.why.startswith("a record went to the dead letters: ")
