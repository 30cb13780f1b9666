"""How critical what an action is done to is, as the tables of assets and identities say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from agents.policy.policy import LEVELS, UNKNOWN
from enrichers.context.known import Asset, Identity
from enrichers.names import address, host_name, key, plain, user_name
from enrichers.persons import persons_of
from models.entity import EntityKey

_ORDER: Final = {level: place for place, level in enumerate(LEVELS[:-1])}
PRIVILEGED: Final = "high"
SERVICE: Final = "medium"
ORDINARY: Final = "low"


class Criticality:
    """Tell how critical an entity is. Immutable once made; of a name that several records have, the highest counts."""

    __slots__ = ("_levels", "persons")

    def __init__(self, assets: Iterable[Asset] = (), identities: Iterable[Identity] = ()) -> None:
        """Prepare.

        Args:
            assets: All that are known.
            identities: All that are known.
        """
        known = tuple(identities)
        self.persons = persons_of(known)
        self._levels: dict[EntityKey, str] = {}
        for asset in assets:
            self._add(_names_of(asset), asset.criticality or UNKNOWN)
        for identity in known:
            level = PRIVILEGED if identity.privileged else SERVICE if identity.service_account else ORDINARY
            self._add(_names_of_identity(identity), level)

    def of(self, entity: EntityKey) -> str:
        """Return one of LEVELS; `unknown` for what no table has."""
        return self._levels.get(entity, UNKNOWN)

    def _add(self, names: Iterator[EntityKey], level: str) -> None:
        for name in names:
            self._levels[name] = max(self._levels.get(name, level), level, key=lambda one: _ORDER.get(one, -1))


def _names_of(asset: Asset) -> Iterator[EntityKey]:
    yield from (key("host", name) for name in map(host_name, asset.names) if name)
    yield from (key("ip", ip) for ip in map(address, asset.ips) if ip)
    yield from (key("workload", name) for name in map(plain, asset.instances) if name)


def _names_of_identity(identity: Identity) -> Iterator[EntityKey]:
    for name in (*identity.names, *identity.emails, *identity.sids, *identity.principals):
        for form in (plain(name), user_name({"uid" if name.lower().startswith("arn:") else "name": name}, None)):
            if form:
                yield key("user", form)


NOTHING_KNOWN: Final = Criticality()
