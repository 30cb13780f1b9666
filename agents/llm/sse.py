"""Read a whole stream of server-sent events (WHATWG HTML, section 9.2.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from agents.llm.failures import malformed

_LINE_END: Final = re.compile(r"\r\n|\n|\r")


def data_of(body: bytes) -> Iterator[str]:
    """Yield the data of the events that are whole, whatever they are called; raise NoReply for bytes that are no UTF-8.

    Both protocols say in the data what an event is.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise malformed("a stream that is not UTF-8") from error
    data: list[str] = []
    for line in _LINE_END.split(text)[:-1]:  # what has no end of line is not whole
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []
