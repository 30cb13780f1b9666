"""A sequence that needs an anomaly in one domain and a rule in another: escalated by a replay and on Kafka.

Three weeks of a few users who sign in from where they live; then one signs in from the other side of the world within
the hour, which no rule knows, and from that address the audit trail of the cloud is stopped, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from streams.replay.run import Replayed
from tests.replay.play import STREAMS, play, write
from tests.workers.processes import Braid, standing

RULE = STREAMS / "rules" / "correlations" / "strange_sign_in_and_cloud_change.yml"
TITLE = "Sign-in unlike the user, and a change in the cloud that opens or hides something"
TRAVEL = "Signed in from two places too far apart"
FIRST = datetime(2026, 9, 1, 7, tzinfo=UTC)
DAYS = 21
HOME, AWAY = (59.91, 10.75), (-33.87, 151.21)
USERS = ("alice", "bob", "svc-report")
AWAY_ADDRESS = "203.0.113.61"


def sign_in(number: int, user: str, at: datetime, address: str, place: tuple[float, float]) -> bytes:
    record: dict[str, Any] = {
        "uuid": str(UUID(int=number + 2**64)),
        "published": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "eventType": "user.session.start",
        "version": "0",
        "severity": "INFO",
        "displayMessage": "User login to Okta",
        "actor": {
            "id": f"00u{user}",
            "type": "User",
            "alternateId": f"{user}@example.com",
            "displayName": user,
        },
        "client": {
            "ipAddress": address,
            "userAgent": {"rawUserAgent": "Mozilla/5.0 (X11; Linux x86_64)", "os": "Linux", "browser": "FIREFOX"},
            "geographicalContext": {"country": "Norway", "geolocation": {"lat": place[0], "lon": place[1]}},
        },
        "outcome": {"result": "SUCCESS"},
        "securityContext": {"asNumber": 64500, "asOrg": "example net", "isProxy": False},
        "authenticationContext": {"externalSessionId": f"idx{number}"},
    }
    return orjson.dumps(record)


def trail_stopped(at: datetime, address: str) -> bytes:
    """Return the record of alice switching the audit trail off."""
    record = {
        "eventVersion": "1.10",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLEALICE00001",
            "arn": "arn:aws:iam::111122223333:user/alice",
            "accountId": "111122223333",
            "accessKeyId": "AKIAEXAMPLEKEY000017",
            "userName": "alice",
        },
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": address,
        "userAgent": "aws-cli/2.18.5",
        "requestParameters": {"name": "audit"},
        "responseElements": None,
        "requestID": "1e0b77aa-9c1d-4b6f-8f3e-6a5b4c3d2e1f",
        "eventID": str(UUID(int=int(at.timestamp()))),
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    }
    return orjson.dumps(record)


def ordinary(days: range) -> Iterator[bytes]:
    """Yield the sign-ins of ordinary days, three a day and user."""
    for day in days:
        for place, user in enumerate(USERS):
            for hour in (0, 3, 7):
                at = FIRST + timedelta(days=day, hours=hour, minutes=(day * 7 + hour * 5 + place * 11) % 50)
                yield sign_in(day * 100 + place * 10 + hour, user, at, f"198.51.100.{place + 1}", HOME)


def records(*, is_away: bool, stops_trail: bool) -> tuple[list[bytes], list[bytes]]:
    """Return what Okta and CloudTrail write: ordinary weeks, then the day, then days after it."""
    day = FIRST + timedelta(days=DAYS)
    attack = [sign_in(10**6, "alice", day + timedelta(minutes=5), "198.51.100.1", HOME)]
    place, address = (AWAY, AWAY_ADDRESS) if is_away else (HOME, "198.51.100.1")
    attack.append(sign_in(10**6 + 1, "alice", day + timedelta(minutes=45), address, place))
    later = ordinary(range(DAYS + 1, DAYS + 3))
    calls = [trail_stopped(day + timedelta(minutes=70), address)] if stops_trail else []
    return [*ordinary(range(DAYS)), *attack, *later], calls


def replayed(folder: Path, okta: list[bytes], calls: list[bytes], names: tuple[str, str] = ("a", "b")) -> Replayed:
    files = [write(folder / f"{names[0]}.ndjson", okta)]
    return play([*files, write(folder / f"{names[1]}.ndjson", calls)] if calls else files)


def of_rule(found: Replayed) -> list[tuple[str, bool]]:
    return [(one.group, one.is_alert) for one in found.sequences if one.analytic.name == TITLE]


def test_the_two_together_are_escalated(tmp_path: Path) -> None:
    found = replayed(tmp_path, *records(is_away=True, stops_trail=True))
    sequence = next(one for one in found.sequences if one.analytic.name == TITLE and one.is_alert)
    assert sequence.group == "user:alice@example.com"
    assert {(member.analytic.name, member.domain) for member in sequence.members} == {
        (TRAVEL, "identity"),
        ("AWS audit logging stopped or narrowed", "workload"),
    }
    words = next(dict(signal.matched) for signal in found.signals if signal.analytic.name == TRAVEL)
    assert {"expected", "seen", "learned since", "because"} <= words.keys()
    assert "km/h" in words["seen"]


@pytest.mark.parametrize(("is_away", "stops_trail"), [(False, True), (True, False), (False, False)])
def test_neither_alone_is(tmp_path: Path, *, is_away: bool, stops_trail: bool) -> None:
    found = replayed(tmp_path, *records(is_away=is_away, stops_trail=stops_trail))
    assert of_rule(found) == []
    assert not [signal for signal in found.signals if signal.analytic.is_model and not is_away]


def test_the_order_of_the_files_does_not_show(tmp_path: Path) -> None:
    given = records(is_away=True, stops_trail=True)
    one, other = (replayed(tmp_path / names[0], *given, names) for names in (("a", "b"), ("b", "a")))
    assert [(s.uid, s.time, s.matched) for s in one.signals] == [(s.uid, s.time, s.matched) for s in other.signals]
    assert {s.uid for s in one.sequences} == {s.uid for s in other.sequences}


def test_on_kafka_too(bootstrap: str, topic_prefix: str, tmp_path: Path) -> None:
    okta, calls = records(is_away=True, stops_trail=True)
    expected = {s.uid for s in replayed(tmp_path / "files", okta, calls).sequences if s.analytic.name == TITLE}
    (tmp_path / "rules").mkdir()
    braid = Braid(bootstrap, topic_prefix, tmp_path / "rules", tmp_path)
    with braid.running("topics", "create") as made:
        assert made.wait(30) == 0
    with braid.running("up", BRAID_DEFAULT_RULES="true"):
        braid.send("raw.okta", okta, partition=0)  # one after the other, as they were written
        braid.send("raw.aws_cloudtrail", calls)
        found = braid.read_until("sequences", lambda held: expected <= standing(held).keys())
    assert any(record["is_alert"] for uid, record in standing(found).items() if uid in expected)
