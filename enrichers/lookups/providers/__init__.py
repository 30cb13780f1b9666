"""The services Braid can ask, one short file each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from enrichers.lookups.provider import Provider
from enrichers.lookups.providers.abuseipdb import ABUSEIPDB
from enrichers.lookups.providers.greynoise import GREYNOISE
from enrichers.lookups.providers.internetdb import INTERNETDB
from enrichers.lookups.providers.urlhaus import URLHAUS
from enrichers.lookups.providers.virustotal import VIRUSTOTAL

PROVIDERS: Final[Mapping[str, Provider]] = {
    provider.name: provider for provider in (ABUSEIPDB, GREYNOISE, INTERNETDB, URLHAUS, VIRUSTOTAL)
}
