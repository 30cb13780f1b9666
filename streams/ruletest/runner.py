"""Find the tests of rules, run them, report all of them: those that failed and those that could not run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from models.errors import RuleProblem
from streams.correlate.spec import CorrelationSpec
from streams.detect.engine import Detector
from streams.detect.loader import SUFFIXES, TESTS, LoadedDocument, load_documents
from streams.detect.pipelines import NO_PIPELINES, Pipelines
from streams.detect.rule import DetectionRule
from streams.rulebook import Rulebook, load_rulebook
from streams.ruletest.given import RuleTest
from streams.ruletest.play import play_correlation, play_detection
from streams.ruletest.reader import read_tests


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


def run_tests(paths: Sequence[Path], pipelines: Pipelines = NO_PIPELINES) -> TestReport:
    """Run all tests of rule files and directories.

    Args:
        paths: Directories, rule files or files of tests. Correlations may refer only to detections among these.
        pipelines: Rewrite the rules before they are compiled.
    """
    rule_paths, test_files = _sort_out(paths)
    book = load_rulebook(rule_paths, pipelines)
    detector = Detector(book.detections)
    cases: list[TestCase] = []
    problems = list(book.problems)
    for file in test_files:
        tests, mistakes = read_tests(file)
        problems.extend(mistakes)
        runner = _Runner(book, detector, file)
        for test in tests:
            outcome = runner.run(test)
            if isinstance(outcome, RuleProblem):
                problems.append(outcome)
            else:
                cases.append(TestCase(str(file), test.name, not outcome, outcome))
    return TestReport(tuple(cases), tuple(problems))


def _sort_out(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    rules: dict[Path, None] = {}
    tests: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            rules[path] = None
            tests.update(dict.fromkeys(_tests_in(path)))
        elif path.name.endswith(TESTS):
            rules.update(dict.fromkeys(_rule_files(path)))
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


def _rule_files(tests: Path) -> list[Path]:
    """Return the rule file beside a file of tests; a list of one, or of none."""
    stem = next(tests.name.removesuffix(suffix) for suffix in TESTS if tests.name.endswith(suffix))
    return [file for suffix in SUFFIXES if (file := tests.with_name(stem + suffix)).is_file()][:1]


class _Runner:
    """Run the tests of one file."""

    def __init__(self, book: Rulebook, detector: Detector, file: Path) -> None:
        self._book = book
        self._detector = detector
        self._file = file
        self._detections = {key: rule for rule in book.detections for key in (rule.uid, rule.name) if key}
        self._subjects = self._beside()

    def run(self, test: RuleTest) -> str | RuleProblem:
        """Return what is not as expected, empty when all is; a problem when the test cannot run."""
        subject = self._subjects.get(test.rule)
        if subject is None:
            return self._problem(test.line, test, self._no_subject(test))
        if isinstance(subject, DetectionRule):
            if test.fires is None:
                return self._problem(test.line, test, "tests a detection: say `fires`, not `sequences`")
            return play_detection(subject, test)
        if test.fires is not None:
            return self._problem(test.line, test, "tests a correlation: say `sequences`, not `fires`")
        unknown = next((given for given in test.signals if given.rule not in self._detections), None)
        if unknown:
            return self._problem(unknown.line, test, f"no detection is named {unknown.rule!r}")
        return play_correlation(subject, test, self._detector, self._detections)

    def _beside(self) -> dict[str, DetectionRule | CorrelationSpec]:
        """Map the ids and names of the rules in the file beside to them, and the empty name to the only one."""
        documents, _ = load_documents(_rule_files(self._file))
        testable = [document for document in documents if document.kind != "filter"]
        paths = {document.path for document in testable}
        specs = {spec.uid: spec for spec in self._book.correlations}
        found: list[tuple[str, DetectionRule | CorrelationSpec]] = []
        found += ((rule.name, rule) for rule in self._book.detections if rule.path in paths)
        found += ((_text(one, "name"), specs[uid]) for one in testable if (uid := _uid(one)) in specs)
        subjects = {key: rule for name, rule in found for key in (name, rule.uid) if key}
        return {**subjects, "": found[0][1]} if len(testable) == 1 and found else subjects

    def _no_subject(self, test: RuleTest) -> str:
        if not self._subjects:
            return "no sound rule stands beside this file"
        return (
            f"no rule beside this file is named {test.rule!r}" if test.rule else "several rules: name one with `rule`"
        )

    def _problem(self, line: int, test: RuleTest, message: str) -> RuleProblem:
        return RuleProblem(str(self._file), line, test.name, message)


def _uid(document: LoadedDocument) -> str:
    """Return the id as compiled rules spell it, empty when there is none."""
    try:
        return str(UUID(_text(document, "id")))
    except ValueError:
        return ""


def _text(document: LoadedDocument, key: str) -> str:
    return str(document.document.get(key, ""))
