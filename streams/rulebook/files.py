"""Rule files to compiled files: from the cache where it has them, else compiled and put there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from platform import python_version
from typing import Final

import msgspec

from models.errors import RuleProblem
from streams.detect.codec import FORMAT, Damaged, decode_file, encode_file
from streams.detect.loader import CompiledFile, compile_file, read_file, rule_files
from streams.detect.pipelines import Pipelines
from streams.detect.treecodec import Uncodable
from streams.rulebook.cache import Entries, Held, RuleCache

_COMPILERS: Final = ("streams.detect", "models")  # packages whose code decides what a rule is compiled to
_LIBRARIES: Final = ("pysigma", "pyyaml")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RuleFiles:
    """All rule files of some paths.

    Attributes:
        compiled: The compiled files by path, in the order of the paths.
        digests: SHA-256 of the bytes of each that could be read, hexadecimal, by path.
        remarks: What the cache has to say.
    """

    compiled: Mapping[str, CompiledFile]
    digests: Mapping[str, str]
    remarks: tuple[str, ...]


def load_files(
    paths: Iterable[Path], pipelines: Pipelines, kept: RuleCache | None = None, progress: Progress | None = None
) -> RuleFiles:
    """Read and compile all rule files of files and directories. Nothing is raised for bad content.

    Args:
        paths: As `rule_files` takes them.
        pipelines: Rewrite the rules before they are compiled.
        kept: Where compiled rules are kept, None to compile all of them and keep none.
        progress: Told how many files have been compiled, of how many.
    """
    given = tuple(paths)
    read = {str(file): read_file(file) for file in rule_files(given)}
    found = {path: data for path, data in read.items() if isinstance(data, bytes)}
    digests = {path: sha256(data).hexdigest() for path, data in found.items()}
    name = _name(given, pipelines)
    held = kept.read(name, environment()) if kept else Held()
    known, damaged = _from_cache(digests, held.entries)
    anew = _compiled({path: data for path, data in found.items() if path not in known}, pipelines, progress)
    remarks = [held.remark, f"{damaged} of the compiled rules that were kept are damaged" if damaged else ""]
    if kept:
        entries = _entries(held.entries, digests, anew)
        if damaged or entries.keys() != held.entries.keys():
            remarks.append(kept.write(name, environment(), entries))
    unread = {path: CompiledFile((), (data,)) for path, data in read.items() if isinstance(data, RuleProblem)}
    compiled = known | anew | unread
    return RuleFiles({path: compiled[path] for path in read}, digests, tuple(filter(None, remarks)))


def _name(paths: tuple[Path, ...], pipelines: Pipelines) -> str:
    """Name a rule set by where it is and what rewrites it; refusals of pipelines quote their names."""
    parts = [str(path.absolute()) for path in paths], pipelines.digest, pipelines.names
    return sha256(repr(parts).encode()).hexdigest()[:32]


def _from_cache(digests: Mapping[str, str], entries: Entries) -> tuple[dict[str, CompiledFile], int]:
    """Return the compiled files that the cache has, by path, and how many it has that are no compiled files."""
    compiled: dict[str, CompiledFile] = {}
    damaged = 0
    for path, digest in digests.items():
        entry = entries.get(digest)
        if entry is not None:
            try:
                compiled[path] = decode_file(entry, path)
            except Damaged:
                damaged += 1
    return compiled, damaged


def _compiled(found: Mapping[str, bytes], pipelines: Pipelines, progress: Progress | None) -> dict[str, CompiledFile]:
    compiled = {}
    for done, (path, data) in enumerate(found.items()):
        if progress:
            progress(done, len(found))
        compiled[path] = compile_file(data, path, pipelines)
    return compiled


def _entries(
    held: Entries, digests: Mapping[str, str], anew: Mapping[str, CompiledFile]
) -> dict[str, msgspec.Raw | bytes]:
    """Return what the cache should hold: what it has of these files, and those that were compiled anew."""
    entries = {digest: held[digest] for path, digest in digests.items() if digest in held and path not in anew}
    for path, compiled in anew.items():
        try:
            entries[digests[path]] = encode_file(compiled)
        except Uncodable:  # such a file is compiled every time
            continue
    return entries


@cache
def environment() -> str:
    """Return a digest of everything in this installation that decides what a rule is compiled to."""
    known = sha256(repr((FORMAT, python_version(), [(name, version(name)) for name in _LIBRARIES])).encode())
    for package in _COMPILERS:
        for module in sorted(files(package).iterdir(), key=lambda item: item.name):
            if module.name.endswith(".py"):
                known.update(sha256(module.read_bytes()).digest())
    return known.hexdigest()
