"""All detectors: those of amounts, of values, and those that look in a way of their own.

Their names are what correlations refer to (`rules: [anomaly_impossible_travel]`): they stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from models.finding import Analytic
from streams.features import catalog as f
from streams.profile.amounts import LEVELS, RATIOS, VOLUMES
from streams.profile.detector import Detector, Model, attacks_of
from streams.profile.novelties import VALUES

_LEVELLED: Final = tuple(name for one in VOLUMES for name in one.features)
_OTHERS: Final = (
    Detector(
        "anomaly_sign_in_hour",
        "Signed in at an hour at which it never does",
        "hours",
        (f.SIGN_INS,),
        attacks_of("initial-access/T1078"),
        30,
    ),
    Detector(
        "anomaly_impossible_travel",
        "Signed in from two places too far apart",
        "travel",
        (f.PLACE,),
        attacks_of("initial-access/T1078"),
        50,
    ),
    Detector(
        "anomaly_beacon",
        "Connections to one destination at regular intervals",
        "beacon",
        (f.DESTINATION,),
        attacks_of("command-and-control/T1071"),
        50,
    ),
    Detector(
        "anomaly_slow_growth",
        "A level that has been raised little by little",
        "growth",
        _LEVELLED,
        attacks_of("exfiltration/T1030"),
        40,
    ),
    Detector("anomaly_level_changed", "A level that has changed and stays so", "shift", _LEVELLED, (), 15),
    Detector(
        "anomaly_unlike_its_peers",
        "An hour unlike those of its peers",
        "cohort",
        (),
        attacks_of("collection/T1119"),
        25,
    ),
)
DETECTORS: Final[Mapping[str, Detector]] = {
    detector.name: detector for detector in (*VOLUMES, *LEVELS, *RATIOS, *VALUES, *_OTHERS)
}
# By the name under which a correlation's `rules` refer to it.
ANALYTICS: Final[dict[str, Analytic]] = {name: one.analytic for name, one in DETECTORS.items()}


def by_feature(*models: Model) -> Mapping[str, Detector]:
    """Return the detector of these kinds of models that looks at each feature."""
    return {name: one for one in DETECTORS.values() if one.model in models for name in one.features}
