"""The rulebook that the settings name: its paths, its pipelines, its cache."""

from __future__ import annotations

from streams.config import Settings
from streams.detect.pipelines import load_pipelines
from streams.rulebook.book import Rulebook, load_rulebook
from streams.rulebook.cache import RuleCache
from streams.rulebook.files import Progress


def configured_rulebook(settings: Settings, progress: Progress | None = None) -> Rulebook:
    """Load the rules of the settings; raise RuleErrors when a pipeline is wrong, nothing for a rule that is.

    Args:
        settings: Name the paths.
        progress: Told how many files have been compiled, of how many, while there are any to compile.
    """
    folder = settings.cache_folder
    cache = RuleCache(folder / "rules") if folder else None
    return load_rulebook(settings.rule_paths, load_pipelines(settings.rule_pipelines), cache, progress)
