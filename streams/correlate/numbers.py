"""Numbers, exactly: what a text or a rule says in decimals, without the rounding of floats.

Sums of floats depend on their order, and no answer of a window may. So numbers are whole or fractions, in any order
the same. What a text can cost is bounded by its length.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

Number = int | Fraction

MAX_NUMBER_CHARS: Final = 320  # the largest float, written out, and a little more
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


@lru_cache(maxsize=4096)
def number_of(text: str) -> Number | None:
    """Read a decimal number (`-3`, `0.25`, `1.5e9`), exactly.

    Returns:
        The number; None for anything else, such as `NaN`, `Infinity`, `0x1f`, `1,000`, spaces around, more than
        MAX_NUMBER_CHARS characters, or what is beyond the range of a float.
    """
    if len(text) > MAX_NUMBER_CHARS or not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        return None
    return _plain(Fraction(text))


def stated_number(value: Any) -> Number | None:
    """Read a number as rules state it, a YAML number or a text of one; None when it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return value if isinstance(value, int) else number_of(str(value))
    except ValueError:  # more digits than Python takes
        return None


def _plain(number: Fraction) -> Number:
    return number.numerator if number.denominator == 1 else number
