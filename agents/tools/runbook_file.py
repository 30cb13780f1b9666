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
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from agents.tools.knowledge import Runbook
from models.errors import ConfigError

MAX_BYTES: Final = 65_536
MAX_FILES: Final = 500
FENCE: Final = "---\n"
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
            runbook, wrong = _read(path)
            problems += [f"{path}:{line}: {field}: {message}" for line, field, message in wrong]
            found |= {runbook.name: runbook} if runbook else {}
    if problems:
        raise ConfigError("\n".join(problems))
    return dict(sorted(found.items()))


_Wrong = list[tuple[int, str, str]]  # line, field, message


def _files(folder: Path, problems: list[str]) -> list[Path]:
    if not folder.is_dir():
        problems.append(f"{folder}:0: folder: there is no such folder")
        return []
    files = sorted(folder.glob("*.md"))
    if len(files) > MAX_FILES:
        problems.append(f"{folder}:0: folder: holds more than {MAX_FILES} runbooks")
    return files[:MAX_FILES]


def _read(path: Path) -> tuple[Runbook | None, _Wrong]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            return None, [(0, "file", f"has more than {MAX_BYTES} bytes")]
        matter, text = _parts(content.decode("utf-8").replace("\r\n", "\n"))
        return _runbook(path.stem, matter, text)
    except (OSError, UnicodeDecodeError) as error:
        return None, [(0, "file", f"cannot be read: {type(error).__name__}")]
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        return None, [(1, "front matter", str(error).replace("\n", " "))]


def _parts(content: str) -> tuple[str, str]:
    opening, _, rest = content.partition(FENCE)
    matter, fence, text = rest.partition(f"\n{FENCE}")
    if opening or not fence:
        raise ValueError("the file begins with a front matter between two lines of ---")
    return matter, text.strip()


def _runbook(name: str, matter: str, text: str) -> tuple[Runbook | None, _Wrong]:
    values, lines = _mapping(matter)
    wrong = [(lines[key], key, f"unknown; known are {', '.join(_READERS)}") for key in values if key not in _READERS]
    read: dict[str, Any] = {}
    for key, reader in _READERS.items():
        try:
            read[key] = reader(values.get(key))
        except ValueError as error:
            wrong.append((lines.get(key, 1), key, str(error)))
    if not _NAME.fullmatch(name):
        wrong.append((0, "file", "is named with small letters, digits, - and _ only"))
    if not text:
        wrong.append((0, "text", "must be given: the steps"))
    return (None, wrong) if wrong else (Runbook(name=name, text=text, **read), [])


def _mapping(matter: str) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the front matter's map, and the line in the file of each of its keys."""
    loader = yaml.CSafeLoader(matter)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise ValueError("must be a map")  # noqa: TRY004  # of the file, not of an argument
        document = loader.construct_document(node)
        keys = list(_keys(node))
        if len(keys) != len({key for key, _ in keys}):
            raise ValueError("names a field twice")
        return {str(key): value for key, value in document.items()}, dict(keys)
    finally:
        loader.dispose()


def _keys(node: yaml.MappingNode) -> Iterator[tuple[str, int]]:
    for key, _ in node.value:
        yield str(key.value), key.start_mark.line + 2  # the fence is line 1


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
