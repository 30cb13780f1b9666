"""Collect what is wrong with one document, each with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from sigma import exceptions as sigma

from models.errors import RuleErrors, RuleProblem
from streams.detect.values import PlacedMistake, RuleMistake

Lines = Mapping[str, int]
NO_LINES: Final[Lines] = {}
T = TypeVar("T")
# pySigma trusts the types of a document in places: what it stumbles over is as wrong as what it reports.
UNREADABLE: Final = (sigma.SigmaError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_KEY_OF_ERROR: Final[Mapping[type[sigma.SigmaError], str]] = {
    sigma.SigmaAuthorError: "author",
    sigma.SigmaCorrelationConditionError: "correlation.condition",
    sigma.SigmaCorrelationRuleError: "correlation",
    sigma.SigmaCorrelationTypeError: "correlation.type",
    sigma.SigmaDateError: "date",
    sigma.SigmaDescriptionError: "description",
    sigma.SigmaFalsePositivesError: "falsepositives",
    sigma.SigmaFieldsError: "fields",
    sigma.SigmaFilterError: "filter",
    sigma.SigmaIdentifierError: "id",
    sigma.SigmaLevelError: "level",
    sigma.SigmaLicenseError: "license",
    sigma.SigmaLogsourceError: "logsource",
    sigma.SigmaModifiedError: "modified",
    sigma.SigmaNameError: "name",
    sigma.SigmaReferencesError: "references",
    sigma.SigmaRelatedError: "related",
    sigma.SigmaScopeError: "scope",
    sigma.SigmaStatusError: "status",
    sigma.SigmaTagError: "tags",
    sigma.SigmaTaxonomyError: "taxonomy",
    sigma.SigmaTimespanError: "correlation.timespan",
    sigma.SigmaTitleError: "title",
}


class Problems:
    """The problems of one document."""

    def __init__(self, document: Mapping[str, Any], path: str, lines: Lines = NO_LINES) -> None:
        self._name = str(document.get("title") or document.get("id") or "")
        self.path = path
        self._lines = lines
        self._problems: list[RuleProblem] = []

    def problem(self, key: str, message: str) -> RuleProblem:
        """Describe one, at the line of the key; of the key above it, or of the document, when that is not known."""
        line = self._lines.get(key) or self._lines.get(key.partition(".")[0]) or self._lines.get("", 0)
        return RuleProblem(self.path, line, self._name, message)

    def add(self, key: str, message: str) -> None:
        """Collect one."""
        self._problems.append(self.problem(key, message))

    def add_errors(self, errors: Iterable[sigma.SigmaError], elsewhere: str = "") -> None:
        """Collect what pySigma reports, at the key it speaks of, or at `elsewhere`."""
        for error in errors:
            self.add(_KEY_OF_ERROR.get(type(error), elsewhere), str(error))

    def attempt(self, key: str, action: Callable[[], T], default: T) -> T:
        """Do something that may raise one of UNREADABLE; then collect that and return the default."""
        try:
            return action()
        except UNREADABLE as error:
            self.add(key, _explain(key, error))
            return default

    def hold(self, key: str, action: Callable[[], T], default: T) -> T:
        """Do as `attempt` does, with what says by itself where it is wrong."""
        try:
            return action()
        except UNREADABLE as error:
            self.add(key, _told(error))
            return default

    def demand(self, key: str, action: Callable[[], T]) -> T:
        """Do as `insist` does, with what says by itself where it is wrong."""
        try:
            return action()
        except UNREADABLE as error:
            self.add(key, _told(error))
            raise RuleErrors(tuple(self._problems)) from error

    def insist(self, key: str, action: Callable[[], T]) -> T:
        """Do something without which nothing else can be checked; raise RuleErrors if it raises one of UNREADABLE."""
        try:
            return action()
        except UNREADABLE as error:
            place = f"{key}.{error.key}" if isinstance(error, PlacedMistake) else key
            self.add(place, _explain(key, error))
            raise RuleErrors(tuple(self._problems)) from error

    def check(self) -> None:
        """Raise RuleErrors with everything collected, if there is anything."""
        if self._problems:
            raise RuleErrors(tuple(self._problems))


def _told(error: Exception) -> str:
    is_told = isinstance(error, sigma.SigmaError | RuleMistake)
    return str(error) if is_told else f"this cannot be read: {type(error).__name__}: {error}"


def _explain(key: str, error: Exception) -> str:
    what = str(error) if isinstance(error, ValueError | TypeError) else f"{type(error).__name__}: {error}"
    return f"{key}: {what}" if key else f"this cannot be read: {what}"
