"""`braid audit`: check the audit log, and make the keys that sign it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click
import orjson

from agents.audit.chain import Head
from agents.audit.files import files_in, lines_of
from agents.audit.report import Report, Unknown
from agents.audit.verify import Lines, verify
from agents.policy.signing import PublicKey
from models.errors import ConfigError, InvalidRecord
from models.fields import take_objects
from streams.cli.keys import make_keys, read_public_key
from streams.cli.output import print_json
from streams.cli.progress import reading
from streams.config import load_settings

TOPIC: Final = "audit"
EVERY: Final = 1000
MAX_SHOWN: Final = 100


@click.group()
def audit() -> None:
    """The audit log: what was decided and done, and that nobody changed it."""


@audit.command("keygen")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def audit_keygen(*, file: Path, as_json: bool) -> None:
    """Make the keys that the audit log is signed with: the private one in FILE, the public one in FILE.pub.

    The private key belongs to the workers. The public one belongs to who checks the log, on another machine.
    """
    public = make_keys(file)
    if as_json:
        print_json({"public_key": public.text, "fingerprint": public.fingerprint, "private_key": str(file)})
        return
    click.echo(f"public key: {public.text}")
    click.echo(f"private key: {file}", err=True)


@audit.command("verify")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--key", "keys", multiple=True, help="Public key that signs the log, or file:PATH of it; several may.")
@click.option(
    "--heads",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that remembers the last records: what was there at the last check has to be there now.",
)
@click.option("--topic", is_flag=True, help="Read the topic too, and compare. Without FILE it is read anyway.")
@click.option("--part", is_flag=True, help="This is a part of the log: chains that others name may lie elsewhere.")
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def audit_verify(
    *, files: tuple[Path, ...], keys: tuple[str, ...], heads: Path | None, topic: bool, part: bool, as_json: bool
) -> int:
    """Check the audit log in FILEs and folders, or on its topic: nothing altered, dropped, put elsewhere or put in.

    Exits with 1 when anything is wrong, and says where.
    """
    if not keys:
        raise ConfigError("--key: without the public key anybody could have written the log")
    trusted = tuple(map(read_public_key, keys))
    known = _known(heads)
    report = check(files, trusted, known, _on_topic if topic or not files else None, part=part)
    if heads and report.is_good:
        _remember(heads, (*known, *report.heads))
    if as_json:
        print_json(_json(report))
    else:
        click.echo("\n".join(_told(report)))
    return 0 if report.is_good else 1


def check(
    files: Iterable[Path],
    keys: Iterable[PublicKey],
    known: Iterable[Head],
    topic: Callable[[], Lines] | None,
    *,
    part: bool,
) -> Report:
    """Check files, which are one place, and the topic, which is another; show on a terminal how far it has come."""
    torn: list[Unknown] = []
    found = files_in(files)

    def cut_off(where: str) -> None:
        torn.append(Unknown("", f"{where} ends in the middle of a record, as after a crash; it is left out"))

    with reading() as tell:

        def told(records: int) -> None:
            if records % EVERY == 0:
                tell("the audit log", records)

        places = [lines_of(found, cut_off)] if found else []
        places += [topic()] if topic else []
        report = verify(places, keys, known, part=part, tell=told)
    return Report(report.records, report.heads, report.problems, (*torn, *report.unknown))


def _on_topic() -> Iterator[tuple[str, bytes]]:
    from streams.cli.kafka import standing_values

    settings = load_settings()
    for number, value in enumerate(standing_values(settings, TOPIC)):
        yield f"topic {settings.topic_prefix}{TOPIC}, record {number}", value


def _known(path: Path | None) -> tuple[Head, ...]:
    if path is None or not path.exists():
        return ()
    try:
        return tuple(map(Head.from_json, take_objects(orjson.loads(path.read_bytes()), "heads")))
    except (OSError, orjson.JSONDecodeError, InvalidRecord) as error:
        raise ConfigError(f"{path}: not what an earlier check has written: {error}") from error


def _remember(path: Path, heads: Iterable[Head]) -> None:
    """Write what the next check has to find, of each chain the last; a crash leaves the old file or the new one."""
    latest = {head.chain: head.to_json() for head in heads}
    beside = path.with_name(path.name + ".new")
    try:
        beside.write_bytes(orjson.dumps({"heads": list(latest.values())}))
        beside.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


def _json(report: Report) -> dict[str, Any]:
    return {
        "good": report.is_good,
        "records": report.records,
        "heads": [head.to_json() for head in report.heads],
        "problems": [asdict(problem) for problem in report.problems],
        "unknown": [asdict(one) for one in report.unknown],
    }


def _told(report: Report) -> Iterator[str]:
    for problem in report.problems[:MAX_SHOWN]:
        record = f" {problem.chain} record {problem.seq}:" if problem.chain else ""
        yield f"{problem.where}: {problem.kind}:{record} {problem.message}"
    if len(report.problems) > MAX_SHOWN:
        yield f"and {len(report.problems) - MAX_SHOWN} more; --json tells all"
    for one in report.unknown:
        yield f"cannot be known: {one.chain} {one.message}".replace(":  ", ": ")
    wrong = f"{len(report.problems)} problems" if report.problems else "nothing wrong"
    yield f"{report.records} records in {len(report.heads)} chains: {wrong}"
