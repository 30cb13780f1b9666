"""Every shipper's form of a record, what is no Windows event, and whose clock counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from models.errors import Unparseable
from models.ocsf_schema import validate
from models.records import TIME_FROM_BROKER, ParseError
from streams.sources.windows.source import SOURCE
from tests.sources.windows_cases import CASES, LOGON, OTHER_CASES
from tests.sources.windows_records import (
    COMPUTER,
    FORMS,
    STAMP,
    TIME,
    Record,
    evtx_dump,
    flat,
    parse,
    raw,
    security,
    sysmon,
    velociraptor,
    winlogbeat,
    winlogbeat6,
    xmltodict,
)

Form = Callable[[Record], dict[str, Any]]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("record", "class_uid", "activity_id"), CASES)
def test_every_form_of_every_event_becomes_the_same_valid_event(
    form: Form, record: Record, class_uid: int, activity_id: int
) -> None:
    value = form(record)
    event = parse(value)
    assert SOURCE.recognize(orjson.dumps(value), value)
    assert validate(event.ocsf) == []
    assert (event.class_uid, event.ocsf["activity_id"]) == (class_uid, activity_id)
    assert event.class_uid in SOURCE.classes
    assert event.time == event.ocsf["time"] == TIME
    assert event.ocsf["device"]["hostname"] == COMPUTER
    assert event.ocsf["metadata"]["event_code"] == str(record.event_id)
    assert event.ocsf["metadata"]["log_name"] == record.channel
    orjson.dumps(event.ocsf)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("record", [record for record, _, _ in CASES if "Channel" not in record.data])
def test_every_form_gives_the_same_names(form: Form, record: Record) -> None:
    native = parse(form(record)).native
    expected = parse(flat(record)).native
    for name in ("EventID", "Channel", "Computer", "Provider_Name", *record.data):
        assert native.get(name) == expected[name] or not expected[name], name
    assert native["EventID"] == record.event_id
    assert native["Computer"] == COMPUTER
    assert native["Provider_Name"] == record.provider


@pytest.mark.parametrize("form", [form for form in FORMS if form is not flat and form is not winlogbeat6])
def test_system_fields_keep_their_names_when_data_has_them_too(form: Form) -> None:
    record = next(record for record, _, _ in OTHER_CASES if record.event_id == 104 and "Channel" in record.data)
    event = parse(form(record))
    assert event.native["Channel"] == "System"
    assert event.native["EventData.Channel"] == "Application"
    assert event.ocsf["log_name"] == "Application"
    assert event.ocsf["metadata"]["log_name"] == "System"


@pytest.mark.parametrize(
    "data",
    [
        {"Data": ["first", "second"]},
        {"Data": {"#text": ["first", "second"]}},
        {"Data": [{"#text": "first"}, {"#text": "second"}]},
        {"Data": [{"#text": "first"}, {"#attributes": {"Name": "x"}, "#text": "named"}, "second"]},
        ["first", "second"],
    ],
)
def test_unnamed_data_is_joined(data: object) -> None:
    value = evtx_dump(Record("Application", 1, {}, "Example"))
    value["Event"]["EventData"] = data
    assert parse(value).native["Data"] == "first\nsecond"


def test_data_elements_with_attributes_and_text() -> None:
    value = evtx_dump(Record("Application", 1, {}, "Example"))
    value["Event"]["EventData"] = {
        "#attributes": {"Name": "Layout"},
        "One": {"#attributes": {"x": "y"}, "#text": "1"},
        "Two": {"@x": "y"},
        "Data": {"@Name": "Three", "#text": "3"},
    }
    native = parse(value).native
    assert (native["One"], native["Two"], native["Three"]) == ("1", None, "3")
    assert "#attributes" not in native
    assert "Data" not in native or native["Data"] is None


def test_get_winevent_and_its_dates() -> None:
    value = {
        "Id": 7036,
        "LogName": "System",
        "ProviderName": "Service Control Manager",
        "MachineName": COMPUTER,
        "TimeCreated": f"/Date({TIME})/",
        "Message": "The Example service entered the running state.",
    }
    event = parse(value)
    assert SOURCE.recognize(b"", value)
    assert (event.time, event.native["EventID"], event.native["Computer"]) == (TIME, 7036, COMPUTER)
    assert event.logsource.service == "system"


def test_instance_ids_lose_their_upper_half() -> None:
    assert parse({**flat(security(4624, LOGON)), "EventID": 0x4000_1210}).native["EventID"] == 4624


def test_event_data_beside_flat_system_fields() -> None:
    value = {**flat(security(4624)), "EventData": {"LogonType": 3, "TargetUserName": "bob"}}
    assert parse(value).ocsf["user"]["name"] == "bob"


def test_a_missing_channel_is_guessed_from_the_provider() -> None:
    value = flat(sysmon(5, ProcessId="1"))
    del value["Channel"]
    event = parse(value)
    assert event.native["Channel"] == "Microsoft-Windows-Sysmon/Operational"
    assert event.logsource.service == "sysmon"
    assert parse({**value, "SourceName": "Unheard-Of"}).logsource.service == ""


@pytest.mark.parametrize(
    ("value", "blamed"),
    [
        (b"{", ""),
        (b"[1]", ""),
        (b"\xff{}", ""),
        ({}, "EventID"),
        ({"EventID": "soon", "Channel": "Security"}, "EventID"),
        ({"EventID": 4624}, "Channel"),
        ({"EventID": -1, "Channel": "Security"}, "EventID"),
        ({"EventID": 2**40, "Channel": "Security"}, "EventID"),
        ({"Event": {"System": {"Channel": "Security"}}}, "EventID"),
        ({"winlog": {"channel": "Security"}}, "EventID"),
        ({"winlog.channel": "Security"}, "EventID"),
        ({**flat(sysmon(1)), "SourceName": "Linux-Sysmon"}, "Provider_Name"),
    ],
)
def test_what_is_no_windows_event_is_refused(value: object, blamed: str) -> None:
    found = SOURCE.parse(raw(value))
    assert isinstance(found, ParseError)
    assert found.field == blamed


@pytest.mark.parametrize(
    "value",
    [
        {"EventID": 4624},
        {"eventID": "0a1b", "eventName": "ConsoleLogin", "eventSource": "signin.amazonaws.com"},
        {"event_id": 7, "channel": "mail"},
        {"ts": 1.0, "uid": "C1", "id.orig_h": "192.0.2.1"},
        {"Event": {"System": {"EventID": 1, "Provider": {"@Name": "Linux-Sysmon"}}}},
        {"class_uid": 3002, "metadata": {"version": "1.8.0"}},
    ],
)
def test_other_sources_are_not_recognized(value: dict[str, Any]) -> None:
    assert not SOURCE.recognize(b"", value)
    assert not SOURCE.recognize(b"no json", None)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"TimeCreated": STAMP, "@timestamp": "2024-06-16T00:00:00Z", "UtcTime": "2024-06-14 00:00:00.000"}, TIME),
        ({"TimeCreated": {"SystemTime": STAMP}}, TIME),
        ({"TimeCreated": "2024-06-15 12:00:00.123"}, TIME),
        ({"TimeCreated": "2024-06-15T14:00:00.123+02:00"}, TIME),
        ({"TimeCreated": TIME}, TIME),
        ({"TimeCreated": 116_444_736_000_000_000 + TIME * 10_000}, TIME),
        ({"TimeCreated": "never", "@timestamp": STAMP}, TIME),
        ({"EventTime": "2024-06-15 08:00:00", "@timestamp": STAMP}, TIME),
        ({"EventTime": "2024-06-15T08:00:00.123-04:00", "@timestamp": "2024-06-15T12:00:09Z"}, TIME),
        ({"EventTime": TIME, "@timestamp": "2024-06-15T12:00:09Z"}, TIME),
        ({"EventTime": "2024-06-15 12:00:00.123"}, TIME),
        ({"UtcTime": "2024-06-15 12:00:00.123"}, TIME),
    ],
)
def test_the_time_the_event_was_logged_at_counts(fields: dict[str, Any], expected: int) -> None:
    event = parse({"EventID": 1, "Channel": "System", **fields})
    assert event.time == expected
    assert "labels" not in event.ocsf["metadata"]


def test_without_a_usable_time_the_broker_says_when() -> None:
    value = {"EventID": 1, "Channel": "System", "TimeCreated": "1601-01-01T00:00:00Z"}
    event = parse(value, broker_time=TIME)
    assert event.time == TIME
    assert event.ocsf["metadata"]["labels"] == [TIME_FROM_BROKER]
    with pytest.raises(Unparseable) as caught:
        parse(value)
    assert caught.value.field == "time"


def test_the_same_bytes_give_the_same_event() -> None:
    assert parse(flat(CASES[0][0])) == parse(flat(CASES[0][0]))


def test_metadata_says_where_the_event_came_from() -> None:
    metadata = parse({**evtx_dump(sysmon(5, ProcessId=7))}).ocsf["metadata"]
    assert metadata["product"] == {"name": "Sysmon", "vendor_name": "Microsoft"}
    assert metadata["original_event_uid"] == "77"
    assert metadata["original_time"] == STAMP
    assert metadata["log_provider"] == "Microsoft-Windows-Sysmon"


@pytest.mark.parametrize(
    ("form", "level", "severity"),
    [(flat, 2, 3), (xmltodict, 3, 2), (velociraptor, 1, 5), (winlogbeat, 2, 3), (flat, 4, 1)],
)
def test_levels_become_severities(form: Form, level: int, severity: int) -> None:
    assert parse(form(Record("System", 1, {}, "Example", level=level))).ocsf["severity_id"] == severity


def test_what_no_attribute_holds_is_unmapped_and_nothing_is_lost() -> None:
    event = parse(flat(sysmon(5, ProcessId="7", RuleName="technique=T1", Odd={"a": [1]}, Empty="", Dash="-", Zero=0)))
    assert event.ocsf["unmapped"] == {"RuleName": "technique=T1", "Odd": {"a": [1]}, "Zero": 0}


def test_a_value_that_does_not_fit_its_attribute_stays_unmapped() -> None:
    record = sysmon(3, SourceIp="192.0.2.1", SourcePort="99999", DestinationIp="nowhere", ProcessId="soon")
    event = parse(flat(record))
    assert event.ocsf["src_endpoint"] == {"ip": "192.0.2.1"}
    assert event.ocsf["unmapped"] == {"SourcePort": "99999", "DestinationIp": "nowhere", "ProcessId": "soon"}


def test_an_event_that_lacks_what_its_class_requires_becomes_a_log_event() -> None:
    event = parse(flat(sysmon(1, Image="C:\\a.exe", CommandLine="a.exe")))
    assert event.class_uid == 1008
    assert event.logsource.categories == ("process_creation",)
    assert event.ocsf["unmapped"]["CommandLine"] == "a.exe"
    assert validate(event.ocsf) == []


def test_a_nameless_computer_is_no_reason_to_drop_an_event() -> None:
    value = flat(security(4624, LOGON))
    del value["Hostname"]
    event = parse(value)
    assert event.ocsf["service"] == {"name": "Microsoft-Windows-Security-Auditing"}
    assert validate(event.ocsf) == []
    process = flat(sysmon(5, ProcessId="7"))
    del process["Hostname"]
    assert parse(process).ocsf["device"]["name"] == "unknown"
    assert validate(parse(process).ocsf) == []
