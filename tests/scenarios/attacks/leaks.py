"""What a request gives away: identifiers and secrets, as they are or encoded."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from functools import cache
from urllib.parse import quote

MIN_CHARS = 5


def given_away(raw: bytes, hidden: Iterable[str]) -> list[str]:
    """Return which of the hidden texts a request holds, in whatever form."""
    text = raw.decode("utf-8", "replace").lower()
    return [one for one in hidden if any(form in text for form in forms(one))]


@cache
def forms(text: str) -> tuple[str, ...]:
    """Return the forms in which a text may leave, in lower case."""
    return tuple({form.lower() for form in _forms(text) if len(form) >= MIN_CHARS})


def _forms(text: str) -> Iterator[str]:
    escaped = json.dumps(text)[1:-1]
    yield from (text, escaped, json.dumps(escaped)[1:-1], text[::-1])
    yield quote(text, safe="")
    yield "".join(f"%{byte:02x}" for byte in text.encode())
    yield "".join(f"\\u{ord(letter):04x}" for letter in text)
    for spelling in (text, text.lower(), text.upper()):
        yield spelling.encode().hex()
        yield spelling.encode("utf-16-le").hex()
        for shift in range(3):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                body = encode(b"\0" * shift + spelling.encode()).decode().rstrip("=")
                yield body[4 if shift else 0 : -1]  # what its neighbours do not change
