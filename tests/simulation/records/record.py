"""One raw record, as its source writes it."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Final, NamedTuple, Self

import orjson

OKTA: Final = "okta"
CLOUDTRAIL: Final = "aws_cloudtrail"
ZEEK: Final = "zeek"
WINDOWS: Final = "windows"
KUBERNETES: Final = "kubernetes_audit"
SOURCES: Final = (OKTA, CLOUDTRAIL, ZEEK, WINDOWS, KUBERNETES)


class Record(NamedTuple):
    """A record; they sort by time, then by source and bytes, so that their order rests on nothing else.

    Attributes:
        time: Event time, ms.
        source: Name of the source.
        data: One JSON object, with the end of its line.
    """

    time: int
    source: str
    data: bytes

    @classmethod
    def of(cls, time: int, source: str, fields: Mapping[str, Any]) -> Self:
        """Write a record; the line's end makes a copy without the room that the encoder leaves behind it."""
        return cls(time, source, orjson.dumps(fields) + b"\n")


def uuid(rng: Random) -> str:
    """Draw a UUID."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
