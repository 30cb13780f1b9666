"""What an investigation by a model works with: models, instructions, knowledge, and who keeps what happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agents.evidence.outside import Outside
from agents.evidence.toolbox import Budget
from agents.grounding.calibration import Labels
from agents.investigate.journal import Journal
from agents.investigate.prompts import Prompt
from agents.llm.tiers import Tiers
from agents.privacy.policy import PrivacyPolicy
from agents.tools.library import Library
from models.reasoning import Versions


@dataclass(frozen=True, slots=True)
class Means:
    """What investigations by a model work with.

    Attributes:
        models: Returns, for one investigation, the model to ask first and the one to ask when that one is unsure or the
            risk is high, if there is one.
        charge: Charges one investigation for a call of a tool; raises BudgetExhausted when it has none left.
        prompt: The instructions.
        privacy: What models may be shown.
        library: Returns what is known before, as it is now.
        labels: Returns what analysts said of verdicts, as it is now.
        journal: Keeps every step.
        now: Returns the time, ms.
        marker: Returns a new marker, which nobody can guess.
        data_region: Where one's own records belong.
        policy: Name and version of the policy of actions.
        rules: Returns the hash of the rules, as they are now.
        budget: What one investigation may ask the store.
        outside: What services outside are asked through, None when they are not.
        max_tokens: Most tokens of one turn of a model; its endpoint may allow fewer.
    """

    models: Callable[[str], Tiers]
    charge: Callable[[str], None]
    prompt: Prompt
    privacy: PrivacyPolicy
    library: Callable[[], Library]
    labels: Callable[[], Labels]
    journal: Journal
    now: Callable[[], int]
    marker: Callable[[], str]
    data_region: str = ""
    policy: str = ""
    rules: Callable[[], str] = str
    budget: Budget = field(default_factory=lambda: Budget(calls=120))
    outside: Outside | None = None
    max_tokens: int = 65_536

    def versions(self, models: tuple[str, ...] = ()) -> Versions:
        """Return what verdicts are made with, and which models answered."""
        return Versions(",".join(models), self.prompt.label, self.policy, self.privacy.title, self.rules())
