"""Find the tests of rules, run them, report all of them: those that failed and those that could not run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from enrichers.chain import NO_ENRICHMENT, Chain
from models.errors import RuleProblem
from streams.correlate.engine import Correlator
from streams.correlate.spec import CorrelationSpec
from streams.detect.engine import Detector
from streams.detect.loader import TESTS
from streams.detect.pipelines import NO_PIPELINES, Pipelines
from streams.detect.rule import DetectionRule
from streams.rulebook import load_rulebook
from streams.ruletest.given import DetectionTest, RuleTest
from streams.ruletest.play import play_correlation, play_detection
from streams.ruletest.reader import read_tests
from streams.ruletest.subjects import Subjects, rule_files


@dataclass(frozen=True, slots=True)
class TestCase:
    """One test that ran.

    Attributes:
        path: Its file.
        name: Its name.
        passed: Whether everything was as expected.
        why: What was not; empty when it passed.
    """

    __test__: ClassVar[bool] = False  # pytest takes every class that is called so for one of its own
    path: str
    name: str
    passed: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class TestReport:
    """What came out.

    Attributes:
        cases: Every test that ran, by file and in its order.
        problems: What is wrong with rules and tests; such tests did not run.
    """

    __test__: ClassVar[bool] = False
    cases: tuple[TestCase, ...]
    problems: tuple[RuleProblem, ...]


def run_tests(
    paths: Sequence[Path], pipelines: Pipelines = NO_PIPELINES, enrichment: Chain = NO_ENRICHMENT
) -> TestReport:
    """Run all tests of rule files and directories.

    Args:
        paths: Directories, rule files or files of tests. Correlations may refer only to detections among these.
        pipelines: Rewrite the rules before they are compiled.
        enrichment: Adds to the events of raw records what ingest would.
    """
    rule_paths, test_files = _sort_out(paths)
    book = load_rulebook(rule_paths, pipelines)
    subjects = Subjects(book)
    cases: list[TestCase] = []
    problems = list(book.problems)
    for file in test_files:
        tests, mistakes = read_tests(file)
        problems.extend(mistakes)
        runner = _Runner(subjects, file, enrichment)
        for test in tests:
            outcome = runner.run(test)
            if isinstance(outcome, TestCase):
                cases.append(outcome)
            else:
                problems.extend(outcome)
    return TestReport(tuple(cases), tuple(problems))


def _sort_out(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    rules: dict[Path, None] = {}
    tests: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            rules[path] = None
            tests.update(dict.fromkeys(_tests_in(path)))
        elif path.name.endswith(TESTS):
            rules.update(dict.fromkeys(rule_files(path)))
            tests[path] = None
        else:
            rules[path] = None
            stem = path.name.removesuffix(path.suffix)
            tests.update((file, None) for suffix in TESTS if (file := path.with_name(stem + suffix)).is_file())
    return list(rules), list(tests)


def _tests_in(directory: Path) -> Iterator[Path]:
    for file in sorted(directory.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(directory).parts)
        if file.name.endswith(TESTS) and not hidden and file.is_file():
            yield file


class _Runner:
    """Run the tests of one file; what is made for a rule serves all of its tests."""

    def __init__(self, subjects: Subjects, file: Path, enrichment: Chain) -> None:
        self._subjects = subjects
        self._file = file
        self._enrichment = enrichment
        self._beside = subjects.beside(file)
        self._detectors: dict[str, Detector] = {}
        self._correlators: dict[str, Correlator] = {}

    def run(self, test: RuleTest) -> TestCase | list[RuleProblem]:
        """Return what came of a test; everything that keeps it from running when it cannot."""
        subject = self._beside.get(test.rule)
        if subject is None:
            return [self._problem(test.line, test, self._no_subject(test))]
        if isinstance(subject, DetectionRule):
            if isinstance(test, DetectionTest):
                return self._case(test, play_detection(test, self._detector(subject), self._enrichment))
            return [self._problem(test.line, test, "tests a detection: give one `record`, not `signals` or `records`")]
        if isinstance(test, DetectionTest):
            return [self._problem(test.line, test, "tests a correlation: give `signals` or `records`, not a `record`")]
        known = self._subjects.by_name
        unknown = [given for given in test.signals if given.rule not in known]
        if unknown:
            message = "no detection or correlation is named {!r}".format
            return [self._problem(given.line, test, message(given.rule)) for given in unknown]
        correlator, detector = self._correlator(subject), self._subjects.detector
        return self._case(test, play_correlation(test, subject.uid, correlator, detector, known, self._enrichment))

    def _detector(self, rule: DetectionRule) -> Detector:
        return self._detectors.get(rule.uid) or self._detectors.setdefault(rule.uid, Detector((rule,)))

    def _correlator(self, spec: CorrelationSpec) -> Correlator:
        known = self._correlators.get(spec.uid)
        return known or self._correlators.setdefault(spec.uid, self._subjects.correlator(spec))

    def _no_subject(self, test: RuleTest) -> str:
        if not self._beside:
            return "no sound rule stands beside this file"
        return (
            f"no rule beside this file is named {test.rule!r}" if test.rule else "several rules: name one with `rule`"
        )

    def _case(self, test: RuleTest, why: str) -> TestCase:
        return TestCase(str(self._file), test.name, not why, why)

    def _problem(self, line: int, test: RuleTest, message: str) -> RuleProblem:
        return RuleProblem(str(self._file), line, test.name, message)
