"""Text in one spelling, so that a value cannot be smuggled past a comparison: for statements and evidence alike.

`cleaned` is what may be shown: compatibility forms folded, nothing invisible left. `normalized` is what is compared:
digits of all scripts, dashes, quotes and dots in one form, combining marks off, defanged values made whole again.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from agents.privacy.clean import clean

PIECE: Final = 256  # characters folded at once: the order of many combining marks takes quadratic time
_PIECES: Final = re.compile(rf"\S{{1,{PIECE}}}|\s+")
_WHITE: Final = re.compile(r"\s")
_MARKS: Final = frozenset({"Mn", "Me"})
_ONE_FORM: Final = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u02d7\ufe58", "-"),
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u02b9\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u3002\u2024\uff0e\uff61\u06d4\u0701\u0702\u2027\u00b7\u30fb", "."),
        **dict.fromkeys("\u2044\u2215\u29f8", "/"),
        **dict.fromkeys("\u2216\u29f5\u29f9\ufe68", "\\"),
        **dict.fromkeys("\u2236\ua789\u02d0\u0589\u05c3", ":"),
    }
)
_DOT: Final = re.compile(r"[\[({]\s?(?:\.|dot)\s?[\])}]|(?<=\w) dot (?=\w)", re.IGNORECASE)
_AT: Final = re.compile(r"[\[({]\s?(?:@|at)\s?[\])}]", re.IGNORECASE)
_COLON: Final = re.compile(r"\[\s?(:|://)\s?\]")
_HXXP: Final = re.compile(r"\bh(?:xx|\*\*|__)p(?=s?:)", re.IGNORECASE)
_DEFANGED: Final = re.compile(r"[\[({]|\bdot\b|h(?:xx|\*\*|__)p", re.IGNORECASE)
LOOKALIKES: Final = frozenset(
    # Cyrillic, Greek, Armenian and other letters that are drawn as ASCII ones are
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u051d\u04bb\u0432\u043d\u043a\u043c\u0442"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405\u050c\u051a\u051c\u04c0"
    "\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03b3\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d"
    "\u039f\u03a1\u03a4\u03a5\u03a7\u0555\u0585\u057d\u0578\u0570\u0563\u0561\u0131\u0269\u0261\u01c0\u0251\u1d04\u1d0f"
    "\u1d1c\u1d20\u1d21\u1d22\u13a0\u13aa\u13b3\u13a2\u13de\u13df\ua4d0\ua4d1\ua4d2\ua4d3\ua4e1\ua4da\ua4f0"
)


def cleaned(text: str) -> str:
    """Return text that may be shown: compatibility forms folded, nothing invisible, every white space a blank."""
    folded = text if text.isascii() else "".join(map(_folded, _PIECES.findall(text)))
    return _WHITE.sub(" ", clean(folded))


def normalized(text: str) -> str:
    """Return text in the one spelling in which it is compared; equal texts stay equal."""
    clean = cleaned(text)
    if not clean.isascii():
        clean = "".join(map(_digit, clean.translate(_ONE_FORM)))
    return _whole(clean) if _DEFANGED.search(clean) else clean


def is_lookalike(word: str) -> bool:
    """Tell a word that reads as ASCII and is not: its letters are ASCII or drawn so, and at least one is drawn so."""
    letters = [character for character in word if character.isalpha() and not character.isascii()]
    return bool(letters) and all(letter in LOOKALIKES for letter in letters)


def _folded(piece: str) -> str:
    return piece if piece.isascii() else unicodedata.normalize("NFKC", piece)


def _digit(character: str) -> str:
    """Return a digit of any script as an ASCII one, and no mark at all."""
    if character.isascii():
        return character
    kind = unicodedata.category(character)
    if kind == "Nd":
        return str(unicodedata.digit(character))
    return "" if kind in _MARKS else character


def _whole(text: str) -> str:
    """Undo what people do to addresses and links so that nobody follows them."""
    return _HXXP.sub("http", _AT.sub("@", _DOT.sub(".", _COLON.sub(r"\1", text))))
