"""What stands on the topics of actions, for the commands that show it and that people decide with."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import click

from agents.policy.signing import SigningKey, read_signing_key
from agents.text import plain
from models.action import Action
from models.errors import ConfigError, InvalidRecord
from models.verdict import Evidence, Verdict, VerdictClosed
from streams.board import Known
from streams.config import Settings, load_settings
from streams.topics import rfc3339
from streams.wire import Message
from streams.workers import clients
from streams.workers.board import KeptBoard
from streams.workers.reaching import reach

ANSWER_SECONDS: Final = 10.0
KEY: Final = click.option("--key", "key", required=True, help="Your private key: file:PATH or env:NAME.")
BY: Final = click.option("--by", required=True, help="Your name, as the policy has it.")
REASON: Final = click.option("--reason", required=True, help="Why, for the log and for who comes after you.")
JSON: Final = click.option("--json", "as_json", is_flag=True, help="Machine output.")
MAX_DIGITS: Final = 15
UNKNOWN: Final = "unknown"
T = TypeVar("T")


@contextmanager
def standing() -> Iterator[tuple[Settings, KeptBoard]]:
    """Give the settings and a board with all that is on the topics by now."""
    settings = load_settings()
    reach(settings, clients.Stop(), ANSWER_SECONDS)
    with KeptBoard(settings, clients.Stop()) as kept:
        kept.catch_up()
        yield settings, kept


def known_action(kept: KeptBoard, uid: str) -> Known:
    """Return an action; raise ConfigError when there is none."""
    known = kept.board.actions.get(uid)
    if known is None:
        raise ConfigError(f"ACTION: there is no action {plain(uid)}; see: braid actions list")
    return known


def known_verdict(kept: KeptBoard, uid: str) -> Verdict:
    """Return a verdict that stands; raise ConfigError when there is none, or it was withdrawn."""
    verdict = kept.verdict(uid)
    if verdict is None:
        raise ConfigError(f"VERDICT: there is no verdict {plain(uid)}; see: braid verdicts tail --from-beginning")
    if isinstance(verdict, VerdictClosed):
        raise ConfigError(f"VERDICT: {plain(uid)} was withdrawn with its sequence")
    return verdict


def now_ms() -> int:
    """Return the time at which a person decides."""
    return time.time_ns() // 1_000_000


def signing_key(place: str) -> SigningKey:
    """Read a person's private key; raise ConfigError that names the option."""
    try:
        return read_signing_key(place, os.environ)
    except ConfigError as error:
        raise ConfigError(f"--key: {error}") from error


def made(make: Callable[[], T]) -> T:
    """Make a record of what a person typed; raise ConfigError naming the field that cannot be."""
    try:
        return make()
    except InvalidRecord as error:
        raise ConfigError(str(error)) from error


def send(settings: Settings, message: Message) -> None:
    """Send one record and wait until it is there for good."""
    producer = clients.producer(settings, "cli")
    clients.produce(producer, settings.topic_prefix, message)
    clients.flush(producer)


def action_line(action: Action) -> str:
    """Return one line on an action."""
    target = plain(str(action.target))
    by = f" by {plain(action.by)}" if action.by else ""
    return f"{action.uid}  {action.status}{by}  {action.kind}  {target}  confidence {action.confidence}"


def action_json(known: Known) -> dict[str, Any]:
    """Return an action for machines."""
    action = known.action
    return {
        "uid": action.uid,
        "verdict_uid": action.verdict_uid,
        "kind": action.kind,
        "target": str(action.target),
        "confidence": action.confidence,
        "status": action.status,
        "revision": action.revision,
        "by": action.by,
        "why": action.why,
        "at": action.at,
        "detail": action.detail,
        "executor": action.executor,
        "reason": action.reason,
        "evidence": list(action.evidence),
        "terms": dict(action.terms),
    }


def evidence_json(evidence: Evidence) -> dict[str, Any]:
    """Return where a piece of evidence is to be fetched, for machines."""
    return {
        "kind": evidence.kind,
        "uid": evidence.uid,
        "time": evidence.time,
        "topic": evidence.at.topic,
        "partition": evidence.at.partition,
        "offset": evidence.at.offset,
        "sha256": evidence.sha256,
    }


def moment_of(text: str) -> str:
    """Return a time of an action's terms, in ms there, for a person."""
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
        return UNKNOWN
    try:
        return rfc3339(int(text))
    except InvalidRecord:
        return UNKNOWN
