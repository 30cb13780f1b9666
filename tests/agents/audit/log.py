"""Chains of an audit log, written as workers write them."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.audit.chain import Head, Writer
from agents.audit.event import AuditEvent
from agents.audit.report import Report
from agents.audit.verify import verify
from agents.policy.signing import SigningKey

KEY = SigningKey(b"k" * 32)
STRANGER = SigningKey(b"s" * 32)
T0 = 1_750_000_000_000


@dataclass
class Log:
    """Lines of several chains in the order in which they were written, each with its chain."""

    lines: list[tuple[str, bytes]] = field(default_factory=list)
    heads: dict[str, Head] = field(default_factory=dict)

    def chain(self, name: str, events: int, *, every: int = 4, ended: bool = True, key: SigningKey = KEY) -> Log:
        """Write one more chain, which follows all that are there."""
        writer = Writer(name, every)
        lines, writer = writer.begin(T0, key, tuple(self.heads.values()))
        written = [*lines]
        for number in range(events):
            lines, writer = writer.append(AuditEvent("test.event", T0 + number, {"n": number, "of": name}), key)
            written += lines
        if ended:
            lines, writer = writer.end(T0 + events, key)
            written += lines
        self.lines += [(name, line) for line in written]
        self.heads[name] = writer.head
        return self

    def of(self, name: str) -> list[bytes]:
        return [line for chain, line in self.lines if chain == name]


def checked(lines: list[bytes], *, known: tuple[Head, ...] = (), part: bool = False, key: SigningKey = KEY) -> Report:
    """Verify one place whose lines are numbered from 1."""
    place = ((f"log:{number}", line) for number, line in enumerate(lines, 1))
    return verify([place], [key.public], known, part=part)
