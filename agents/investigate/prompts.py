"""Prompts: versioned files with an owner. What a verdict was made with is on the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import yaml

from models.errors import ConfigError, InvalidRecord
from models.fields import take
from models.uids import sha256_hex

FENCE: Final = "---\n"
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


def read_prompt(text: str) -> Prompt:
    """Read a prompt file; raise ConfigError saying what is wrong with it."""
    parts = text.split(FENCE, 2)
    if len(parts) != 3 or parts[0]:  # noqa: PLR2004  # nothing, the head, the text
        raise ConfigError("a prompt begins with its name, version and owner between two lines of ---")
    try:
        head = yaml.safe_load(parts[1])
        prompt = Prompt(take(head, "name", str), take(head, "version", int), take(head, "owner", str), parts[2].strip())
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"the head of a prompt is not YAML: {error}") from error
    except InvalidRecord as error:
        raise ConfigError(f"the head of a prompt: {error}") from error
    if MARKER not in prompt.text:
        raise ConfigError(f"a prompt has to tell where {MARKER} stands, or data cannot be told from instructions")
    return prompt


def bundled_prompt(name: str) -> Prompt:
    """Return a prompt that comes with Braid."""
    return read_prompt(files("agents.prompts").joinpath(f"{name}.md").read_text("utf-8"))
