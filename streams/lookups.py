"""The services outside that the settings name, for whoever investigates: never for the stream."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Final, NamedTuple

from enrichers.lookups.cache import ReputationCache
from enrichers.lookups.client import NO_KEY, Clocks
from enrichers.lookups.desk import Desk, open_desk
from enrichers.lookups.gate import Gate
from enrichers.lookups.provider import Provider
from enrichers.lookups.providers import PROVIDERS
from enrichers.reserved import Network
from enrichers.secrets import Secret, read_secret
from models.errors import ConfigError
from streams.config import Settings

_ENTRY: Final = re.compile(r"(?P<name>[a-z0-9]+)(?:@(?P<base>[^=]+))?(?:=(?P<place>.+))?")
_BASE: Final = re.compile(r"(?:https://[^/@\s?#]+|http://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?)(?:/[^@\s?#]*)?")
_DOMAIN: Final = re.compile(r"(?:[\w-]+\.)*[\w-]+\.?")


class Lines(NamedTuple):
    """Whom to ask, and what stands in the way of asking some of them.

    Attributes:
        providers: The services, each with its key.
        problems: Why some will not answer, for a person.
    """

    providers: tuple[tuple[Provider, Secret], ...]
    problems: tuple[str, ...] = ()


def read_lookups(entries: Iterable[str], environment: Mapping[str, str]) -> Lines:
    """Read entries such as `abuseipdb=env:KEY`, `internetdb`, `virustotal@https://gateway.example.com=file:PATH`.

    A key that cannot be read is a problem, and its service one that does not answer: verdicts do not wait for keys.

    Raises:
        ConfigError: An entry makes no sense. Nothing of it is shown but its name: it may hold a key.
    """
    made, problems = [], []
    for number, entry in enumerate(entries, 1):
        provider, place = _read_entry(entry, f"lookups: entry {number}")
        key = NO_KEY
        try:
            key = read_secret(place, environment) if place else NO_KEY
        except ConfigError as error:
            problems.append(f"{provider.name}: {error}")
        if provider.key_header and not place:
            problems.append(f"{provider.name}: no key: say where it is, {provider.name}=env:NAME or =file:PATH")
        made.append((provider, key))
    return Lines(tuple(made), tuple(problems))


def _read_entry(entry: str, where: str) -> tuple[Provider, str]:
    found = _ENTRY.fullmatch(entry)
    if found is None or found["name"] not in PROVIDERS:
        raise ConfigError(f"{where}: NAME=env:VARIABLE or NAME=file:PATH, with NAME one of {', '.join(PROVIDERS)}")
    provider, base, place = PROVIDERS[found["name"]], found["base"], found["place"] or ""
    if base and not _BASE.fullmatch(base):
        raise ConfigError(f"{where}: {provider.name}: behind `@` stands an https URL without user and query")
    if place and not place.startswith(("env:", "file:")):
        raise ConfigError(f"{where}: {provider.name}: behind `=` stands where the key is, env:NAME or file:PATH")
    return replace(provider, base=base.rstrip("/")) if base else provider, place


def read_gate(private: Iterable[str]) -> Gate:
    """Make the gate that keeps domains and networks of one's own inside; raise ConfigError for what is neither."""
    domains: list[str] = []
    networks: list[Network] = []
    for entry in private:
        if _DOMAIN.fullmatch(entry) and not entry.replace(".", "").isdigit():
            domains.append(entry)
        else:
            networks.append(_network(entry))
    return Gate(domains, networks)


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ConfigError(f"lookup_private: {text[:80]!r} is neither a domain nor a network: {error}") from error


@contextmanager
def open_lookups(
    settings: Settings,
    environment: Mapping[str, str],
    clocks: Clocks,
    tell: Callable[[str], None],
    is_ending: Callable[[], bool] = lambda: False,
) -> Iterator[Desk | None]:
    """Open what the settings name for as long as the context lasts; None where they name nothing.

    Args:
        settings: Name the services, what is one's own, and the cache.
        environment: Holds the keys that the settings name.
        clocks: The times.
        tell: Called with each thing that is wrong but stops nothing.
        is_ending: Whoever waits for an answer is called away when it tells so.

    Raises:
        ConfigError: The settings make no sense.
    """
    if not settings.lookups:
        yield None
        return
    lines, gate = read_lookups(settings.lookups, environment), read_gate(settings.lookup_private)
    cache, problems = _usable(settings.lookup_cache)
    for problem in (*lines.problems, *problems):
        tell(problem)
    with open_desk(lines.providers, gate, cache, clocks, random.SystemRandom().random, is_ending) as desk:
        yield desk


def _usable(path: Path) -> tuple[Path | None, tuple[str, ...]]:
    """Return where answers are kept: nowhere but in memory when the file cannot be used, and why."""
    try:
        with ReputationCache(path):
            return path, ()
    except ConfigError as error:
        return None, (f"{error}; what services say is kept in memory only",)
