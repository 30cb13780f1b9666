"""Bring OCSF events of older versions up to date where there is no doubt what was meant.

Five things are mended: nulls (Parquet's way to leave an attribute out, and AWS Security Lake's) and the empty objects
they leave behind; attributes that were renamed or moved before 1.0; classes that were numbered anew before 1.0, when
the event names its class; `type_uid` and the categories that follow from the class, and the activity from `type_uid`;
values in another spelling than the schema's (`streams.sources.ocsf.shapes`). All else is for the shipper.

Source: the change log of the OCSF schema, release candidates to 1.0.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from models import ocsf
from streams.sources.ocsf.shapes import shaped

FREE_FORM: Final = frozenset({"unmapped", "data"})  # whatever the shipper likes, nulls too

_RENAMED: Final[Mapping[str, Mapping[str, str]]] = {  # by the attribute that holds the object
    "session": {"mfa": "is_mfa"},
    "connection_info": {"community_id": "community_uid"},
    "user": {"uuid": "uid_alt"},
}
_ACCOUNT: Final = {"account_uid": "uid", "account_name": "name", "account_type": "type", "account_type_id": "type_id"}
_WITH_ACCOUNT: Final = frozenset({"user", "cloud"})
_CLASSES: Final = {known.name: uid for uid, known in ocsf.CLASSES.items()}
_DRAFT: Final = re.compile(r"0\.|1\.0\.0-")


def upgraded(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of `event` with everything mended that there is no doubt about."""
    fresh: dict[str, Any] = _mended(event, "")
    return shaped(fresh | _class_of(fresh))


def _mended(value: Any, name: str) -> Any:
    """Mend one value; as deep as the record goes, which `decode_json` bounds."""
    if isinstance(value, list):
        mended = (_mended(item, name) for item in value)
        return [item for item in mended if item is not None]
    if not isinstance(value, dict):
        return value
    members = {key: item if key in FREE_FORM else _mended(item, key) for key, item in value.items()}
    members = {key: item for key, item in members.items() if item is not None and item != {}}
    return _moved(members, name)


def _moved(members: dict[str, Any], name: str) -> dict[str, Any]:
    for old, new in _RENAMED.get(name, {}).items():
        if old in members and new not in members:
            members[new] = members.pop(old)
    if name in _WITH_ACCOUNT and "account" not in members:
        account = {new: members.pop(old) for old, new in _ACCOUNT.items() if old in members}
        if account:
            members["account"] = _named(account, members)
    return members


def _named(account: dict[str, Any], holder: Mapping[str, Any]) -> dict[str, Any]:
    """Give an account of which only the type was known the name of its user: an account needs one."""
    if "uid" in account or "name" in account:
        return account
    name = holder.get("name", holder.get("uid"))
    return account if name is None else {**account, "name": name}


def _class_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the class attributes that follow from the class: of drafts by its name, else by its uid."""
    class_uid = event.get("class_uid")
    metadata = event.get("metadata")
    version = metadata.get("version") if isinstance(metadata, dict) else None
    if isinstance(version, str) and _DRAFT.match(version):
        name = event.get("class_name")
        class_uid = _CLASSES.get(name, class_uid) if isinstance(name, str) else class_uid
    if type(class_uid) is not int or class_uid not in ocsf.CLASSES:
        return {}
    known = ocsf.CLASSES[class_uid]
    derived = {"class_uid": class_uid, "class_name": known.name, "category_name": known.category_name}
    derived["category_uid"] = known.category_uid
    activity, type_uid = event.get("activity_id"), event.get("type_uid")
    renumbered = class_uid != event.get("class_uid")
    if activity is None and type(type_uid) is int and not renumbered and type_uid // 100 == class_uid:
        return {**derived, "activity_id": type_uid % 100}
    if type(activity) is int and (renumbered or "type_uid" not in event):
        derived["type_uid"] = class_uid * 100 + activity
    return derived
