"""Make `models/ocsf-1.8.0.json.gz` from the compiled OCSF schema.

usage: python deploy/ocsf/compact_schema.py COMPILED.json[.gz] models/ocsf-1.8.0.json.gz

The compiled schema is what the OCSF server's export or the `ocsf-schema-compiler` package gives. Kept are the facts
a validator and a codec need (types, requirements, profiles, enums, constraints); captions of classes and enum members
stay, descriptions go. The output is reproducible: sorted keys, no timestamp.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

RULE_KEYS = {"type": "type", "object_type": "object", "is_array": "array", "profiles": "profiles"}


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    kept = {short: rule[key] for key, short in RULE_KEYS.items() if rule.get(key)}
    if rule.get("requirement") == "required":
        kept["required"] = True
    if rule.get("enum"):
        kept["enum"] = {value: member["caption"] for value, member in rule["enum"].items()}
    return kept


def _shape(item: dict[str, Any]) -> dict[str, Any]:
    shape: dict[str, Any] = {"attributes": {name: _rule(rule) for name, rule in item["attributes"].items()}}
    if item.get("constraints"):
        shape["constraints"] = item["constraints"]
    return shape


def _type(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: spec[key] for key in ("type", "regex") if key in spec}


def compact(schema: dict[str, Any]) -> dict[str, Any]:
    """Keep of a compiled schema what validation and encoding need."""
    classes = {
        str(item["uid"]): {
            "name": item["caption"],
            "category_uid": item["category_uid"],
            "category_name": item["category_name"],
            **_shape(item),
        }
        for item in schema["classes"].values()
        if item.get("uid")
    }
    return {
        "version": schema["version"],
        "classes": classes,
        "objects": {name: _shape(item) for name, item in schema["objects"].items()},
        "types": {name: _type(spec) for name, spec in schema["dictionary"]["types"]["attributes"].items()},
    }


def main() -> None:
    """Read the compiled schema, write the compact one."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    data = source.read_bytes()
    schema = json.loads(gzip.decompress(data) if source.suffix == ".gz" else data)
    text = json.dumps(compact(schema), sort_keys=True, separators=(",", ":"))
    target.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
