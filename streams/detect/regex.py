"""Regular expressions of rules, all on RE2: no pattern and no value can cost more than linear time.

Source: Sigma modifiers appendix 2.1, section "Regular Expression": wildcard, anchors, quantifiers, classes, groups and
alternation are the language; lookarounds, backreferences, atomic groups and possessive quantifiers are outside of it.
They need an engine that backtracks, whose cost no short proof bounds; a pattern with one is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, cast

import re2  # type: ignore[import-untyped]  # the package ships no annotations
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine, RegexPattern

_FLAGS: Final = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}


@dataclass(frozen=True, slots=True)
class Regex:
    """One compiled pattern that is searched for in a text.

    Attributes:
        pattern: The pattern with its flags and anchors.
        linear: Whether it takes linear time. All do; what is stored says so, lest it be restored for another engine.
        compiled: RE2's object.
    """

    pattern: str
    linear: bool
    compiled: Any = field(compare=False, repr=False)

    def accepts(self, text: str) -> bool:
        """Tell whether the pattern occurs in the text."""
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
        re.error: RE2 does not take it.
    """
    prefix = f"(?{flags})" if flags else ""
    body = f"(?:{source})" if at_start or at_end else source
    return _compile(prefix + (r"\A" if at_start else "") + body + (r"\z" if at_end else ""))


@lru_cache(maxsize=8192)
def restored_regex(pattern: str, linear: bool) -> Regex:
    """Compile a pattern that was compiled before, for the same engine; raise ValueError when it refuses now."""
    if not linear:
        raise ValueError(f"regular expression {pattern!r:.80}: was compiled for an engine that backtracks")
    try:
        return _compile(pattern)
    except re.error as error:
        raise ValueError(f"regular expression {pattern!r:.80}: {error}") from error


def _compile(pattern: str) -> Regex:
    try:
        return Regex(pattern, linear=True, compiled=re2.compile(pattern, _options()))
    except re2.error as error:
        raise re.error(_reason(error)) from error


def _reason(error: Exception) -> str:
    """Say what RE2 says, and what is behind its words for what it cannot do."""
    (message, *_) = error.args or ("",)
    text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
    return f"{text}; RE2 takes no lookarounds, backreferences, atomic groups and possessive quantifiers"


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


class _Engine(RegexEngine):
    """Let pySigma accept a pattern when RE2 does, without RE2's own log lines."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:
        letters = "".join(letter for flag, letter in _FLAGS.items() if flags & flag)
        return cast("RegexPattern", compile_regex(pattern, letters).compiled)

    @property
    def error(self) -> type[re.error]:
        return re.error


POLICY: Final = SigmaPolicy(regex_engine=_Engine())
