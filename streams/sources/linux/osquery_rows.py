"""What the rows of osquery's tables have in common: users, processes and hashes by the names of their columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from streams.sources.base import integer, text
from streams.sources.fields import timestamp
from streams.sources.linux.machine import number, user
from streams.sources.linux.told import Told
from streams.sources.objects import fingerprint, process

Row = Mapping[str, Any]
Build = Callable[[Row, str], Told | None]  # of the columns, and of `added`, `removed` or `snapshot`
_HASHES: Final = (("md5", "MD5"), ("sha1", "SHA-1"), ("sha256", "SHA-256"))


def word(row: Row, *names: str) -> str | None:
    """Return the first of these columns that has a value."""
    return next((found for name in names if (found := text(row.get(name))) is not None), None)


def row_user(row: Row, name: str = "username", uid: str = "uid") -> dict[str, Any] | None:
    """Return the user in these columns."""
    return user(word(row, name), word(row, uid))


def row_process(row: Row, **more: Any) -> dict[str, Any] | None:
    """Return the process of a row, None when it has no number."""
    parent = process(number(row.get("parent")), path=word(row, "parent_path"))
    return process(
        number(row.get("pid")),
        path=word(row, "path"),
        name=word(row, "process_name", "name"),
        cmd_line=word(row, "cmdline", "command_line"),
        working_directory=word(row, "cwd"),
        user=row_user(row),
        parent_process=parent,
        created_time=timestamp(integer(row.get("start_time"))),
        **more,
    )


def row_hashes(row: Row) -> list[dict[str, Any] | None]:
    """Return the hashes of a row's file."""
    return [fingerprint(word(row, name), algorithm) for name, algorithm in _HASHES]
