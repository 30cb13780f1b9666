"""The rulebook: every detection and correlation of some folders, compiled and kept, and what is wrong with them."""

from streams.rulebook.book import Rulebook, load_rulebook

__all__ = ["Rulebook", "load_rulebook"]
