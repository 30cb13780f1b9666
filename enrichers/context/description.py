"""Descriptions of tables: where one is, which of its columns are which fields, and how it is fetched. TOML.

```toml
file = "cmdb.csv"                    # beside the description; or url = "https://cmdb.example.com/api/assets"

[columns]
names = ["Hostname", "FQDN"]
owner = "Owner"

[words.criticality]
"Tier 1" = "critical"

[http]
key = "env:CMDB_KEY"                 # or "file:/run/secrets/cmdb"
records = "data.items"
next = "paging.next"
```
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import httpx

from enrichers.context.fields import AS_THEY_ARE, Columns
from models.errors import ConfigError

_KNOWN: Final = frozenset({"file", "url", "columns", "words", "http"})
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
MAX_SECONDS: Final = 600
MAX_PAGES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Http:
    """How an HTTP JSON API is asked, and how it goes on.

    Attributes:
        records: Dotted name of the list of records in an answer; empty when the answer is the list.
        next: Dotted name of the address of the next page; empty when there is none (a `Link` header is followed).
        next_token: Dotted name of the token of the next page, for `token_parameter`.
        token_parameter: Parameter of the address that takes the token.
        key: Where the key is: `env:NAME` or `file:PATH`.
        header: Header that takes the key.
        prefix: Put before the key in the header.
        seconds: How long one answer may take.
        pages: Most pages.
    """

    records: str = ""
    next: str = ""
    next_token: str = ""
    token_parameter: str = ""
    key: str = ""
    header: str = "Authorization"
    prefix: str = "Bearer "
    seconds: int = 30
    pages: int = 10_000

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if bool(self.next_token) != bool(self.token_parameter):
            raise ValueError("next_token and token_parameter belong together")
        if not 1 <= self.seconds <= MAX_SECONDS or not 1 <= self.pages <= MAX_PAGES:
            raise ValueError(f"seconds must be 1 to {MAX_SECONDS}, pages 1 to {MAX_PAGES}")


@dataclass(frozen=True, slots=True)
class Description:
    """One table.

    Attributes:
        path: The description's own path, or that of a file that needs none.
        file: The file with the table, None when it is fetched.
        url: Where it is fetched from, or empty.
        columns: Its columns.
        http: How it is fetched.
    """

    path: Path
    file: Path | None = None
    url: str = ""
    columns: Columns = AS_THEY_ARE
    http: Http = field(default_factory=Http)

    @property
    def place(self) -> str:
        """Name the table in messages: its file, or its address without parameters, since some APIs want keys there."""
        return str(self.file or httpx.URL(self.url).copy_with(query=None))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a description, or make one for a file without; raise ConfigError with all that is wrong with it."""
        if path.suffix.lower() != ".toml":
            return cls(path, path)
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror or error}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not TOML: {error}") from error
        problems = tuple(_problems(document))
        if problems:
            raise ConfigError("\n".join(f"{path}: {problem}" for problem in problems))
        return cls._of(path, document)

    @classmethod
    def _of(cls, path: Path, document: Mapping[str, Any]) -> Self:
        columns = {name: (of,) if isinstance(of, str) else tuple(of) for name, of in document["columns"].items()}
        try:
            http = Http(**document.get("http", {}))
        except ValueError as error:
            raise ConfigError(f"{path}: http: {error}") from error
        file = path.parent / document["file"] if "file" in document else None
        return cls(path, file, document.get("url", ""), Columns(columns, document.get("words", {})), http)


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(document.keys() - _KNOWN):
        yield f"{name}: unknown; known are {', '.join(sorted(_KNOWN))}"
    if ("file" in document) == ("url" in document):
        yield "give a file or a url, one of them"
    for name in ("file", "url"):
        if name in document and not isinstance(document[name], str):
            yield f"{name}: must be a text"
    if isinstance(document.get("url"), str) and not _is_safe(document["url"]):
        yield "url: must begin with https:// (http:// only on this machine) and hold no user and no password"
    columns = document.get("columns")
    if not isinstance(columns, dict) or not columns:
        yield "columns: must say which column is which field"
    else:
        yield from (
            f"columns.{name}: must be a text or a list of texts" for name in columns if not _texts(columns[name])
        )
    yield from _word_problems(document.get("words", {}))
    yield from _http_problems(document.get("http", {}))


def _is_safe(url: str) -> bool:
    """Tell whether a key may go there: in the open only to this very machine."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return (
        not parsed.userinfo
        and bool(parsed.host)
        and (parsed.scheme == "https" or (parsed.scheme == "http" and parsed.host in LOOPBACK))
    )


def _texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def _word_problems(words: Any) -> Iterator[str]:
    if not isinstance(words, dict):
        yield "words: must be a map of fields"
        return
    for name, meanings in words.items():
        if not isinstance(meanings, dict) or not all(isinstance(meaning, str) for meaning in meanings.values()):
            yield f"words.{name}: must say of each word, as a text, what it means"


def _http_problems(http: Any) -> Iterator[str]:
    if not isinstance(http, dict):
        yield "http: must be a map"
        return
    defaults = Http()
    for name, value in http.items():
        if name not in Http.__slots__:
            yield f"http.{name}: unknown; known are {', '.join(Http.__slots__)}"
        elif type(value) is not type(getattr(defaults, name)):
            yield f"http.{name}: must be a {'number' if name in {'seconds', 'pages'} else 'text'}"
