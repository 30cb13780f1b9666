"""URLs, response codes and traffic, as every network source builds them."""

from __future__ import annotations

from typing import Any

import pytest

from streams.sources import protocols


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (
            protocols.url("https://user@www.example.com:8443/a?b=1"),
            {
                "url_string": "https://user@www.example.com:8443/a?b=1",
                "scheme": "https",
                "hostname": "www.example.com",
                "path": "/a",
                "query_string": "b=1",
            },
        ),
        (
            protocols.url("/a?u=http://x/", "[2001:db8::1]:80"),
            {
                "url_string": "http://[2001:db8::1]:80/a?u=http://x/",
                "hostname": "2001:db8::1",
                "path": "/a",
                "query_string": "u=http://x/",
            },
        ),
        (
            protocols.url(None, "example.com", "https"),
            {"url_string": "https://example.com/", "scheme": "https", "hostname": "example.com"},
        ),
        (protocols.url("/only"), {"url_string": "/only", "path": "/only"}),
        (protocols.url(), None),
    ],
)
def test_urls(made: Any, wanted: Any) -> None:
    assert made == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("NXDOMAIN", (3, "NXDomain", "3")),
        ("noerror", (0, "NoError", "0")),
        (2, (2, "ServError", "2")),
        (77, (99, "77", "77")),
        ("ODD", (99, "ODD", "ODD")),
    ],
)
def test_response_codes(value: Any, wanted: tuple[int, str, str]) -> None:
    found = protocols.rcode(value)
    assert (found["rcode_id"], found["rcode"], found["status_code"]) == wanted


@pytest.mark.parametrize("value", [None, "", "-", -1, True, [], {}])
def test_what_is_no_response_code(value: Any) -> None:
    assert protocols.rcode(value) == {}


def test_totals_only_of_both_directions() -> None:
    assert protocols.traffic(1, None) == {"bytes_out": 1}
    assert protocols.traffic("1", 2)["bytes"] == 3
    assert "bytes" not in protocols.traffic(2**63 - 1, 1)


def test_a_hardware_address_in_one_form() -> None:
    assert protocols.mac("AA-BB-CC-00-11-22") == "aa:bb:cc:00:11:22"
    assert protocols.mac("AA-BB") is None


def test_domains_without_the_dot_at_the_end() -> None:
    assert protocols.domain("a.example.") == "a.example"
    assert protocols.domain(".") == "."
