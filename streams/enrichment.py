"""The enrichers that the settings ask for, made from their files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from enrichers.base import Enricher, Unavailable
from enrichers.chain import Chain
from enrichers.context.allow import NAME as ALLOW
from enrichers.context.allow import AllowEnricher
from enrichers.context.allow_file import load_allowed
from enrichers.context.enricher import NAME as CONTEXT
from enrichers.context.enricher import ContextEnricher
from enrichers.context.loading import NOTHING, Tables, load_tables
from enrichers.geo import NAME as GEO
from enrichers.intel.enricher import NAME as INTEL
from enrichers.intel.enricher import IntelEnricher
from enrichers.intel.table import IntelTable
from enrichers.links.persons import NOBODY, Persons
from enrichers.mmdb import open_geo
from enrichers.persons import persons_of
from models.errors import ConfigError, EnrichmentFailed
from streams.config import Settings


@dataclass(frozen=True, slots=True)
class Made:
    """One enricher, and what it has to do without.

    Attributes:
        enricher: The enricher, None where nothing asks for it.
        problems: What could not be loaded; the events say so too.
        persons: Whose names it knows.
    """

    enricher: Enricher | None
    problems: tuple[str, ...] = ()
    persons: Persons = NOBODY


@dataclass(frozen=True, slots=True)
class Part:
    """One enricher that settings ask for.

    Attributes:
        name: The enricher's.
        paths: The files it is made from.
        make: Makes it from the settings and from the tables that came some other way. Raises ConfigError or
            EnrichmentFailed.
    """

    name: str
    paths: Callable[[Settings], tuple[Path, ...]]
    make: Callable[[Settings, Tables], Made]


def _geo(settings: Settings, _: Tables) -> Made:
    if not settings.geo_databases:
        return Made(None)
    return Made(*open_geo(settings.geo_databases))


def _context(settings: Settings, tables: Tables) -> Made:
    """Join what files and topics know; of two records with the same uid, the topic has the newer one."""
    files = load_tables(settings.assets, settings.identities)
    assets = {asset.uid: asset for asset in (*files.assets, *tables.assets)}
    identities = {identity.uid: identity for identity in (*files.identities, *tables.identities)}
    if not (assets or identities or tables.missing):
        return Made(None)
    enricher = ContextEnricher(assets.values(), identities.values(), tables.missing)
    return Made(enricher, persons=persons_of(identities.values()))


def _allow(settings: Settings, _: Tables) -> Made:
    return Made(AllowEnricher(load_allowed(settings.allow_lists)) if settings.allow_lists else None)


def _intel(settings: Settings, _: Tables) -> Made:
    return Made(IntelEnricher(IntelTable(settings.intel)) if settings.intel else None)


PARTS: Final = (
    Part(GEO, lambda settings: settings.geo_databases, _geo),
    Part(CONTEXT, lambda settings: (*settings.assets, *settings.identities), _context),
    Part(INTEL, lambda settings: (settings.intel,) if settings.intel else (), _intel),
    Part(ALLOW, lambda settings: settings.allow_lists, _allow),
)


def make_open(part: Part, settings: Settings, tables: Tables = NOTHING) -> Made:
    """Make one enricher; one that cannot be made is stood in for, and every event says that it is missing."""
    try:
        return part.make(settings, tables)
    except (ConfigError, EnrichmentFailed) as error:
        return Made(Unavailable(part.name, str(error).partition("\n")[0]), tuple(str(error).splitlines()))


def make_chain(settings: Settings) -> Chain:
    """Make all enrichers for a person who waits; raise ConfigError with everything that cannot be loaded."""
    made = [make_open(part, settings) for part in PARTS]
    problems = [problem for each in made for problem in each.problems]
    if problems:
        raise ConfigError("\n".join(problems))
    return chain_of(made)


def chain_of(made: Iterable[Made]) -> Chain:
    """Join what was made."""
    known = tuple(made)
    persons = next((each.persons for each in known if each.persons is not NOBODY), NOBODY)
    return Chain((each.enricher for each in known if each.enricher is not None), persons=persons)
