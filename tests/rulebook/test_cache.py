from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import cycle, pairwise
from pathlib import Path

import pytest

from models.errors import RuleProblem
from streams.detect.exceptions import Terms
from streams.detect.pipelines import Pipelines, load_pipelines
from streams.rulebook import Rulebook, load_rulebook
from streams.rulebook import cache as rulecache
from streams.rulebook.cache import RuleCache
from tests.conftest import REPO

RULE = """\
title: Rule {number}
id: 00000000-0000-4000-8000-{number:012d}
name: rule{number}
logsource: {{product: windows}}
detection:
  selection: {{a: {number}, b|re: 'x+', c|contains: ['p*q', y]}}
  condition: selection
"""
CORRELATION = """\
title: Many
id: 00000000-0000-4000-8000-0000000000cc
date: 2026-05-01
correlation: {type: event_count, rules: [rule1, rule3], group-by: [a], timespan: 5m, condition: {gte: 5}}
"""
FILTER = """\
title: Not the lab
logsource: {product: windows}
filter: {rules: [rule1], lab: {Host: lab}, condition: not lab}
"""
IDLE = FILTER.replace("[rule1]", "[nobody]").replace("Not the lab", "Idle")
MISTAKES = {
    "no_condition.yml": "title: A\nlogsource: {product: windows}\ndetection: {selection: {a: 1}}\n",
    "bad_regex.yml": RULE.format(number=20).replace("x+", "("),
    "not_yaml.yml": "title: [\n",
    "no_rule.yml": "title: X\n---\n- 1\n---\n" + RULE.format(number=21),
    "refers_to_nobody.yml": CORRELATION.replace("rule3", "nobody").replace("00cc", "00cd"),
    "unused.yml": RULE.format(number=22).replace("  condition", "  other: {a: 1}\n  condition"),
    "same_id.yml": RULE.format(number=1).replace("rule1", "another"),
    "same_name.yml": RULE.format(number=23).replace("rule23", "rule1"),
    "zz_same_content.yml": RULE.format(number=2),
    "bytes.yml": CORRELATION.replace("group-by: [a]", "group-by: [!!binary YQ==]").replace("00cc", "00ce"),
    "idle.yml": IDLE,
}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Return a folder of three rules, a correlation and a filter."""
    folder = tmp_path / "rules"
    (folder / "deeper").mkdir(parents=True)
    for number in (1, 2, 3):
        (folder / "deeper" / f"{number}.yml").write_text(RULE.format(number=number))
    (folder / "many.yml").write_text(CORRELATION + "---\n" + FILTER)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> RuleCache:
    return RuleCache(tmp_path / "cache" / "rules")


def kept(cache: RuleCache) -> Path:
    (file,) = cache.folder.iterdir()
    return file


def load(folder: Path, cache: RuleCache | None = None) -> tuple[Rulebook, int]:
    """Return the rulebook, and how many files were compiled for it."""
    totals: list[int] = []
    book = load_rulebook([folder], cache=cache, progress=lambda _, total: totals.append(total))
    assert len(totals) == max(totals, default=0)
    return book, len(totals)


def everything(book: Rulebook) -> tuple[object, ...]:
    """Return a rulebook with what its comparison leaves out."""
    return book, book.digests, [rule.warnings for rule in book.detections]


def same_with_and_without(folder: Path, cache: RuleCache) -> Rulebook:
    """Check that a first and a second load with the cache give what a load without gives; return it."""
    without, compiled = load(folder)
    for expected in (compiled, None):
        book, anew = load(folder, cache)
        assert everything(book) == everything(without)
        assert book.remarks == ()
        assert expected is None or anew == expected
    return without


def test_a_second_load_compiles_nothing(rules: Path, cache: RuleCache) -> None:
    book = same_with_and_without(rules, cache)
    assert len(book.detections) == 3
    assert len(book.correlations) == 1
    assert load(rules, cache)[1] == 0


def test_mistakes_filters_and_duplicates_come_out_alike(rules: Path, cache: RuleCache) -> None:
    for name, text in MISTAKES.items():
        (rules / name).write_text(text)
    book = same_with_and_without(rules, cache)
    assert {Path(problem.path).name for problem in book.problems} == MISTAKES.keys() - {"unused.yml"}
    assert any(rule.warnings for rule in book.detections)
    before = kept(cache).stat().st_ino
    assert load(rules, cache)[1] == 1  # that of the bytes, which JSON does not have
    assert kept(cache).stat().st_ino == before  # and is no reason to write the rest again


def test_filters_with_terms_and_mistakes_in_them_come_out_alike(rules: Path, cache: RuleCache) -> None:
    terms = "id: 00000000-0000-4000-8000-0000000000ff\nbraid: {owner: platform, reason: new, expires: 2026-12-31}\n"
    (rules / "until.yml").write_text(FILTER + terms)
    (rules / "wrong.yml").write_text(FILTER + "braid:\n  expires: soon\n")
    book = same_with_and_without(rules, cache)
    assert [(problem.line, problem.rule) for problem in book.problems] == [(5, "Not the lab")]
    (until,) = (known for known in book.filters if known.terms)
    assert (until.uid, until.lines, until.place.path) == (terms[4:40], (5, 5), str(rules / "until.yml"))
    (held,) = load(rules, cache)[0].detections[0].exceptions
    assert (held.title, held.terms) == ("Not the lab", Terms("platform", "new", None, 1_798_675_200_000))
    assert [len(rule.exceptions) for rule in book.detections] == [1, 0, 0]
    assert load(rules, cache)[1] == 0


def test_the_pack_comes_out_alike(cache: RuleCache) -> None:
    same_with_and_without(REPO / "streams" / "rules", cache).sound()


def test_the_corpus_comes_out_alike(shared: Path, cache: RuleCache) -> None:
    same_with_and_without(shared / "data/sigma/rules", cache)
    assert load(shared / "data/sigma/rules", cache)[1] == 0


def test_only_what_changed_is_compiled_anew(rules: Path, cache: RuleCache) -> None:
    load(rules, cache)
    (rules / "deeper/2.yml").write_text(RULE.format(number=2).replace("Rule 2", "Another"))
    book, anew = load(rules, cache)
    assert anew == 1
    assert [rule.title for rule in book.detections] == ["Rule 1", "Another", "Rule 3"]
    assert load(rules, cache)[1] == 0


def test_what_moved_is_known_by_its_content_and_named_by_its_place(rules: Path, cache: RuleCache) -> None:
    (rules / "wrong.yml").write_text(MISTAKES["bad_regex.yml"])
    load(rules, cache)
    for name in ("deeper/1.yml", "wrong.yml"):
        (rules / name).rename((rules / name).with_suffix(".yaml"))
    book, anew = load(rules, cache)
    assert anew == 0
    assert book.detections[0].path == str(rules / "deeper/1.yaml")
    assert [problem.path for problem in book.problems] == [str(rules / "wrong.yaml")]


def test_what_is_gone_is_dropped_from_the_cache(rules: Path, cache: RuleCache) -> None:
    load(rules, cache)
    before = kept(cache).stat().st_size
    (rules / "deeper/2.yml").unlink()
    assert load(rules, cache)[1] == 0
    assert kept(cache).stat().st_size < before


def test_other_pipelines_compile_anew(rules: Path, cache: RuleCache, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_text("transformations: [{type: field_name_mapping, mapping: {a: b}}]\n")

    def load_with(pipelines: Pipelines) -> tuple[Rulebook, int]:
        totals: list[int] = []
        book = load_rulebook([rules], pipelines, cache, lambda _, total: totals.append(total))
        return book, len(totals)

    load(rules, cache)
    pipelines = load_pipelines([file])
    mapped, anew = load_with(pipelines)
    assert anew == 4
    assert mapped == load_with(pipelines)[0] == load_rulebook([rules], pipelines)
    assert load_with(pipelines)[1] == 0
    assert mapped != load(rules, cache)[0]
    assert load(rules, cache)[1] == 0


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    return data.replace(b"Rule 1", b"Rule 9")


def _older(data: bytes) -> bytes:
    return re.sub(rb'"environment":"[0-9a-f]+"', b'"environment":"00"', data)


def _foreign(data: bytes) -> bytes:
    return data.replace(b"compiled Sigma rules", b"something else")


def _resealed(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change the body, and write the checksum of what it is then."""
    line, _, body = data.partition(b"\n")
    header = json.loads(line) | {"sha256": sha256(change(body)).hexdigest()}
    return json.dumps(header).encode() + b"\n" + change(body)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": _cut,
    "flipped": _flipped,
    "older": _older,
    "foreign": _foreign,
    "empty": lambda _: b"",
    "no body": lambda data: data.partition(b"\n")[0],
    "not ours": lambda _: b"title: A rule\n",
    "deep": lambda _: b"[" * 100_000,
    "a list": lambda data: _resealed(data, lambda _: b"[]"),
    "deep inside": lambda data: _resealed(data, lambda _: b'{"a":' * 100_000),
    "other values": lambda data: _resealed(data, lambda _: b'{"a":1}'),
    "other shapes": lambda data: _resealed(data, lambda body: body.replace(b'"detection"', b'"detective"')),
    "other types": lambda data: _resealed(data, lambda body: body.replace(b'"Rule 1"', b"1")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_compiled_anew_and_mended(damage: Callable[[bytes], bytes], rules: Path, cache: RuleCache) -> None:
    expected, _ = load(rules, cache)
    file = kept(cache)
    sound = file.read_bytes()
    file.write_bytes(damage(sound))
    book, anew = load(rules, cache)
    assert everything(book) == everything(expected)
    assert anew
    assert bool(book.remarks) == (damage is not DAMAGES["other values"])
    assert file.read_bytes() == sound
    assert load(rules, cache)[0].remarks == ()


def test_damage_that_has_the_right_checksum_is_never_more_than_a_remark(rules: Path, cache: RuleCache) -> None:
    load(rules, cache)
    file = kept(cache)
    sound = file.read_bytes()
    body = sound.partition(b"\n")[2]
    remarks = 0
    for at, other in zip(range(0, len(body), 41), cycle(b'"[]{},:0a\x00\xff\\'), strict=False):
        changed = body[:at] + bytes([other]) + body[at + 1 :]
        file.write_bytes(_resealed(sound, lambda _, changed=changed: changed))
        remarks += len(load_rulebook([rules], cache=cache).remarks)
    assert remarks > 20


def test_files_are_private_and_nothing_else_is_left(rules: Path, cache: RuleCache) -> None:
    load(rules, cache)
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(kept(cache).stat().st_mode) == 0o600


@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_others_can_write_is_not_used(what: str, rules: Path, cache: RuleCache) -> None:
    expected, _ = load(rules, cache)
    target = cache.folder if what == "folder" else kept(cache)
    target.chmod(target.stat().st_mode | stat.S_IWOTH)
    book, anew = load(rules, cache)
    assert book == expected
    assert anew == 4
    assert "can be written by others" in " ".join(book.remarks)


def test_a_folder_that_cannot_be_made_is_told_and_does_no_harm(rules: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    book, anew = load(rules, RuleCache(tmp_path / "file" / "rules"))
    assert book == load(rules)[0]
    assert anew == 4
    assert any("not kept" in remark for remark in book.remarks)


def test_a_folder_in_place_of_the_file_is_told_and_does_no_harm(rules: Path, cache: RuleCache) -> None:
    load(rules, cache)
    file = kept(cache)
    file.unlink()
    file.mkdir()
    book, anew = load(rules, cache)
    assert (anew, len(book.remarks)) == (4, 2)
    assert [entry.name for entry in cache.folder.iterdir()] == [file.name]


def test_the_sets_used_last_are_kept(cache: RuleCache) -> None:
    names = [f"{number:02d}" for number in range(rulecache.KEPT_SETS)]
    for age, name in enumerate(names):
        assert cache.write(name, "e", {}) == ""
        os.utime(cache.folder / f"rules-{name}.json", ns=(age, age))
    (cache.folder / "else.txt").write_text("not ours")
    assert cache.read(names[0], "e").remark == ""
    assert cache.write("new", "e", {}) == ""
    left = {file.name for file in cache.folder.iterdir()}
    assert left == {f"rules-{name}.json" for name in [names[0], *names[2:], "new"]} | {"else.txt"}


def test_a_file_that_a_killed_process_left_goes_too(cache: RuleCache) -> None:
    cache.write("a", "e", {})
    left = cache.folder / "rules-a.0123456789abcdef"
    left.write_bytes(b"half")
    os.utime(left, ns=(1, 1))
    for number in range(rulecache.KEPT_SETS):
        cache.write(str(number), "e", {})
    assert not left.exists()


def test_several_processes_share_a_folder(rules: Path, cache: RuleCache) -> None:
    expected, _ = load(rules)
    readers = [os.fork() for _ in range(4)]
    if 0 in readers:
        same = all(load_rulebook([rules], cache=cache) == expected for _ in range(20))
        os._exit(0 if same else 1)
    for edit in range(20):
        (rules / "deeper/extra.txt").write_text(str(edit))
        assert cache.write(f"other{edit % 3}", "e", {}) == ""
    assert [os.waitstatus_to_exitcode(os.waitpid(reader, 0)[1]) for reader in readers] == [0] * 4


def versions(folder: Path) -> Iterator[str]:
    yield load_rulebook([folder]).digest
    (folder / "deeper/1.yml").write_text(RULE.format(number=1).replace("Rule 1", "Another"))
    yield load_rulebook([folder]).digest
    (folder / "deeper/1.yml").unlink()
    yield load_rulebook([folder]).digest


def test_the_digest_is_of_the_contents_wherever_they_are(rules: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    rules.rename(elsewhere)
    rules.mkdir()
    (elsewhere / "many.yml").rename(elsewhere / "other.yml")
    before = load_rulebook([elsewhere]).digest
    found = list(versions(elsewhere))
    assert found[0] == before
    assert all(one != other for one, other in pairwise(found))


def test_a_folder_that_cannot_be_listed_is_a_problem(tmp_path: Path) -> None:
    deep = tmp_path
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(17):  # beyond the longest path that can be named
        name = "d" * 250
        os.mkdir(name, dir_fd=at)  # a path could not say it
        deeper = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at, deep = deeper, deep / name
    os.close(at)
    (problem,) = load_rulebook([tmp_path]).problems
    assert isinstance(problem, RuleProblem)
    assert "cannot be read" in problem.message
    assert deep.is_relative_to(problem.path)


def test_rules_without_pipelines_do_not_import_what_only_pipelines_need() -> None:
    program = "import sys, streams.rulebook.configured; print('sigma.processing.pipeline' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)  # noqa: S603  # ours
    assert done.stdout == "False\n"
