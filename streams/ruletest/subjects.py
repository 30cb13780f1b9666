"""The rules that tests are of, and those that they speak of: by id, by name, by the file beside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from models.finding import Analytic
from streams.correlate.engine import Correlator
from streams.correlate.spec import CorrelationSpec
from streams.detect.engine import Detector
from streams.detect.loader import SUFFIXES, TESTS, LoadedDocument, load_documents
from streams.detect.rule import DetectionRule
from streams.profile.detectors import DETECTORS
from streams.rulebook import Rulebook

Rule = DetectionRule | CorrelationSpec
THE_ONLY: Final = ""  # what the one rule of a file may be called by its tests


@dataclass(frozen=True, slots=True)
class Modelled:
    """What no rule finds, but a model: correlations refer to it by the name of its detector.

    Attributes:
        analytic: What its signals are of.
        domain: `identity`, `network` or `workload`.
        risk: What an anomaly of it adds to an entity's risk at least.
    """

    analytic: Analytic
    domain: str
    risk: int

    @property
    def uid(self) -> str:
        """Return the id of its analytic."""
        return self.analytic.uid


class Subjects:
    """The sound rules of a rulebook by what tests call them.

    Attributes:
        by_name: Detections and correlations by id and by name, a detection before a correlation of its name; detectors
            of anomalies by name.
        detector: All detections.
    """

    __slots__ = ("_by_path", "_by_uid", "by_name", "detector")

    def __init__(self, book: Rulebook) -> None:
        self.detector = Detector(book.detections)
        self.by_name: dict[str, Rule | Modelled] = {}
        rules: tuple[Rule, ...] = (*book.detections, *book.correlations)
        for rule in rules:
            for key in _names(rule):
                self.by_name.setdefault(key, rule)
        for name, one in DETECTORS.items():
            self.by_name.setdefault(name, Modelled(one.analytic, one.domain, one.risk))
        self._by_uid: Mapping[str, CorrelationSpec] = {spec.uid: spec for spec in book.correlations}
        self._by_path: defaultdict[str, list[DetectionRule]] = defaultdict(list)
        for detection in book.detections:
            self._by_path[detection.path].append(detection)

    def beside(self, tests: Path) -> dict[str, Rule]:
        """Map the ids and names of the rules in the file beside a file of tests to them, and THE_ONLY to an only one.

        What the rulebook does not say, which file a correlation is from, is read there; what has problems counts too
        when it comes to whether there is one rule only.
        """
        files = rule_files(tests)
        documents = [document for document in load_documents(files)[0] if document.kind != "filter"]
        found: list[Rule] = [rule for file in files for rule in self._by_path.get(str(file), ())]
        found += (self._by_uid[uid] for one in documents if (uid := _uid(one)) in self._by_uid)
        subjects = {key: rule for rule in found for key in _names(rule)}
        return {**subjects, THE_ONLY: found[0]} if len(documents) == 1 and found else subjects

    def correlator(self, spec: CorrelationSpec) -> Correlator:
        """Return the correlation core with one correlation, those that it looks at, those that they look at ..."""
        wanted: dict[str, CorrelationSpec] = {}
        pending = [spec]
        while pending:
            one = pending.pop()
            if one.uid not in wanted:
                wanted[one.uid] = one
                pending.extend(self._by_uid[uid] for uid in one.watched if uid in self._by_uid)
        return Correlator(wanted.values())


def rule_files(tests: Path) -> list[Path]:
    """Return the rule file beside a file of tests; a list of one, or of none."""
    stem = next(tests.name.removesuffix(suffix) for suffix in TESTS if tests.name.endswith(suffix))
    return [file for suffix in SUFFIXES if (file := tests.with_name(stem + suffix)).is_file()][:1]


def _names(rule: Rule) -> Iterable[str]:
    return filter(None, (rule.uid, rule.name))


def _uid(document: LoadedDocument) -> str:
    """Return the id as compiled rules spell it, empty when there is none."""
    try:
        return str(UUID(str(document.document.get("id", ""))))
    except ValueError:
        return ""
