"""Where people and addresses are: made networks in ranges that nobody routes (RFC 5737, RFC 2544), at real cities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

MOBILE_ASN: Final = 64_498


@dataclass(frozen=True, slots=True)
class Place:
    """A city with the network that people there come from.

    Attributes:
        city: Its name.
        region: State or county.
        country: English name, as Okta writes it.
        code: ISO 3166 code.
        latitude: Degrees.
        longitude: Degrees.
        utc_hours: Hours ahead of UTC in September; nobody changes the clock within these weeks.
        asn: Number of the network, from the range for documentation (RFC 5398).
        isp: Its name.
        net: First three octets of the addresses of homes and hotels there.
        postcode: Postal code.
    """

    city: str
    region: str
    country: str
    code: str
    latitude: float
    longitude: float
    utc_hours: int
    asn: int
    isp: str
    net: str
    postcode: str

    def address(self, number: int) -> str:
        """Return the address of a home or a hotel there; numbers repeat after two thousand."""
        first, second, third = self.net.split(".")
        return f"{first}.{second}.{int(third) + number // 250 % 8}.{number % 250 + 2}"

    def mobile(self, number: int) -> tuple[str, Place]:
        """Return an address of the network for phones there, and the place as that network has it."""
        near = replace(self, isp=f"{self.city} Mobile", asn=MOBILE_ASN, net=f"198.18.{128 + self.asn % 14 * 8}")
        return near.address(number), near


def _place(row: tuple[str, str, str, str, float, float, int, str], number: int) -> Place:
    city, region, country, code, latitude, longitude, hours, postcode = row
    net = f"198.18.{number * 8}"
    return Place(
        city, region, country, code, latitude, longitude, hours, 65_536 + number, f"{city} Fibre", net, postcode
    )


_CITIES: Final = (
    ("Oslo", "Oslo", "Norway", "NO", 59.9139, 10.7522, 2, "0150"),
    ("London", "England", "United Kingdom", "GB", 51.5072, -0.1276, 1, "EC1A"),
    ("Boston", "Massachusetts", "United States", "US", 42.3601, -71.0589, -4, "02108"),
    ("Singapore", "Singapore", "Singapore", "SG", 1.3521, 103.8198, 8, "018956"),
    # Where people travel to.
    ("Berlin", "Berlin", "Germany", "DE", 52.52, 13.405, 2, "10115"),
    ("Stockholm", "Stockholm", "Sweden", "SE", 59.3293, 18.0686, 2, "11120"),
    ("Madrid", "Madrid", "Spain", "ES", 40.4168, -3.7038, 2, "28001"),
    ("Chicago", "Illinois", "United States", "US", 41.8781, -87.6298, -5, "60601"),
    ("Tokyo", "Tokyo", "Japan", "JP", 35.6762, 139.6503, 9, "100-0001"),
    ("Paris", "Ile-de-France", "France", "FR", 48.8566, 2.3522, 2, "75001"),
    # Where nobody of the organization ever is.
    ("Santiago", "Santiago", "Chile", "CL", -33.4489, -70.6693, -3, "8320000"),
    ("Nairobi", "Nairobi", "Kenya", "KE", -1.2921, 36.8219, 3, "00100"),
    ("Hanoi", "Hanoi", "Vietnam", "VN", 21.0278, 105.8342, 7, "100000"),
    ("Auckland", "Auckland", "New Zealand", "NZ", -36.8509, 174.7645, 12, "1010"),
)
_ALL: Final = tuple(_place(row, number) for number, row in enumerate(_CITIES))
OFFICES: Final = _ALL[:4]
ABROAD: Final = _ALL[4:10]
FAR: Final = _ALL[10:]
OFFICE_SHARES: Final = (0.45, 0.25, 0.2, 0.1)  # of the people
OFFICE_EGRESS: Final = ("203.0.113.10", "203.0.113.20", "203.0.113.30", "203.0.113.40")
VPN_EGRESS: Final = ("203.0.113.250", "203.0.113.251")  # known to be the organization's own
CLOUD_EGRESS: Final = ("203.0.113.100", "203.0.113.101", "203.0.113.102")
# The gateway of the VPN stands in a data centre of somebody else, in a country where few people are.
VPN: Final = Place(
    "Frankfurt", "Hesse", "Germany", "DE", 50.1109, 8.6821, 2, 64_496, "Example VPN", "203.0.113", "60311"
)
HOSTING: Final = Place(
    "Amsterdam",
    "North Holland",
    "Netherlands",
    "NL",
    52.3676,
    4.9041,
    2,
    64_497,
    "Example Hosting",
    "198.18.120",
    "1012",
)
