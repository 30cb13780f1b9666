"""Who may be told what: how each kind of field is shown to which endpoint, and where records may go at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from agents.privacy.own import NOTHING_MORE, Own

Action = Literal["pass", "mask", "drop"]
PASS: Final[Action] = "pass"  # noqa: S105  # what a policy says, no password
MASK: Final[Action] = "mask"
DROP: Final[Action] = "drop"
ACTIONS: Final[tuple[Action, ...]] = (PASS, MASK, DROP)  # from the most open to the strictest

PERSON: Final = "person"
HOST: Final = "internal_host"
ADDRESS: Final = "internal_address"
DOMAIN: Final = "internal_domain"
WORKLOAD: Final = "workload"
SESSION: Final = "session"
ACCOUNT: Final = "account"
SECRET: Final = "secret"  # noqa: S105  # the name of a class of fields, no password
COMMAND: Final = "command_line"
URL: Final = "url"
EXTERNAL_ADDRESS: Final = "external_address"
EXTERNAL_DOMAIN: Final = "external_domain"
HASH: Final = "hash"
TEXT: Final = "free_text"
CLASSES: Final = (
    *(PERSON, HOST, ADDRESS, DOMAIN, WORKLOAD, SESSION, ACCOUNT),
    *(SECRET, COMMAND, URL, EXTERNAL_ADDRESS, EXTERNAL_DOMAIN, HASH, TEXT),
)
# What a person, host or address may hide in: as it stands it may hold all of them.
WHOLE_TEXTS: Final = (COMMAND, URL, TEXT)
# The class that a kind of pseudonym belongs to.
CLASS_OF: Final[Mapping[str, str]] = {
    "user": PERSON,
    "host": HOST,
    "ip": ADDRESS,
    "workload": WORKLOAD,
    "session": SESSION,
    "account": ACCOUNT,
    "domain": DOMAIN,
    "mac": ADDRESS,
    "phone": PERSON,
    "card": PERSON,
    "hash": HASH,
}
DEFAULT_ACTIONS: Final[Mapping[str, Action]] = {
    **dict.fromkeys(CLASSES, MASK),
    EXTERNAL_ADDRESS: PASS,
    EXTERNAL_DOMAIN: PASS,
    HASH: PASS,
}


@dataclass(frozen=True, slots=True)
class Handling:
    """How the fields of one case are shown: what all endpoints that it may go to allow.

    Attributes:
        policy: Name and version of the policy.
        own: What is one's own.
        actions: What is done with each class of CLASSES.
        paths: What is done with single OCSF paths (without indices), whatever their class.
    """

    policy: str = "built-in 1"
    own: Own = NOTHING_MORE
    actions: Mapping[str, Action] = field(default_factory=lambda: dict(DEFAULT_ACTIONS))
    paths: Mapping[str, Action] = field(default_factory=dict)

    def of(self, name: str) -> Action:
        """Return what is done with a class."""
        return self.actions.get(name, MASK)


@dataclass(frozen=True, slots=True)
class EndpointRule:
    """What holds for some endpoints in place of the defaults.

    Attributes:
        name: Name of the endpoint, empty for any.
        region: Region of the endpoint, empty for any.
        actions: By class.
        paths: By OCSF path.
    """

    name: str
    region: str
    actions: Mapping[str, Action]
    paths: Mapping[str, Action]

    def concerns(self, name: str, region: str) -> bool:
        """Tell whether it is about an endpoint."""
        return self.name in {"", name} and self.region in {"", region}


@dataclass(frozen=True, slots=True)
class PrivacyPolicy:
    """A policy, as its file has it.

    Attributes:
        name: Its name.
        version: Its version.
        own: What is one's own.
        actions: What is done with each class where no rule says otherwise.
        paths: What is done with single OCSF paths.
        endpoints: Rules for single endpoints and regions; of several the last one that says something counts.
        residency: By region of one's data, the regions of endpoints that its records may go to.
    """

    name: str = "built-in"
    version: str = "1"
    own: Own = NOTHING_MORE
    actions: Mapping[str, Action] = field(default_factory=lambda: dict(DEFAULT_ACTIONS))
    paths: Mapping[str, Action] = field(default_factory=dict)
    endpoints: tuple[EndpointRule, ...] = ()
    residency: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Return name and version, as verdicts record them."""
        return f"{self.name} {self.version}"

    def refusal(self, endpoint: str, region: str, data_region: str) -> str:
        """Return why records of a region may not go to an endpoint, empty when they may.

        Where the policy says nothing of residency, all may go everywhere; where it says something, a region of data
        that it does not name may go nowhere.
        """
        if not self.residency or region in self.residency.get(data_region, ()):
            return ""
        return (
            f"endpoint {endpoint} is in region {region or 'unknown'}, "
            f"where records of region {data_region or 'unknown'} may not go (privacy policy {self.title})"
        )

    def handling(self, endpoints: Iterable[tuple[str, str]]) -> Handling:
        """Return how a case is shown that may go to each of some endpoints: the strictest that any of them asks for.

        Args:
            endpoints: Name and region of each.
        """
        merged = [self._merged(name, region) for name, region in endpoints] or [(self.actions, self.paths)]
        actions = {name: _strictest(one[0].get(name, MASK) for one in merged) for name in CLASSES}
        named = dict.fromkeys(path for _, paths in merged for path in paths)
        paths = {path: found for path in named if (found := _of_path(path, [one[1] for one in merged]))}
        return Handling(self.title, self.own, actions, paths)

    def _merged(self, name: str, region: str) -> tuple[Mapping[str, Action], Mapping[str, Action]]:
        actions, paths = dict(self.actions), dict(self.paths)
        for rule in self.endpoints:
            if rule.concerns(name, region):
                actions |= rule.actions
                paths |= rule.paths
        return actions, paths


def _strictest(actions: Iterable[Action]) -> Action:
    return max(actions, key=ACTIONS.index)


def _of_path(path: str, rules: Iterable[Mapping[str, Action]]) -> Action | None:
    """Return what is done with a path, None when its class decides: it passes only where every endpoint lets it."""
    said = [paths.get(path) for paths in rules]
    found = _strictest(action for action in said if action)
    return None if found == PASS and None in said else found
