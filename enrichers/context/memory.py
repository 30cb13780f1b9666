"""Remember what was found by the names of an object: telemetry repeats itself, and looking is dearer than knowing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

REMEMBERED: Final = 32_768
MAX_NAME: Final = 256  # characters; a longer name is nobody's
Names = tuple[Any, ...]
T = TypeVar("T")


class Memory(Generic[T]):
    """Answers by names, as they stand in an event: anything may be in the place of a name. Bounded; for one thread."""

    __slots__ = ("_find", "_known", "_most")

    def __init__(self, find: Callable[..., T], most: int = REMEMBERED) -> None:
        """Prepare.

        Args:
            find: Answers for names, each of them a text of MAX_NAME characters at most, or None.
            most: How many answers are kept; beyond it everything is forgotten.
        """
        self._find = find
        self._most = most
        self._known: dict[Names, T] = {}

    def of(self, names: Names) -> T:
        """Return the answer."""
        try:
            return self._known[names]
        except KeyError:
            pass
        except TypeError:  # what cannot be hashed is no name
            return self._find(*map(_name, names))
        clean = tuple(map(_name, names))
        answer = self._find(*clean)
        if clean == names:
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[names] = answer
        return answer


class Strangers:
    """Names that are on no list, whatever stands beside them: most of what there is. Bounded; for one thread."""

    __slots__ = ("_may_be_known", "_most", "_strange")

    def __init__(self, may_be_known: Callable[[str], bool], most: int = REMEMBERED) -> None:
        """Prepare.

        Args:
            may_be_known: Tells whether a name can be one of the list.
            most: How many strangers are kept; beyond it all are forgotten.
        """
        self._may_be_known = may_be_known
        self._most = most
        self._strange: set[Any] = {None}

    def are_strange(self, names: Names) -> bool:
        """Tell whether none of the names of one subject can be on the list."""
        try:
            if self._strange.issuperset(names):
                return True
        except TypeError:  # what cannot be hashed is no name
            return False
        texts = [name for name in names if isinstance(name, str) and len(name) <= MAX_NAME]
        strange = [text for text in texts if not self._may_be_known(text)]
        if len(self._strange) + len(strange) > self._most:
            self._strange = {None}
        self._strange.update(strange)
        return len(strange) == len(texts)


def _name(value: Any) -> str | None:
    return value if type(value) is str and len(value) <= MAX_NAME else None
