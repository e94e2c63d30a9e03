"""The characters of codes: which GS1 allows, which surround a value by accident, which only look right.

Pure. It knows characters, not what a GTIN, a serial or a date is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from importer.model import Reject

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CSET_82 = ALPHANUMERIC + "!\"%&'()*+,-./:;<=>?_"
"""What serials and batch numbers are made of (GS1 General Specifications, figure 7.11-1)."""

OUTER = (
    "\0 \t\n\v\f\r\x85\xa0\xad\u1680\u180e\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f"
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""White space, NUL (padding), no-break and zero-width characters, direction marks, BOM: stripped from both ends.
FNC1 (U+001D) is not among them: it means something."""

_SHOWN = 40

# Only what NFKC does not fold by itself (it does full-width forms, ligatures, super- and subscripts, …).
_LOOKALIKES = {
    "АВСЕНІЈКМОРЅТУХҮԌԚԜЗасеһіјорѕухԁԛԝӏѵг": "ABCEHIJKMOPSTYXYGQW3acehijopsyxdqwlvr",  # Cyrillic
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορυχ": "ABEZHIKMNOPTYXaikvopux",  # Greek
    "İıɡØø": "Iig00",  # other Latin letters, and the zero with a stroke
    "‐‑‒–—―−⁃": "--------",  # noqa: RUF001  dashes
    "‘’‚‛′ʹʼʻ´`‹›": "''''''''''<>",  # noqa: RUF001  single quotes
    "“”„‟″«»": '"""""""',  # double quotes
    "⁄∕÷∶×∗⁎·•∙": "///:x**...",  # noqa: RUF001  signs
}
_MEANT = {other: ascii_ for others, asciis in _LOOKALIKES.items() for other, ascii_ in zip(others, asciis, strict=True)}

_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"})


def trim(text: str) -> tuple[str, bool]:
    """Strip OUTER from both ends; tells whether there was any."""
    trimmed = text.strip(OUTER)
    return trimmed, len(trimmed) != len(text)


def show(text: str) -> str:
    """A value as a message shows it: invisible characters escaped, the middle of a very long one left out."""
    if len(text) > _SHOWN:
        text = f"{text[: _SHOWN - 10]}…{text[-9:]}"
    return text if text.isprintable() else "".join(_visible(char) for char in text)


def meant(char: str) -> str:
    """Give the ASCII text that a look-alike was probably meant to be, or "" where there is no such guess."""
    decimal = unicodedata.decimal(char, None)
    folded = str(decimal) if decimal is not None else unicodedata.normalize("NFKC", char)
    text = "".join(_MEANT.get(part, part) for part in _MEANT.get(char, folded))
    return text if text != char and set(text) <= set(CSET_82) else ""


def error_value(role: str, text: str) -> Reject | None:
    """Reject the text of a spreadsheet's error, such as #N/A, which an export puts in place of a value."""
    if text not in _ERRORS:
        return None
    return Reject("error_cell", role, {"error": text})


def foreign(role: str, text: str, disallowed: re.Pattern[str], guess: Callable[[str], str] = meant) -> Reject | None:
    """Reject the first character that `disallowed` (a pattern of one character) finds: `<role>_lookalike` where
    `guess` knows what was meant, `<role>_character` otherwise. None where it finds none.
    """
    found = disallowed.search(text)
    if found is None:
        return None
    values = {"value": show(text), "place": found.start() + 1, "char": found[0]}
    if right := guess(found[0]):
        return Reject(f"{role}_lookalike", role, {**values, "meant": right})
    return Reject(f"{role}_character", role, values)


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"  # noqa: PLR2004  one byte
