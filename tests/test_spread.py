"""The order of a run loses no file and leaves what waits to no end."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.spread import woven


@given(st.integers(0, 60), st.integers(0, 60))
def test_all_are_there_in_their_order(many: int, few: int) -> None:
    found = list(woven(list(range(many)), list(range(1000, 1000 + few))))
    assert [one for one in found if one < 1000] == list(range(many))
    assert [one for one in found if one >= 1000] == list(range(1000, 1000 + few))


def test_what_waits_is_spread() -> None:
    found = list(woven(["computes"] * 100, ["waits"] * 10))
    places = [place for place, one in enumerate(found) if one == "waits"]
    assert places[0] == 0
    assert places[-1] < 90
    assert max(after - before for before, after in pairwise(places)) <= 10
