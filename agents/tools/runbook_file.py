"""Read runbooks: Markdown behind a front matter in YAML; everything wrong with all files is told at once.

```
---
title: Account taken over
owner: security-operations
techniques: [T1078.004]
rules: [okta_unusual_sign_in]
---
1. ...
```
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from agents.tools.knowledge import Runbook
from enrichers.yaml_files import file_bytes, read_front_matter
from models.errors import FileErrors

MAX_BYTES: Final = 65_536
MAX_FILES: Final = 500
OWN: Final = Path(__file__).parent.parent / "runbooks"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_TECHNIQUE: Final = re.compile(r"T[0-9]{4}(\.[0-9]{3})?")


def load_runbooks(folders: Iterable[Path] = ()) -> Mapping[str, Runbook]:
    """Return the runbooks that come with Braid and those of one's own folders, by name; of one name the last stands.

    Raises:
        ConfigError: With all that is wrong, a line each: file, line, field, message.
    """
    found: dict[str, Runbook] = {}
    problems: list[str] = []
    for folder in (OWN, *folders):
        for path in _files(folder, problems):
            try:
                found[path.stem] = _read(path)
            except FileErrors as error:
                problems += error.problems
    if problems:
        raise FileErrors(problems)
    return dict(sorted(found.items()))


def _files(folder: Path, problems: list[str]) -> list[Path]:
    if not folder.is_dir():
        problems.append(f"{folder}:0: folder: there is no such folder")
        return []
    files = sorted(folder.glob("*.md"))
    if len(files) > MAX_FILES:
        problems.append(f"{folder}:0: folder: holds more than {MAX_FILES} runbooks")
    return files[:MAX_FILES]


def _read(path: Path) -> Runbook:
    matter, text = read_front_matter(file_bytes(path, MAX_BYTES), str(path))
    read = matter.values(_READERS, ("title", "owner"))
    if not _NAME.fullmatch(path.stem):
        matter.problems.add(0, "file", "is named with small letters, digits, - and _ only")
    if not text:
        matter.problems.add(0, "text", "must be given: the steps")
    matter.problems.raise_any()
    return Runbook(name=path.stem, text=text, **read)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be given: a text")
    return value.strip()


def _texts(value: Any) -> tuple[str, ...]:
    items = [] if value is None else value
    if not isinstance(items, list) or not all(isinstance(item, str) and item for item in items):
        raise ValueError("must be a list of texts")
    return tuple(items)


def _techniques(value: Any) -> tuple[str, ...]:
    found = _texts(value)
    wrong = [uid for uid in found if not _TECHNIQUE.fullmatch(uid)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: no ATT&CK technique is written so")
    return found


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "title": _text,
    "owner": _text,
    "techniques": _techniques,
    "rules": _texts,
}
