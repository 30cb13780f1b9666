"""Sign-ins, second factors, privileges and accounts: what events of identity say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from enrichers.entities import child
from enrichers.names import address, is_private, plain
from streams.features import catalog as has
from streams.features.look import ACTOR, DEVICE, SOURCE, SUBJECT, Look, entity_key, named_host
from streams.features.minute import Minute
from streams.features.principals import peers_of
from streams.features.texts import words

LOGON, TICKET, SERVICE_TICKET, RENEWED_TICKET, PREAUTH, SWITCH = 1, 3, 4, 5, 6, 7  # activities of a sign-in
UNKNOWN: Final = 0
SIGN_INS: Final = (LOGON, TICKET, PREAUTH, SWITCH, UNKNOWN)
TICKETS: Final = (SERVICE_TICKET, RENEWED_TICKET)
NO_SECOND_FACTOR: Final = (0, 11)  # factor types: unknown and password
MAX_FACTORS: Final = 8
MAX_PRIVILEGES: Final = 24
PASSWORD_CHANGE, PASSWORD_RESET, FACTOR_ON, FACTOR_OFF = 3, 4, 10, 11  # activities of a changed account
ATTACH, DETACH = 7, 8
CREDENTIALS: Final = (PASSWORD_CHANGE, PASSWORD_RESET, FACTOR_ON, FACTOR_OFF)
CREDENTIAL_WORDS: Final = ("key", "credential", "password", "secret")  # in the vendor's word for another change
ASSIGN, ADD_USER = 1, 3  # activities that give a privilege, or a group
REVOKE, REMOVE_USER, SUBGROUPS = 2, 4, (7, 8)
MEMBERSHIP: Final = (ASSIGN, REVOKE, ADD_USER, REMOVE_USER, *SUBGROUPS)


def sign_in(look: Look) -> None:
    """Read an Authentication."""
    if look.activity in SIGN_INS:
        _sign_in(look)
    elif look.activity in TICKETS:
        _ticket(look)


def _sign_in(look: Look) -> None:
    user, target = child(look.body, "user"), _target(look)
    account = look.user(user)
    if account:
        minute = look.minute(account, SUBJECT, peers=peers_of(user, child(look.body, "session")))
        minute.count(has.FAILED_SIGN_INS if look.failed else has.SIGN_INS)
        _second_factor(look, minute)
        if look.failed:
            minute.distinct(has.FAILED_SOURCES, address(look.source.get("ip")) or "")
        else:
            _let_in(look, minute, target)
            if look.actor:
                _assumed(look, account)
    if target or look.failed:
        _tried(look, target, account or words(user.get("name")))


def _let_in(look: Look, minute: Minute, target: str) -> None:
    application = words(child(look.body, "service").get("name"))
    minute.kind(has.APPLICATION, has.APPLICATIONS, application)
    minute.kind(has.HOST, has.HOSTS, target)
    minute.value(has.DEVICE, _device(look))
    look.came_from(minute)


def _is_in_cloud(look: Look) -> bool:
    """Tell a sign-in to a service, whose `device` is where somebody sits, from one that a host tells of itself."""
    return "cloud" in look.body or "http_request" in look.body


def _target(look: Look) -> str:
    """Return the host that was signed in to."""
    named = named_host(child(look.body, "dst_endpoint").get("hostname")) if "dst_endpoint" in look.body else ""
    return named or ("" if _is_in_cloud(look) else look.host or "")


def _device(look: Look) -> str:
    """Return where somebody sits."""
    named = named_host(look.source["hostname"]) if "hostname" in look.source else ""
    if named or not _is_in_cloud(look) or "device" not in look.body:
        return named
    return look.host or words(child(look.body, "device").get("uid"))


def _second_factor(look: Look, minute: Minute) -> None:
    if look.body.get("is_mfa") is True or any(_factors(look.body)):
        minute.count(has.MFA_PROMPTS)
        if look.failed:
            minute.count(has.MFA_DENIALS)


def _factors(body: Mapping[str, Any]) -> Iterator[bool]:
    """Tell of each factor whether it is a second one."""
    factors = body.get("auth_factors")
    for factor in factors[:MAX_FACTORS] if isinstance(factors, list) else ():
        kind = factor.get("factor_type_id") if isinstance(factor, dict) else UNKNOWN
        yield type(kind) is int and kind not in NO_SECOND_FACTOR


def _assumed(look: Look, account: str) -> None:
    """Note the role, or the other account, that somebody took on."""
    actor = look.user(look.actor)
    if actor and actor != account:
        role = plain(child(look.body, "session").get("issuer")) or account.partition(":")[2]
        look.minute(actor, ACTOR, peers=peers_of(look.actor, child(child(look.body, "actor"), "session"))).value(
            has.ROLE, role
        )


def _tried(look: Look, target: str, account: str) -> None:
    """Note at the host that was signed in to, and at the own address where it came from, how many accounts were tried.

    One who tries a password on many accounts fails once at each: only these two see it.
    """
    ip = address(look.source.get("ip"))
    if target:
        minute = look.minute(entity_key("host", target), DEVICE)
        minute.count(has.FAILED_SIGN_INS if look.failed else has.SIGN_INS)
        minute.distinct(has.FAILED_ACCOUNTS if look.failed else has.ACCOUNTS, account)
        if look.failed and ip:
            minute.distinct(has.FAILED_SOURCES, ip)
    if look.failed and ip and is_private(ip):
        minute = look.minute(entity_key("ip", ip), (SOURCE,))
        minute.count(has.FAILED_SIGN_INS)
        minute.distinct(has.FAILED_ACCOUNTS, account)


def _ticket(look: Look) -> None:
    account = look.user(child(look.body, "user"))
    if account:
        minute = look.minute(account, SUBJECT)
        minute.count(has.TICKETS)
        service = words(child(look.body, "service").get("name"))
        minute.kind(has.TICKET_SERVICE, has.TICKET_SERVICES, service)


def session(look: Look) -> None:
    """Read an Authorize Session: privileges that somebody works with, access that an application was given."""
    user = look.user(child(look.body, "user"))
    if not user or look.failed:
        return
    minute = look.minute(user, SUBJECT)
    if look.activity == ASSIGN:
        minute.count(has.PRIVILEGED_SESSIONS)
    minute.value(has.APPLICATION, words(child(look.body, "actor").get("app_name")))
    for privilege in _privileges(look.body):
        minute.value(has.PRIVILEGE, privilege)


def _privileges(body: Mapping[str, Any]) -> Iterator[str]:
    told = body.get("privileges")
    return map(words, told[:MAX_PRIVILEGES] if isinstance(told, list) else ())


def account_change(look: Look) -> None:
    """Read an Account Change."""
    if look.failed:
        return
    policy = child(look.body, "policy")
    attached = look.activity in (ATTACH, DETACH)
    actor = look.user(look.actor)
    if actor:
        minute = look.minute(actor, ACTOR)
        minute.count(has.ACCOUNT_CHANGES)
        if attached:
            minute.count(has.PRIVILEGE_CHANGES)
            minute.value(has.PRIVILEGE, words(policy.get("name")) or words(policy.get("uid")))
    subject = look.user(child(look.body, "user"))
    if subject and look.activity == ATTACH:
        look.minute(subject, SUBJECT).count(has.PRIVILEGES_RECEIVED)
    if subject and _of_credentials(look):
        look.minute(subject, SUBJECT).count(has.CREDENTIAL_CHANGES)


def _of_credentials(look: Look) -> bool:
    told = words(look.body.get("activity_name"))
    return look.activity in CREDENTIALS or any(word in told for word in CREDENTIAL_WORDS)


def access_change(look: Look) -> None:
    """Read a User Access Management."""
    _given(look, tuple(_privileges(look.body)), received=look.activity == ASSIGN)


def group_change(look: Look) -> None:
    """Read a Group Management; groups that are made and deleted change no privilege."""
    if look.activity in MEMBERSHIP:
        group = child(look.body, "group")
        name = words(group.get("name")) or words(group.get("uid"))
        _given(look, (name,), received=look.activity in (ASSIGN, ADD_USER))


def _given(look: Look, names: tuple[str, ...], *, received: bool) -> None:
    if look.failed:
        return
    actor = look.user(look.actor)
    if actor:
        minute = look.minute(actor, ACTOR)
        minute.count(has.PRIVILEGE_CHANGES)
        for name in names:
            minute.value(has.PRIVILEGE, name)
    subject = look.user(child(look.body, "user"))
    if subject and received:
        look.minute(subject, SUBJECT).count(has.PRIVILEGES_RECEIVED)
