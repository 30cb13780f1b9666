"""Find an asset or an identity by any of its names, in the forms that `enrichers.names` makes comparable.

A name that two records share names neither: which of them is meant cannot be told, and a wrong owner is worse than
none. Such names are kept for whoever maintains the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Generic, NamedTuple, TypeVar

from enrichers.context.known import Asset, Identity, Known
from enrichers.names import address, host_name, plain, user_name

UNIX_UID_CHARS: Final = 10  # a shorter number is the uid of somebody else on every other machine
MAX_SHARED_TOLD: Final = 100
T = TypeVar("T", bound=Known)


class Found(NamedTuple, Generic[T]):
    """A record, and which attribute of the object it was found by.

    Attributes:
        record: The asset or identity.
        attribute: Such as `hostname`.
        value: The value of that attribute, as it stands in the event.
    """

    record: T
    attribute: str
    value: str


class _Names(Generic[T]):
    """Comparable names of one kind, each of one record."""

    def __init__(self) -> None:
        self.of: dict[str, T] = {}
        self.shared: dict[str, None] = {}

    def add(self, name: str | None, record: T) -> None:
        if not name or name in self.shared:
            return
        if self.of.setdefault(name, record) is not record:
            del self.of[name]
            self.shared[name] = None


class AssetIndex:
    """Find assets. Immutable once it is made."""

    def __init__(self, assets: Iterable[Asset]) -> None:
        self._names: _Names[Asset] = _Names()
        self._labels: _Names[Asset] = _Names()
        self._ids: _Names[Asset] = _Names()
        self._ips: _Names[Asset] = _Names()
        for asset in assets:
            self._add(asset)

    def _add(self, asset: Asset) -> None:
        for name in asset.names:
            self._names.add(_full(name), asset)
            self._labels.add(host_name(name), asset)
        for uid in asset.instances:
            self._ids.add(plain(uid), asset)
        for ip in asset.ips:
            self._ips.add(ip, asset)

    @property
    def shared(self) -> tuple[str, ...]:
        """Return names that several assets have; by them none of those is found."""
        return (*self._names.shared, *self._ids.shared, *self._ips.shared)

    def find(self, place: Mapping[str, Any], *, own: bool) -> Found[Asset] | None:
        """Return the asset that an OCSF device, endpoint or resource is.

        Args:
            place: The object.
            own: Whether its name is that of a machine of one's own. If not, the first label of a full name means
                nothing: there is a `www` everywhere.
        """
        for attribute in ("instance_uid", "uid"):
            if found := _text_found(self._ids.of, place, attribute):
                return found
        for attribute in ("hostname", "name"):
            if found := self._by_name(place, attribute, own=own):
                return found
        return self._by_ip(place.get("ip"))

    def _by_ip(self, given: Any) -> Found[Asset] | None:
        if not isinstance(given, str):
            return None
        asset = self._ips.of.get(given)
        if asset is None and (
            ":" in given or "%" in given
        ):  # all others are either written as in the table or nobody's
            asset = self._ips.of.get(address(given) or "")
        return Found(asset, "ip", given) if asset else None

    def _by_name(self, place: Mapping[str, Any], attribute: str, *, own: bool) -> Found[Asset] | None:
        value = place.get(attribute)
        if not isinstance(value, str):
            return None
        asset = self._names.of.get(_full(value))
        if asset is None and (own or "." not in value.rstrip(".")):
            asset = self._labels.of.get(host_name(value) or "")
        return Found(asset, attribute, value) if asset else None


class IdentityIndex:
    """Find identities. Immutable once it is made."""

    def __init__(self, identities: Iterable[Identity]) -> None:
        self._ids: _Names[Identity] = _Names()
        self._names: _Names[Identity] = _Names()
        self._bare: _Names[Identity] = _Names()  # of those that a table qualifies: good where a source names no domain
        self._employees: _Names[Identity] = _Names()
        for identity in identities:
            self._add(identity)

    def _add(self, identity: Identity) -> None:
        for uid in (*identity.sids, *identity.principals):
            self._ids.add(_comparable_id(uid), identity)
        self._employees.add(plain(identity.employee_id), identity)
        for email in identity.emails:
            self._names.add(plain(email), identity)
        for name in identity.names:
            comparable = user_name({"name": name}, None)
            self._names.add(comparable, identity)
            if comparable and "\\" in comparable:
                self._bare.add(comparable.partition("\\")[2], identity)

    @property
    def shared(self) -> tuple[str, ...]:
        """Return names that several identities have; by them none of those is found."""
        return (*self._ids.shared, *self._names.shared, *self._employees.shared)

    def find(self, user: Mapping[str, Any], host: str | None) -> Found[Identity] | None:
        """Return whose an OCSF user is.

        Args:
            user: The object; `employee_uid` is that of its `ldap_person`.
            host: Comparable name of the host that the event is from, when it is from one.
        """
        for attribute in ("uid_alt", "uid"):
            if found := self._by_id(user, attribute):
                return found
        if found := _text_found(self._names.of, user, "email_addr"):
            return found
        if found := self._by_name(user, host):
            return found
        return _text_found(self._employees.of, user, "employee_uid")

    def _by_id(self, user: Mapping[str, Any], attribute: str) -> Found[Identity] | None:
        value = user.get(attribute)
        if not isinstance(value, str) or (value.isdigit() and len(value) <= UNIX_UID_CHARS):
            return None
        identity = self._ids.of.get(_comparable_id(value)) or self._names.of.get(value.strip().lower())
        return Found(identity, attribute, value) if identity else None

    def _by_name(self, user: Mapping[str, Any], host: str | None) -> Found[Identity] | None:
        value = user.get("name")
        if not isinstance(value, str):
            return None
        comparable = user_name({"name": value, "domain": user.get("domain")}, host) or ""
        identity = self._names.of.get(comparable)
        if identity is None:
            domain, slash, bare = comparable.partition("\\")
            # Where the source names no domain the table may; and a table that names none means any.
            identity = self._names.of.get(bare) if slash else self._bare.of.get(domain)
        return Found(identity, "name", value) if identity else None


def _full(name: str) -> str:
    return name.strip().lower().rstrip(".")


def _comparable_id(uid: str) -> str:
    """Return an id in the form of `names.user_name`: that of a cloud user is without its path."""
    folded = uid.strip().lower()
    return user_name({"uid": folded}, None) or folded if folded.startswith("arn:") else folded


def _text_found(names: Mapping[str, T], place: Mapping[str, Any], attribute: str) -> Found[T] | None:
    value = place.get(attribute)
    if not isinstance(value, str):
        return None
    record = names.get(value.strip().lower())
    return Found(record, attribute, value) if record is not None else None
