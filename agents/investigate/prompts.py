"""Prompts: versioned files with an owner. What a verdict was made with is on the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from enrichers.yaml_files import read_front_matter
from models.fields import LARGEST
from models.uids import sha256_hex

HEAD: Final = ("name", "version", "owner")
MARKER: Final = "{marker}"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt.

    Attributes:
        name: Its name.
        version: Grows with every change of the text.
        owner: Who answers for it.
        text: The instructions; `{marker}` stands for the marker of the run.
    """

    name: str
    version: int
    owner: str
    text: str

    @property
    def label(self) -> str:
        """Return name, version and the beginning of the text's hash, as verdicts carry them."""
        return f"{self.name}/{self.version} {sha256_hex(self.text.encode())[:12]}"

    def instructions(self, marker: str) -> str:
        """Return the instructions of one run."""
        return self.text.replace(MARKER, marker)


def read_prompt(text: str, path: str) -> Prompt:
    """Read a prompt file; raise ConfigError with all that is wrong with it."""
    head, body = read_front_matter(text.encode(), path)
    given = head.fields(HEAD, HEAD)
    if MARKER not in body:
        head.problems.add(1, "text", f"has to tell where {MARKER} stands, or data cannot be told from instructions")
    head.problems.raise_any()
    name, version, owner = (given[field] for field in HEAD)
    prompt = Prompt(name.text(), version.whole(1, LARGEST), owner.text(), body)
    head.problems.raise_any()
    return prompt


def bundled_prompt(name: str) -> Prompt:
    """Return a prompt that comes with Braid."""
    return read_prompt(files("agents.prompts").joinpath(f"{name}.md").read_text("utf-8"), f"{name}.md")
