"""The audit log of one worker process: a chain of its own on the topic, and in a file where one is wanted."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self
from uuid import uuid4

from confluent_kafka import TopicPartition

from agents.audit.chain import Head, Writer, read_record
from agents.audit.event import AuditEvent
from agents.audit.files import ChainFile, heads_in
from agents.policy.signing import KEY_BYTES, SigningKey, read_signing_key
from models.errors import ConfigError, InvalidRecord
from streams import wire
from streams.config import Settings
from streams.workers import clients
from streams.workers.clients import LOG

TOPIC: Final = "audit"
LATEST: Final = 500  # records of the topic that are looked at for what a new chain follows
ASK_SECONDS: Final = 10.0
KEY_FILE: Final = "audit-key"
OWNER_ONLY: Final = 0o600


class AuditLog:
    """What happens in a worker, record by record. Messages are returned: whoever sends them waits for the answer."""

    def __init__(self, settings: Settings, worker: str, signer: SigningKey, file: ChainFile | None) -> None:
        self._settings = settings
        self._worker = worker
        self._signer = signer
        self._file = file
        self._writer = Writer(f"{worker}-{uuid4().hex}")

    @classmethod
    def open(cls, settings: Settings, worker: str) -> Self:
        """Prepare the log of a worker; raise ConfigError when there is no key, or no file can be made."""
        log = cls(settings, worker, signing_key(settings), None)
        if settings.audit_dir is not None:
            log._file = ChainFile(settings.audit_dir, log._writer.chain)
        return log

    def begin(self, now_ms: int) -> list[wire.Message]:
        """Return the first record: it names the last ones of other chains, so that one that is cut off is missed."""
        follows = latest_heads(self._settings)
        if self._settings.audit_dir is not None:
            follows = tuple(dict.fromkeys((*follows, *heads_in(self._settings.audit_dir))))
        lines, self._writer = self._writer.begin(now_ms, self._signer, follows)
        LOG.info("audit chain %s, signed with key %s", self._writer.chain, self._signer.public.text)
        return self._written(lines)

    def append(self, events: Iterable[AuditEvent]) -> list[wire.Message]:
        """Return the records of what happened."""
        messages: list[wire.Message] = []
        for event in events:
            lines, self._writer = self._writer.append(event, self._signer)
            messages += self._written(lines)
        return messages

    def end(self, now_ms: int) -> list[wire.Message]:
        """Return the last record."""
        lines, self._writer = self._writer.end(now_ms, self._signer)
        messages = self._written(lines)
        if self._file is not None:
            self._file.close()
        return messages

    def _written(self, lines: Iterable[bytes]) -> list[wire.Message]:
        made = list(lines)
        if self._file is not None:
            self._file.write(made)
        return [wire.audit_message(read_record(line), line, self._worker) for line in made]


def signing_key(settings: Settings) -> SigningKey:
    """Return the key that signs the audit log; where none is configured, the one in the data folder, made once."""
    if settings.audit_key:
        return read_signing_key(settings.audit_key, os.environ)
    path = settings.data_dir / KEY_FILE
    try:
        _make_key(path)
    except OSError as error:
        raise ConfigError(f"{path}: no key for the audit log can be made: {error.strerror or error}") from error
    return read_signing_key(f"file:{path}", os.environ)


def _make_key(path: Path) -> None:
    """Make the key whole or not at all: workers that start together have to end up with the same one."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{uuid4().hex}.tmp")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        with os.fdopen(descriptor, "w") as file:
            file.write(SigningKey(os.urandom(KEY_BYTES)).reveal() + "\n")
        try:
            os.link(beside, path)
        except FileExistsError:
            return
    finally:
        beside.unlink(missing_ok=True)


def latest_heads(settings: Settings) -> tuple[Head, ...]:
    """Return the last record of each chain among the latest records of the topic, the latest first."""
    name = settings.topic_prefix + TOPIC
    heads: dict[str, Head] = {}
    with clients.following(settings, "audit-heads", name) as reader:
        _, end = reader.get_watermark_offsets(TopicPartition(name, 0), timeout=ASK_SECONDS)
        for message in clients.to_end(reader, [TopicPartition(name, 0, max(0, end - LATEST))]):
            if message.error() is None:
                _note(heads, message.value() or b"")
    return tuple(reversed(heads.values()))


def _note(heads: dict[str, Head], line: bytes) -> None:
    try:
        record = read_record(line)
    except InvalidRecord:
        return  # finding that is the business of `braid audit verify`
    heads.pop(record.chain, None)
    heads[record.chain] = record.head
