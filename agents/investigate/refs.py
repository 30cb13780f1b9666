"""Short names for evidence within one investigation: what a model has not been shown, it cannot cite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.evidence.store import Stored, StoredEvent
from models.fact import Fact

Citable = Stored | Fact


@dataclass(slots=True)
class Refs:
    """Names `E1`, `E2` for events, `S1` for signals, `F1` for facts, in the order in which they are shown.

    `N1` and so on are notes: that a tool found nothing, who was heard when. They are what an absence can be cited by.
    """

    by_ref: dict[str, Citable] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    _of: dict[str, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def ref(self, shown: Citable) -> str:
        """Return the name of something that is shown; the same thing keeps its name."""
        if shown.uid not in self._of:
            letter = "F" if isinstance(shown, Fact) else "E" if isinstance(shown, StoredEvent) else "S"
            self._counts[letter] = number = self._counts.get(letter, 0) + 1
            self._of[shown.uid] = f"{letter}{number}"
            self.by_ref[f"{letter}{number}"] = shown
        return self._of[shown.uid]

    def note(self, text: str) -> str:
        """Return the name of a note, by which an absence may be cited."""
        name = f"N{len(self.notes) + 1}"
        self.notes[name] = text
        return name

    @property
    def shown(self) -> Mapping[str, Citable]:
        """Return everything that was shown, by name."""
        return self.by_ref
