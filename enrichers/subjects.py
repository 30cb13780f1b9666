"""Who and what an event is about: what enrichers are asked of it, each subject by where it stands and by its names.

One walk of an event serves them all, and telemetry repeats itself: what was told of a subject holds for every event
that has the same one in the same place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from enrichers.entities import MAX_RESOURCES
from enrichers.intel.observables import OBSERVABLES, PROXY, Step, steps
from enrichers.names import host_name, user_name

EVENT: Final = "event"  # the event itself, for what is said of every one
PLACE: Final = "place"  # a device, an endpoint, a resource
USER: Final = "user"
OBJECTS: Final = frozenset({EVENT, PLACE, USER})  # all other kinds are those of observables
MAX_SUBJECTS: Final = 80
MAX_NAME: Final = 256  # characters; a longer name is nobody's
PLACE_NAMES: Final = ("hostname", "name", "instance_uid", "uid", "ip")
USER_NAMES: Final = ("uid_alt", "uid", "email_addr", "name", "domain", "type_id", "employee_uid", "host")
VALUE: Final = ("value",)
RESOURCES: Final = "resources"
DEVICE: Final = "device"
_ANYBODY: Final = "anybody"
_BY: Final = {PLACE: PLACE_NAMES, USER: USER_NAMES}

Key = tuple[Any, ...]  # dotted path, kind, and the names: anything may be in the place of a name
THE_EVENT: Final[Key] = ("", EVENT)


class Subject(NamedTuple):
    """One subject of an event.

    Attributes:
        where: Dotted path of the object, or of the value.
        kind: EVENT, PLACE, USER or a kind of observable.
        names: By PLACE_NAMES, USER_NAMES or VALUE: texts, of MAX_NAME characters at most for objects, or None. Of a
            user `type_id` may be a number, and `host` is the comparable name of the host that the event is from, where
            that makes a difference: where the user has no domain, or that of the host itself.
    """

    where: str
    kind: str
    names: Mapping[str, Any]

    @property
    def path(self) -> tuple[str, ...]:
        """Return the path of the object."""
        return _path(self.where)

    def under_path(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Nest facts under the path of the object they are about: the `data` of an enrichment."""
        for name in reversed(self.path):
            facts = {name: facts}
        return dict(facts)


@lru_cache(maxsize=256)
def _path(where: str) -> tuple[str, ...]:
    return tuple(where.split(".")) if where else ()


def subjects_of(event: Mapping[str, Any], *, values: bool = True) -> list[Key]:
    """Return the keys of the subjects of an event of any producer, MAX_SUBJECTS at most.

    Args:
        event: OCSF event; what is of no right type is left.
        values: Whether observables are wanted too, or machines and users only.
    """
    found: list[Key] = []
    for path in _ENDS:
        place = event.get(path)
        if type(place) is dict:  # in place, since nearly every event has one
            get = place.get
            found.append((path, PLACE, get("hostname"), get("name"), get("instance_uid"), get("uid"), get("ip")))
            if values and "proxy_endpoint" in place:
                _take_proxy(found, path, place["proxy_endpoint"])
    if RESOURCES in event:
        found += _resources(event[RESOURCES])
    if "user" in event or "actor" in event or "process" in event:
        _take_users(found, event)
    if values:
        for name, take, path, more in _plan(tuple(event)):
            take(found, event[name], path, more)
    return found if len(found) <= MAX_SUBJECTS else found[:MAX_SUBJECTS]


def subject_of(key: Key) -> tuple[Subject, bool]:
    """Return the subject with a key, and whether it is worth to be remembered: what is no name is left out."""
    where, kind, *given = key
    by = _BY.get(kind)
    if by is None:
        return Subject(where, kind, dict(zip(VALUE, given, strict=False))), all(len(text) <= MAX_NAME for text in given)
    names = dict(zip(by, given, strict=True))
    for value in given:
        if value is not None and (type(value) is not str or len(value) > MAX_NAME):
            return _cleaned(where, kind, names)
    return Subject(where, kind, names), True


def _cleaned(where: str, kind: str, names: dict[str, Any]) -> tuple[Subject, bool]:
    wrong = [name for name, value in names.items() if value is not None and not _is_name(name, value)]
    return Subject(where, kind, {**names, **dict.fromkeys(wrong)}), not wrong


def _is_name(by: str, value: Any) -> bool:
    return len(value) <= MAX_NAME if type(value) is str else by == "type_id" and type(value) is int


@lru_cache(maxsize=4096)
def _plan(names: tuple[str, ...]) -> tuple[Step, ...]:
    """Return the steps to the observables of events with these attributes: those of one kind all have the same ones."""
    present = frozenset(names)
    return tuple(step for step in _VALUES if step[0] in present)


def _take_proxy(found: list[Key], end: str, proxy: Any) -> None:
    for name, take, path, more in _PROXIES[end] if type(proxy) is dict else ():
        if name in proxy:
            take(found, proxy[name], path, more)


def _resources(resources: Any) -> Iterator[Key]:
    for resource in resources[:MAX_RESOURCES] if type(resources) is list else ():
        if type(resource) is dict:
            get = resource.get
            yield RESOURCES, PLACE, get("hostname"), get("name"), get("instance_uid"), get("uid"), get("ip")


def _take_users(found: list[Key], event: Mapping[str, Any]) -> None:
    device = found[0] if found and found[0][0] == DEVICE else None
    user, actor, process = event.get("user"), event.get("actor"), event.get("process")
    if type(user) is dict:
        found.append(_user("user", user, device))
    if type(actor) is dict:
        user, acting = actor.get("user"), actor.get("process")
        if type(user) is dict:
            found.append(_user("actor.user", user, device))
        if type(acting) is dict and type(user := acting.get("user")) is dict:
            found.append(_user("actor.process.user", user, device))
    if type(process) is dict and type(user := process.get("user")) is dict:
        found.append(_user("process.user", user, device))


def _user(path: str, user: Mapping[str, Any], device: Key | None) -> Key:
    get = user.get
    name, domain = get("name"), get("domain")
    host = _host_for(device, name, domain) if device is not None else None
    employee = None
    if "ldap_person" in user:
        person = user["ldap_person"]
        employee = person.get("employee_uid") if type(person) is dict else None
    kind = get("type_id", get("type"))
    return path, USER, get("uid_alt"), get("uid"), get("email_addr"), name, domain, kind, employee, host


def _host_for(device: Key, name: Any, domain: Any) -> str | None:
    """Return the host of an event where it makes a difference: most people have one key, wherever they are."""
    host = host_name(device[2]) or host_name(device[3])
    if host is None or type(domain) is not str or not domain:
        return host
    if len(domain) <= MAX_NAME and not _is_local(domain, host) and not (type(name) is str and "\\" in name):
        return None
    return host


@lru_cache(maxsize=4096)
def _is_local(domain: str, host: str) -> bool:
    """Tell whether a domain is none, or that of the host itself."""
    return user_name({"name": _ANYBODY, "domain": domain}, host) == _ANYBODY


_ENDS: Final = (DEVICE, "src_endpoint", "dst_endpoint")
_PROXIES: Final = {end: steps(PROXY, f"{end}.proxy_endpoint.") for end in _ENDS}
# The ends of an event are places, whose names are asked for together.
_VALUES: Final = steps({name: shape for name, shape in OBSERVABLES.items() if name not in _ENDS})
