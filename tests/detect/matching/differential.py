"""Hold the plan against evaluating every rule in turn, on recorded events and on mutations of them.

A sample is part of the tests. All of a folder: `python -m tests.detect.matching.differential RULES PATH...`
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from rich.progress import track

from models.event import Event
from models.records import DeadLetter
from streams.detect.engine import Detector
from streams.detect.loader import compile_detections, load_documents
from streams.replay.inputs import find_inputs, read_all
from tests.detect.build import event

CHUNK = 5000


def corpus_of(folder: Path) -> Detector:
    documents, problems = load_documents([folder])
    rules, more = compile_detections(documents)
    assert not problems
    assert not more
    return Detector(rules)


def recorded(path: Path, every: int = 1) -> Iterator[Event]:
    """Yield the events of every so many records of a file or folder."""
    for item in islice(read_all(find_inputs([path]).files, None, lambda _: None), 0, None, every):
        if not isinstance(item, DeadLetter) and item[0] is not None:
            parsed = item[0].parse_all(item[1])
            yield from parsed if isinstance(parsed, tuple) else ()


def mutated(events: Sequence[Event], seed: int) -> Iterator[Event]:
    """Yield each event with some values changed: another event's value, another type, a letter, gone."""
    chance = random.Random(seed)  # noqa: S311  # not for secrets
    pool: dict[str, list[Any]] = {}
    for found in events:
        for name, value in found.native.items():
            pool.setdefault(name, []).append(value)
    for found in events:
        native = dict(found.native)
        for name in chance.sample(sorted(native), min(3, len(native))):
            native[name] = _changed(native[name], pool[name], chance)
        yield event({k: v for k, v in native.items() if v != "gone"}, found.logsource, found.class_uid)


def _changed(value: Any, others: list[Any], chance: random.Random) -> Any:
    other = chance.choice(others)
    suffix = chance.choice(["", " -enc ", ".exe", "\u212a", "\x02", " shutdown", "1e22"])
    forms = ("gone", other, str(value).swapcase(), [value, other], f"{value}{suffix}", {"nested": value}, 1e22, True, 1)
    return chance.choice(forms)


def difference(detector: Detector, found: Event) -> str:
    """Return how the two answers differ, empty when they do not."""
    quick, slow = detector.match_by_plan(found), detector.match_every(found)
    return "" if quick == slow else f"{found.logsource} {dict(found.native)}: {quick} is not {slow}"


def main(rules: str, *paths: str) -> int:
    detector, total, fired, wrong = corpus_of(Path(rules)), 0, 0, 0
    for path in paths:
        events = recorded(Path(path))
        while chunk := list(islice(events, CHUNK)):
            for found in track([*chunk, *mutated(chunk, total)], f"{path} after {total}", transient=True):
                fired += bool(detector.match(found).matches)
                told = difference(detector, found)
                total += 1
                wrong += bool(told)
                if told:
                    print(told)  # noqa: T201  # this is a command
    print(f"{total} events and mutations, {fired} of them with a match, {wrong} decided differently")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
