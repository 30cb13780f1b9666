"""The parts of the documents that are made from the code: tables, what the demo prints, one of its verdicts.

A part stands between `<!-- made: NAME -->` and `<!-- /made -->`. `python -m tests.docs.renew` writes all of them anew.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

from agents.deterministic.weigh import RULES, TRUE_POSITIVE_FROM
from models import ocsf
from streams.cli import cli
from streams.config import CONFIG_VARIABLE, PREFIX, Settings
from streams.correlate import bounds, engine, routing, watermark
from streams.detect import metadata
from streams.detect.pipeline_items import REFUSED, TRANSFORMATIONS
from streams.features.catalog import CATALOG
from streams.flood import FLOOD_LIMIT
from streams.profile.detectors import DETECTORS
from streams.sources.base import MAX_RECORD_BYTES
from streams.sources.inventory import inventory
from streams.sources.registry import SOURCES
from streams.sources.windows import logsource as windows
from streams.topics import Topic, raw_topic, table
from tests.command import COLUMNS, output_of
from tests.conftest import REPO
from tests.docs import investigation, response, rules

README: Final = REPO / "README.md"
DOCS: Final = REPO / "deploy" / "docs"
DOCUMENTS: Final = (README, *sorted(DOCS.glob("*.md")))
PART: Final = re.compile(r"(<!-- made: (?P<name>[a-z-]+) -->\n).*?(<!-- /made -->)", re.DOTALL)
SHOWN_VERDICT: Final = "Several stages of an intrusion on one host"
_DAY_MS: Final = 86_400_000


def renewed(text: str) -> str:
    """Return a document with every part of it as the code has it now."""
    return PART.sub(lambda part: f"{part[1]}{PARTS[part['name']]()}\n{part[3]}", text)


def commands(group: click.Group | None = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that runs something, with its full name behind `braid`."""
    group = group or cli
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from commands(found, (*path, name))
        else:
            yield " ".join((*path, name)), found


def options(command: click.Command) -> tuple[str, ...]:
    """Return the long names of a command's options."""
    return tuple(param.opts[0] for param in command.params if isinstance(param, click.Option))


def rows(header: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """Render a Markdown table."""
    titles = tuple(header)
    every = (titles, tuple("---" for _ in titles), *map(tuple, lines))
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in every)


def _code(text: str) -> str:
    return f"`{text}`"


def _sources() -> str:
    return rows(
        ("Source", "Topic", "Shippers", "OCSF classes", "Entities", "Usual delay"),
        (
            (
                source.title,
                _code(source.topic),
                ", ".join(source.shippers),
                "any" if set(source.classes) == ocsf.CLASSES.keys() else ", ".join(map(str, source.classes)),
                ", ".join(source.entities),
                f"{source.delay_ms // 60_000} min",
            )
            for source in SOURCES.values()
        ),
    )


def _settings() -> str:
    own = ((_code(CONFIG_VARIABLE), "", "none", "The TOML file to read; the environment wins over it"),)
    fields = (
        (_code(PREFIX + name.upper()), _code(name), _default(field.get_default()), str(field.description))
        for name, field in Settings.model_fields.items()
    )
    return rows(("Environment", "TOML key", "Default", "Meaning"), (*own, *fields))


def _default(value: object) -> str:
    text = ":".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return _code(text.lower() if isinstance(value, bool) else text) if text else "empty"


def _topics() -> str:
    return rows(
        ("Topic", "Kafka key", "Partitions", "Kept", "Holds"),
        (
            (_code(t.name), t.key, str(t.partitions), _kept(t), t.description)
            for t in (raw_topic("SOURCE"), *table(()))  # the topics of the sources stand with them
        ),
    )


def _kept(topic: Topic) -> str:
    if topic.cleanup == "compact":
        return "compacted"
    return f"{topic.retention_ms // _DAY_MS} days" if topic.retention_ms > 0 else "forever"


def _commands() -> str:
    return rows(
        ("Command", "Does", "Options"),
        (
            (
                _code(" ".join(("braid", name, *_arguments(command)))),
                (command.help or "").split("\n")[0],
                ", ".join(map(_code, options(command))),
            )
            for name, command in commands()
        ),
    )


def _arguments(command: click.Command) -> Iterator[str]:
    for param in command.params:
        if isinstance(param, click.Argument):
            name = param.make_metavar(click.Context(command))
            yield name


def _demo() -> str:
    printed = [line.rstrip() for line in output_of("demo").splitlines()]
    return "\n".join(("```text", *printed[:-1], "```"))  # the last line has the time it took


def _verdict() -> str:
    with tempfile.TemporaryDirectory() as out:
        output_of("demo", "--out", out)
        lines = (Path(out) / "verdicts.ndjson").read_bytes().splitlines()
    verdict = next(value for line in lines if SHOWN_VERDICT in (value := json.loads(line))["message"])
    return f"```json\n{_as_lines(_shortened(verdict))}\n```"


def _shortened(verdict: Mapping[str, Any]) -> dict[str, Any]:
    braid = {name: member for name, member in verdict["unmapped"]["braid"].items() if name != "reasoning"}
    claim = braid["claims"][0]
    evidence = [item for item in braid["evidence"] if item["uid"] in claim["evidence"]]
    kept = (
        *("class_uid", "activity_id", "time", "verdict_id", "verdict", "confidence_score", "priority_id"),
        *("is_suspected_breach", "message", "desc"),
    )
    return {
        "metadata": {"uid": verdict["metadata"]["uid"]},
        "finding_info_list": [{"uid": finding["uid"]} for finding in verdict["finding_info_list"]],
        **{name: verdict[name] for name in kept},
        "attacks": verdict["attacks"][:1],
        "unmapped": {"braid": {**braid, "claims": [claim], "evidence": evidence, "rejected": braid["rejected"][:1]}},
    }


def _as_lines(value: Mapping[str, Any]) -> str:
    """Render JSON on few lines: short members side by side, those of `unmapped.braid` below."""
    outer = {name: member for name, member in value.items() if name != "unmapped"}
    inner = ",\n".join(_side_by_side(value["unmapped"]["braid"], "    "))
    return "{\n" + ",\n".join((*_side_by_side(outer, "  "), f'  "unmapped": {{"braid": {{\n{inner}\n  }}}}')) + "\n}"


def _side_by_side(members: Mapping[str, Any], indent: str) -> Iterator[str]:
    line = ""
    for name, member in members.items():
        text = f"{json.dumps(name)}: {_list(member)}"
        if line and len(line) + len(text) > COLUMNS:
            yield indent + line
            line = ""
        line = f"{line}, {text}" if line else text
    yield indent + line


def _list(value: object) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict) and len(json.dumps(value)) > COLUMNS:
        return "[\n" + ",\n".join(f"      {json.dumps(item, ensure_ascii=False)}" for item in value) + "\n    ]"
    return json.dumps(value, ensure_ascii=False)


def _bounds() -> str:
    minutes = 60_000
    return rows(
        ("Bound", "Value", "Beyond it"),
        (
            ("One raw record", f"{MAX_RECORD_BYTES:,} bytes", "dead letter"),
            ("State of one key", f"{bounds.MAX_STATE_BYTES:,} bytes", "folded, counted"),
            ("Signals of one rule, group and second", str(FLOOD_LIMIT), "folded, all of it kept"),
            ("Signals held for one key", str(bounds.MAX_SIGNALS), "folded, counted"),
            ("Links held for one entity", str(bounds.MAX_LINKS), "those that end first go"),
            ("Signals shown in one sequence", str(bounds.MAX_MEMBERS), "the rest only counted"),
            ("Copies of one signal", str(routing.MAX_COPIES), "left out, counted"),
            ("How much later a link may come than its signals", f"{engine.LINK_HORIZON_MS // minutes} min", "late"),
            (
                "Event time ahead of broker time",
                f"{watermark.MAX_AHEAD_MS // minutes} min",
                "moves no watermark",
            ),
            ("Silence of a source", f"{watermark.SILENCE_MS // minutes} min", "holds nobody back, is named"),
        ),
    )


def _levels() -> str:
    names = metadata.RISK_OF_LEVEL
    return rows(
        ("`level`", "Risk", "OCSF severity"),
        ((name, str(risk), str(metadata.SEVERITY_OF_LEVEL[name])) for name, risk in names.items()),
    )


def _log_sources() -> str:
    found: dict[tuple[str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for one in inventory():
        services, categories = found.setdefault((one.source, one.logsource.product), ({}, {}))
        services.update({one.logsource.service: None} if one.logsource.service else {})
        categories.update(dict.fromkeys(one.logsource.categories))
    told = {"windows": "see [channels](#windows-channels)"}  # too many for a cell
    alike: dict[tuple[str, str, str], list[str]] = {}
    for (source, product), (services, categories) in sorted(found.items()):
        cells = product and _code(product), told.get(source) or _codes(sorted(services)), _codes(sorted(categories))
        alike.setdefault(cells, []).append(source)
    return rows(
        ("Sources", "`product`", "`service`", "`category`"),
        ((", ".join(sources), *cells) for cells, sources in alike.items()),
    )


def _windows_channels() -> str:
    services: dict[str, list[str]] = {}
    for channel, service in sorted(windows.CHANNELS.items()):
        services.setdefault(service, []).append(channel)
    return rows(
        ("`service`", "Channels, whatever their case"),
        ((_code(service), ", ".join(map(_code, channels))) for service, channels in sorted(services.items())),
    )


def _windows_events() -> str:
    events: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (service, event_id), categories in windows.CATEGORIES.items():
        events.setdefault((service, categories), []).append(str(event_id))
    changes: dict[str, list[str]] = {}
    for word, category in windows.REGISTRY_CHANGE.items():
        changes.setdefault(category, []).append(word)
    lines = [(_code(service), ", ".join(ids), _codes(names)) for (service, names), ids in events.items()]
    lines += [("", f"`registry_event` with {_codes(words)}", _code(category)) for category, words in changes.items()]
    return rows(("`service`", "EventID", "`category`"), lines)


def _transformations() -> str:
    return rows(
        ("Transformation", ""),
        (
            (_codes(sorted(TRANSFORMATIONS)), "taken"),
            *((_code(name), f"refused: {reason}") for name, reason in REFUSED.items()),
        ),
    )


def _codes(names: Iterable[str]) -> str:
    return ", ".join(map(_code, names))


def _weights() -> str:
    lines = [f"- {rule.name}: {rule.says}" for rule in RULES]
    return "\n".join((*lines, f"- True Positive from {TRUE_POSITIVE_FROM} points on"))


def _features() -> str:
    return rows(
        ("Feature", "Kind", "Domain", "Counts", "Unit"),
        (
            (_code(one.name), "place" if one.kind == "point" else one.kind, one.domain, one.words, one.unit)
            for one in CATALOG.values()
        ),
    )


def _detectors() -> str:
    return rows(
        ("Detector", "Finds", "Domain", "Features", "ATT&CK", "Least risk"),
        (
            (
                _code(one.name),
                one.title,
                ", ".join(sorted({CATALOG[name].domain for name in one.features})) or "all",
                ", ".join(map(_code, one.features)) or "all amounts",
                ", ".join(attack.technique for attack in one.attacks),
                str(one.risk),
            )
            for one in DETECTORS.values()
        ),
    )


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "demo": _demo,
    "sources": _sources,
    "settings": _settings,
    "topics": _topics,
    "commands": _commands,
    "verdict": _verdict,
    "bounds": _bounds,
    "levels": _levels,
    "log-sources": _log_sources,
    "transformations": _transformations,
    "windows-channels": _windows_channels,
    "windows-events": _windows_events,
    "weights": _weights,
    "features": _features,
    "detectors": _detectors,
    "thresholds": lambda: rows(*investigation.thresholds()),
    "case-shown": investigation.case_shown,
    "tools": lambda: rows(*investigation.tools()),
    "investigation-bounds": lambda: rows(*investigation.bounds()),
    "decisions": lambda: rows(*investigation.decisions()),
    "demotions": investigation.demotions,
    "verdict-report": investigation.report_of_run,
    "masking": lambda: rows(*investigation.masking()),
    "transitions": lambda: rows(*response.transitions()),
    "executors": lambda: rows(*response.executors()),
    "rules-check": rules.check,
    "rules-explain": rules.explain,
    "rules-backtest": rules.backtest,
    "rules-coverage": rules.coverage,
}
