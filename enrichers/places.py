"""What a record of an MMDB file says of an address, in the words of OCSF.

Sources: the field names of the MaxMind GeoIP and GeoLite databases (City, Country, Enterprise, ASN, ISP, Anonymous IP),
which other makers write too, and those of the IPinfo databases. Whatever is not of the right type is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

MAX_TEXT: Final = 256
MAX_ASN: Final = 2**32
ISO_COUNTRY: Final = 2  # letters
_EMPTY: Final[Mapping[str, Any]] = {}
_FLAGS: Final = {
    "is_hosting": ("is_hosting_provider", "is_hosting", "hosting"),
    "is_vpn": ("is_anonymous_vpn", "is_vpn", "vpn"),
    "is_tor": ("is_tor_exit_node", "is_tor", "tor"),
    "is_proxy": ("is_public_proxy", "is_proxy", "proxy"),
    "is_residential_proxy": ("is_residential_proxy", "residential_proxy"),
    "is_relay": ("is_relay", "relay"),
    "is_anonymous": ("is_anonymous",),
}
_FLAG_OF: Final = {name: flag for flag, names in _FLAGS.items() for name in names}
_YES: Final = (True, "true", "1", 1)


def location_in(record: Mapping[str, Any], provider: str) -> dict[str, Any]:
    """Return the OCSF `location`, as the only member of an object; an empty one when the record has none."""
    country = _country(record)
    divisions = record.get("subdivisions")
    division = _part_of(divisions[0]) if isinstance(divisions, list) and divisions else _EMPTY
    code = _text(division.get("iso_code"))
    place = {
        "city": _named(record.get("city")),
        "region": f"{country}-{code}" if country and code else code or _named(division) or _text(record.get("region")),
        "country": country,
        "postal_code": _text(_part(record, "postal").get("code")) or _text(record.get("postal_code")),
    }
    found: dict[str, Any] = {name: text for name, text in place.items() if text}
    if not found:  # OCSF has no location of a continent alone
        return {}
    continent = _named(record.get("continent")) or _text(record.get("continent_name"))
    if continent:
        found["continent"] = continent
    return {"location": found | _spot(record) | {"provider": provider}}


def system_in(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the OCSF `autonomous_system`, as the only member of an object; an empty one when the record has none."""
    traits = _part(record, "traits") or record
    number = _number_of(traits.get("autonomous_system_number", traits.get("asn")))
    name = _text(traits.get("autonomous_system_organization")) or _text(traits.get("as_name"))
    found = {"number": number, "name": name}
    system = {key: value for key, value in found.items() if value}
    return {"autonomous_system": system} if system else {}


def network_in(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the provider and the organization of an address under their OCSF names."""
    traits = _part(record, "traits") or record
    found = {"isp": _text(traits.get("isp")), "isp_org": _text(traits.get("organization"))}
    return {name: text for name, text in found.items() if text}


def flags_in(record: Mapping[str, Any]) -> dict[str, bool]:
    """Return the flags that are set; those that are not are left out."""
    holders = (record, _part(record, "traits"), _part(record, "privacy"), _part(record, "anonymizer"))
    known = (item for holder in holders for item in holder.items())
    return {_FLAG_OF[name]: True for name, value in known if name in _FLAG_OF and _is_set(value)}


def _country(record: Mapping[str, Any]) -> str:
    """Return the ISO code: in an object, in a member of its own, or where other databases have the name."""
    told = record.get("country")
    code = _part_of(told).get("iso_code") or record.get("country_code") or told
    text = _text(code)
    return text.upper() if len(text) == ISO_COUNTRY else ""


def _spot(record: Mapping[str, Any]) -> dict[str, float]:
    where = _part(record, "location") or record
    lat, long = (_degrees(where.get(name), most) for name, most in (("latitude", 90), ("longitude", 180)))
    return {"lat": lat, "long": long} if lat is not None and long is not None else {}


def _degrees(value: Any, most: int) -> float | None:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    return float(number) if number is not None and isfinite(number) and abs(number) <= most else None


def _number_of(value: Any) -> int | None:
    if isinstance(value, str):
        digits = value.upper().removeprefix("AS")
        value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAX_ASN)) else None
    return value if type(value) is int and 0 < value < MAX_ASN else None


def _is_set(value: Any) -> bool:
    return isinstance(value, bool | str | int) and value in _YES


def _named(value: Any) -> str:
    """Return a name: a text, or the English one of an object's."""
    return _text(value) or _text(_part(_part_of(value), "names").get("en"))


def _part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return _part_of(record.get(name))


def _part_of(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _EMPTY


def _text(value: Any) -> str:
    return value.strip()[:MAX_TEXT] if isinstance(value, str) else ""
