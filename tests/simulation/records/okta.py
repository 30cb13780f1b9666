"""Records of Okta's System Log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from tests.simulation.days import iso
from tests.simulation.people import Person
from tests.simulation.places import Place
from tests.simulation.records.record import OKTA, Record, uuid

SUCCESS: Final = ("SUCCESS", None)
BAD_PASSWORD: Final = ("FAILURE", "INVALID_CREDENTIALS")
PUSH: Final = "OKTA_VERIFY_PUSH"
_BEHAVIORS: Final = ("New Geo-Location", "New Device", "New IP", "New State", "New Country", "Velocity", "New City")
_LEGACY: Final = {
    "user.session.start": "core.user_auth.login_success",
    "user.authentication.sso": "app.auth.sso",
    "user.authentication.auth_via_mfa": "core.user.factor.attempt_success",
}
_SAID: Final = {
    "user.session.start": "User login to Okta",
    "user.authentication.sso": "User single sign on to app",
    "user.authentication.auth_via_mfa": "Authentication of user via MFA",
    "user.mfa.okta_verify.deny_push": "User rejected Okta push verify",
    "system.push.send_factor_verify_push": "Send a push for verification",
}


@dataclass(frozen=True, slots=True)
class Client:
    """From where and with what somebody talks to Okta.

    Attributes:
        ip: Address.
        place: Where that address is.
        agent: User agent.
        session: Browser session, empty before there is one.
        device: Name of a registered device, empty where it is none.
    """

    ip: str
    place: Place
    agent: str
    session: str = ""
    device: str = ""


def event(
    rng: Random,
    time: int,
    kind: str,
    who: Person | str,
    client: Client,
    outcome: tuple[str, str | None] = SUCCESS,
    *,
    factor: str = "",
    targets: Sequence[dict[str, Any]] = (),
    news: Sequence[str] = (),
    granted: str = "",
) -> Record:
    """Write one event.

    Args:
        rng: For what has a number of its own.
        time: When, ms.
        kind: Okta's event type.
        who: Who did it; a text for names of nobody.
        client: From where.
        outcome: Result and reason.
        factor: Factor that was used.
        targets: On what or whom.
        news: What Okta found new about it (`New Country`).
        granted: Role that was given.
    """
    fields = {
        "actor": _actor(who),
        "client": _client(client),
        "device": _device(client.device),
        "authenticationContext": {"authenticationStep": 0, "externalSessionId": client.session or "unknown"},
        "displayMessage": _SAID.get(kind, kind),
        "eventType": kind,
        "outcome": {"result": outcome[0], "reason": outcome[1]},
        "published": iso(time),
        "securityContext": {"asNumber": client.place.asn, "asOrg": client.place.isp, "isProxy": False},
        "severity": "INFO" if outcome[0] in {"SUCCESS", "ALLOW"} else "WARN",
        "debugContext": {"debugData": _debug(rng, factor, news, granted)},
        "legacyEventType": _LEGACY.get(kind, kind),
        "transaction": {"type": "WEB", "id": f"{rng.getrandbits(96):024x}", "detail": {}},
        "uuid": uuid(rng),
        "version": "0",
        "request": {"ipChain": [{"ip": client.ip, "version": "V4", "source": None}]},
        "target": list(targets) or None,
    }
    return Record.of(time, OKTA, fields)


def _actor(who: Person | str) -> dict[str, Any]:
    if isinstance(who, str):
        return {"id": "unknown", "type": "User", "alternateId": who, "displayName": "unknown"}
    return {"id": who.okta_id, "type": "User", "alternateId": who.email, "displayName": who.login}


def _client(client: Client) -> dict[str, Any]:
    is_phone = "Mobile" in client.agent
    place = client.place
    return {
        "userAgent": {
            "rawUserAgent": client.agent,
            "os": "Mobile" if is_phone else "Windows 10" if "Windows" in client.agent else "Linux",
            "browser": "FIREFOX" if "Firefox" in client.agent else "CHROME",
        },
        "zone": "null",
        "device": "Mobile" if is_phone else "Computer",
        "ipAddress": client.ip,
        "geographicalContext": {
            "city": place.city,
            "state": place.region,
            "country": place.country,
            "postalCode": place.postcode,
            "geolocation": {"lat": place.latitude, "lon": place.longitude},
        },
    }


def _device(name: str) -> dict[str, Any] | None:
    if not name:
        return None
    return {"id": f"guo{name}", "name": name, "os_platform": "WINDOWS", "managed": True, "registered": True}


def _debug(rng: Random, factor: str, news: Sequence[str], granted: str) -> dict[str, Any]:
    debug = {"requestId": f"{rng.getrandbits(96):024x}", "requestUri": "/idp/idx/identify"}
    if factor:
        said = ", ".join(f"{name}={'POSITIVE' if name in news else 'NEGATIVE'}" for name in _BEHAVIORS)
        debug |= {"factor": factor, "behaviors": f"{{{said}}}", "risk": f"{{level={'MEDIUM' if news else 'LOW'}}}"}
    return debug | ({"privilegeGranted": granted} if granted else {})


def app(name: str) -> dict[str, Any]:
    """Return an application as a target."""
    number = sum(map(ord, name))
    return {
        "id": f"0oa{number:05d}{len(name):02d}xx697",
        "type": "AppInstance",
        "alternateId": name,
        "displayName": name,
    }


def user(person: Person) -> dict[str, Any]:
    """Return somebody's account as a target."""
    return {"id": person.okta_id, "type": "User", "alternateId": person.email, "displayName": person.login}


def group(name: str) -> dict[str, Any]:
    """Return a group as a target."""
    return {
        "id": f"00g{sum(map(ord, name)):06d}xx697",
        "type": "UserGroup",
        "alternateId": "unknown",
        "displayName": name,
    }
