"""Prove an OCSF event valid, fast: the schema as typed structures, into which msgspec converts the event in C.

The answer is "valid beyond doubt" or "look closer": whatever is refused here, `models.ocsf_schema.validate` judges and
explains. What is accepted here, `validate` accepts too; a property test holds the two together.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import count
from types import ModuleType
from typing import Annotated, Any, Final, ForwardRef, Literal, Union

import msgspec
from msgspec import UNSET, UnsetType

from models.ocsf_schema import INTEGER_TYPES, LATEST_MS, MAX_FORMATTED, SECONDS_BELOW, load, pattern

MAX_PROFILE_SETS: Final = 64  # classes under sets of profiles for which decoders are kept
FREE_FORM: Final = frozenset({"object", "unmapped"})
_NUMBERS: Final = count()


def is_valid(event: Mapping[str, Any]) -> bool:
    """Tell whether an event is valid beyond doubt; False means: look closer.

    How deep it nests is for whoever parsed it to bound.
    """
    class_uid, metadata = event.get("class_uid"), event.get("metadata")
    if type(class_uid) is not int or not isinstance(metadata, dict):
        return False
    profiles = metadata.get("profiles", ())
    try:
        structure = _structure_of(class_uid, _in_force(tuple(profiles)))
        found = structure and msgspec.convert(event, structure, dec_hook=_formatted)
    except (msgspec.MsgspecError, RecursionError, TypeError):
        return False
    return found is not None and bool(found.type_uid == class_uid * 100 + found.activity_id)


@lru_cache(maxsize=1024)
def _in_force(profiles: tuple[str, ...]) -> frozenset[str]:
    return _known_profiles().intersection(profiles)


@cache
def _known_profiles() -> frozenset[str]:
    specs = [*load()["classes"].values(), *load()["objects"].values()]
    return frozenset(
        name for spec in specs for rule in spec["attributes"].values() for name in rule.get("profiles", ())
    )


@lru_cache(maxsize=MAX_PROFILE_SETS)
def _structure_of(class_uid: int, profiles: frozenset[str]) -> Any:
    spec = load()["classes"].get(str(class_uid))
    if spec is None:
        return None
    module = ModuleType(f"{__name__}.structures_{next(_NUMBERS)}")  # where structures find each other by name
    sys.modules[module.__name__] = module
    try:
        made = _structures(spec, profiles, module)
        msgspec.json.Decoder(made, dec_hook=_formatted)  # resolves the names, once and for good
        return made
    finally:
        del sys.modules[module.__name__]


def _structures(spec: Mapping[str, Any], profiles: frozenset[str], module: ModuleType) -> type[msgspec.Struct]:
    """Make the structures of a class and of all objects within its reach."""
    wanted: list[str] = []
    known = {"category_uid": Literal[spec["category_uid"]]}
    made = _structure("event", spec, profiles, module, wanted, known)
    for name in wanted:  # which grows meanwhile
        if not hasattr(module, _named(name)):
            setattr(module, _named(name), _structure(name, load()["objects"][name], profiles, module, wanted, {}))
    return made


def _named(name: str) -> str:
    """Return the name of an object as an identifier: extensions have a slash in theirs."""
    return "object_" + name.replace("/", "_of_")


def _structure(
    name: str,
    spec: Mapping[str, Any],
    profiles: frozenset[str],
    module: ModuleType,
    wanted: list[str],
    known: Mapping[str, Any],
) -> type[msgspec.Struct]:
    required: list[tuple[str, Any]] = []
    optional: list[tuple[str, Any, Any]] = []
    for attribute, rule in spec["attributes"].items():
        owners = rule.get("profiles")
        if owners and profiles.isdisjoint(owners):
            continue  # what no profile in force defines is an unknown attribute
        kind = known.get(attribute) or _type(rule, wanted)
        if rule.get("required"):
            required.append((attribute, kind))
        else:
            optional.append((attribute, Union[kind, UnsetType], UNSET))  # noqa: UP007  # `|` takes no name of a type
    return msgspec.defstruct(
        _named(name),
        [*required, *optional],
        module=module.__name__,
        forbid_unknown_fields=True,
        namespace=_constraints(spec.get("constraints") or {}),
    )


def _type(rule: Mapping[str, Any], wanted: list[str]) -> Any:
    kind = rule["type"]
    if kind == "object_t" and rule["object"] not in FREE_FORM:
        wanted.append(rule["object"])
        one: Any = ForwardRef(_named(rule["object"]))
    elif kind == "object_t":
        one = dict[str, Any]
    else:
        one = _scalar(kind, rule.get("enum"))
    return list[one] if rule.get("array") else one


def _scalar(kind: str, enum: Mapping[str, Any] | None) -> Any:
    base = kind if kind in INTEGER_TYPES else load()["types"].get(kind, {}).get("type", kind)
    if base in INTEGER_TYPES:
        if enum:
            return Literal[tuple(int(value) for value in enum)]
        return Annotated[int, msgspec.Meta(ge=SECONDS_BELOW, le=LATEST_MS)] if kind == "timestamp_t" else int
    if base in _PLAIN:
        return _PLAIN[base]
    if enum:
        return Literal[tuple(enum)]
    return _Format.of(kind) if pattern(kind) else str


_PLAIN: Final[Mapping[str, Any]] = {"json_t": Any, "float_t": float, "boolean_t": bool}


class _Format:
    """Stands for a string whose format was checked; one class for each format."""

    @staticmethod
    @cache
    def of(kind: str) -> type[_Format]:
        """Return the class of a format."""
        return type(kind, (_Format,), {})


def _formatted(kind: type[_Format], value: Any) -> _Format:
    if type(value) is not str or not _fits(kind.__name__, value):
        raise ValueError(f"is not a valid {kind.__name__}")
    return kind()


@lru_cache(maxsize=65_536)
def _fits(kind: str, value: str) -> bool:
    found = pattern(kind)
    return len(value) <= MAX_FORMATTED and found is not None and found.search(value) is not None


def _constraints(constraints: Mapping[str, list[str]]) -> dict[str, Any]:
    checks = [(kind == "just_one", tuple(names)) for kind, names in constraints.items()]
    if not checks:
        return {}

    def check(made: Any) -> None:
        for just_one, names in checks:
            present = sum(getattr(made, name, UNSET) is not UNSET for name in names)
            if not present or (just_one and present > 1):
                raise ValueError("a constraint does not hold")

    return {"__post_init__": check}
