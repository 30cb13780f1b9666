"""Regular expressions of rules: RE2 (linear time) where it takes the pattern, else Python's on bounded input."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, cast

import re2  # type: ignore[import-untyped]  # the package ships no annotations
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine, RegexPattern

MAX_BACKTRACKING_CHARS: Final = 4096  # lookarounds and backreferences only see this much of a value
_FLAGS: Final = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}


@dataclass(frozen=True, slots=True)
class Regex:
    """One compiled pattern that is searched for in a text.

    Attributes:
        pattern: The pattern with its flags and anchors.
        linear: Whether RE2 took it. If not, only the first MAX_BACKTRACKING_CHARS characters of a text are searched.
        compiled: The engine's object.
    """

    pattern: str
    linear: bool
    compiled: Any = field(compare=False, repr=False)

    def accepts(self, text: str) -> bool:
        """Tell whether the pattern occurs in the text."""
        if not self.linear:
            return self.compiled.search(text[:MAX_BACKTRACKING_CHARS]) is not None
        try:
            return self.compiled.search(text) is not None
        except UnicodeEncodeError:  # lone surrogates, which RE2 cannot take
            return self.compiled.search(text.encode("utf-8", "replace").decode()) is not None


@dataclass(frozen=True, slots=True)
class Regexes:
    """Patterns of which one has to occur."""

    regexes: tuple[Regex, ...]

    def accepts(self, text: str) -> bool:
        """Tell whether one of the patterns occurs in the text."""
        return any(regex.accepts(text) for regex in self.regexes)


@lru_cache(maxsize=8192)
def compile_regex(source: str, flags: str = "", *, at_start: bool = False, at_end: bool = False) -> Regex:
    """Compile a Sigma `re` value.

    Args:
        source: The pattern as the rule has it.
        flags: Any of `i`, `m`, `s`.
        at_start: The match has to begin where the value begins (`re|startswith`).
        at_end: The match has to end where the value ends (`re|endswith`).

    Raises:
        re.error: Neither engine takes it.
    """
    prefix = f"(?{flags})" if flags else ""
    body = f"(?:{source})" if at_start or at_end else source
    start = r"\A" if at_start else ""
    try:
        pattern = prefix + start + body + (r"\z" if at_end else "")
        return Regex(pattern, linear=True, compiled=re2.compile(pattern, _options()))
    except re2.error:
        pattern = prefix + start + body + (r"\Z" if at_end else "")
        return Regex(pattern, linear=False, compiled=_backtracking(pattern))


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


def _backtracking(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (OverflowError, RecursionError) as error:
        raise re.error(f"{type(error).__name__}: {error}", pattern) from error


class _EitherEngine(RegexEngine):
    """Let pySigma accept a pattern when one of the two engines does."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:
        letters = "".join(letter for flag, letter in _FLAGS.items() if flags & flag)
        return cast("RegexPattern", compile_regex(pattern, letters).compiled)

    @property
    def error(self) -> type[re.error]:
        return re.error


POLICY: Final = SigmaPolicy(regex_engine=_EitherEngine())
