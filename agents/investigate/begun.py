"""How an investigation began, as the journal keeps it: all that it takes to come to the same verdict again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agents.evidence.facts import Gathered
from agents.evidence.remember import gathered_from_json, gathered_to_json
from agents.evidence.store import EvidenceStore
from agents.grounding.calibration import Labels, labels_from_json, labels_to_json
from models.errors import InvalidRecord
from models.fields import take, take_objects
from models.finding import Sequence
from models.finding_ocsf import sequence_from_ocsf, sequence_to_ocsf


@dataclass(frozen=True, slots=True)
class Begun:
    """What an investigation begins with.

    Attributes:
        gathered: The evidence that code gathered.
        marker: Stands around all data that models are shown.
        labels: What analysts had said of verdicts by then.
    """

    gathered: Gathered
    marker: str
    labels: Labels


def begun_to_json(begun: Begun, models: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Render, with name and region of the models that may be asked."""
    return {
        "sequence": sequence_to_ocsf(begun.gathered.sequence),
        "gathered": gathered_to_json(begun.gathered),
        "marker": begun.marker,
        "labels": labels_to_json(begun.labels),
        "models": [{"name": name, "region": region} for name, region in models],
    }


def begun_from_json(value: Mapping[str, Any], sequence: Sequence, store: EvidenceStore) -> Begun:
    """Fetch the same evidence again; raise InvalidRecord when some is gone, or when this is not what was written."""
    gathered = gathered_from_json(take(value, "gathered", dict), sequence, store)
    return Begun(gathered, take(value, "marker", str), labels_from_json(take(value, "labels", dict)))


def sequence_begun_on(value: Mapping[str, Any]) -> Sequence:
    """Return the sequence that an investigation was about; raise InvalidRecord when there is none."""
    sequence = sequence_from_ocsf(take(value, "sequence", dict))
    if not isinstance(sequence, Sequence):
        raise InvalidRecord("sequence: a withdrawn one is not investigated")
    return sequence


def models_begun_with(value: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return name and region of the models that might be asked."""
    models = take_objects(value, "models")
    return tuple((take(model, "name", str), take(model, "region", str)) for model in models)
