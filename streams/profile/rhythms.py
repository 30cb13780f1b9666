"""Rhythms by destination: what an entity contacts again and again at the same intervals, told to its peers.

Whatever an entity has contacted on many days is left out: an update service beats, too, and has done so for long. How
rare a destination is among the peers decides the rest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from models.anomaly import beacon as model
from models.anomaly import rarity
from models.anomaly.beacon import GAPS, BeaconConfig, Beacons
from models.anomaly.rarity import Values
from models.feature import MINUTE_MS, Delta
from streams.features.catalog import DESTINATION
from streams.profile.firsts import name_of
from streams.profile.reports import Report, group_of
from streams.profile.volumes import WORTH, shown

BEACON: Final = "anomaly_beacon"
MOST_A_MINUTE: Final = 3  # contacts: who makes more of them is asking all the time
KNOWN_DAYS: Final = 5  # on which a destination was contacted, from which on its rhythm says nothing
BEATS: Final = BeaconConfig(most=12)
UNJUDGED: Final = replace(BEATS, enough=GAPS + 1)  # to judge a rhythm takes longer than to note a contact


def learned_rhythms(
    entity: str, days: int, state: Beacons, values: Values, delta: Delta
) -> tuple[Beacons, list[Report]]:
    """Learn the first contacts with each destination in a closed minute.

    Args:
        entity: Key of the entity.
        days: How many active days were learned of it.
        state: What is known of rhythms.
        values: The destinations it has shown, this minute among them.
        delta: The minute.

    Returns:
        What is known from now on, and the rhythms that the peers are told of.
    """
    reports: list[Report] = []
    day = rarity.day_of(delta.start)
    group, end = group_of(entity, delta.source, delta.peers), delta.start + MINUTE_MS
    contacts = sorted(delta.values.get(DESTINATION, {}).items(), key=lambda item: (item[1].time, item[0]))
    for destination, tally in contacts:
        name = name_of(DESTINATION, destination)
        if tally.amount > MOST_A_MINUTE or rarity.days_seen(values, name, day) > KNOWN_DAYS:
            continue
        before, (state, _) = state, model.step(state, name, tally.time, UNJUDGED)
        rhythm = state.tracked[-1]
        beat = model.beat(rhythm, BEATS) if state is not before and _is_told(rhythm.count) else None
        known = shown(delta, tally) if beat is not None and beat.score >= WORTH else None
        if beat is not None and known is not None:
            told = model.finding(beat, destination, beat.score)
            reports.append(
                Report(group, end, entity, DESTINATION, destination, beat.score, *known, told, {}, days, BEACON)
            )
    return state, reports


def _is_told(count: int) -> bool:
    """Tell whether a rhythm of so many contacts is told: as soon as it can be judged, and at each power of two."""
    return count == BEATS.enough + 1 or count & (count - 1) == 0
