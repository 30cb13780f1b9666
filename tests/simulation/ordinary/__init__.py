"""What an organization does on an ordinary day, at every source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from tests.simulation.ordinary.browsing import browsing
from tests.simulation.ordinary.cloud import cloud
from tests.simulation.ordinary.cluster import cluster
from tests.simulation.ordinary.datacentre import datacentre
from tests.simulation.ordinary.desks import desks
from tests.simulation.ordinary.nights import nights
from tests.simulation.ordinary.serverlogs import serverlogs
from tests.simulation.ordinary.signins import signins
from tests.simulation.organization import Organization
from tests.simulation.records.record import Record

PARTS: Final[tuple[Callable[[Organization, int], Iterator[Record]], ...]] = (
    signins,
    desks,
    browsing,
    datacentre,
    serverlogs,
    cloud,
    cluster,
    nights,
)


def ordinary_day(organization: Organization, day: int) -> Iterator[Record]:
    """Yield the records of one day, in no order; evenings far west reach into the next day, mornings far east back."""
    for part in PARTS:
        yield from part(organization, day)
