"""A rejected row that comes back in a list of the importer's own: is it still what was rejected?

Behind the message of a rejected row stands a mark made of its code and its four values as they were read. So a list
tells by itself, on any machine and beside any ledger, which of its rows a person has changed since.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass

COLUMNS = ("outcome", "code", "message")
"""What a list of the importer's own adds at least; a list that lacks one of them only happens to have the others."""

BESIDE = ("importer_reason", "importer_next")
"""What a marked workbook has beside its list: what is wrong, and a link to the next wrong row. Such a list is checked
as any other when it comes back: nothing in it says that a row was rejected.
"""

REJECTED = "rejected"
_MARK = re.compile(r"\s*\[([a-z2-7]{8})\]\s*$")
_CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_EXPONENT = re.compile(r"([0-9]+(?:[.,][0-9]+)?)[eE]\+?([0-9]{1,3})")
_UNSEEN = re.compile(
    r"(?:serial|gtin|batch|expiry)_(?:numeric_cell|date_cell|digits_lost)|suspect_.*"
    r"|boolean_cell|error_cell|formula_without_value|merged_cell|row_width"
)
"""Codes whose cause the text of the values does not show any more: without a mark, such a row is held back."""


@dataclass(frozen=True, slots=True)
class Returned:
    """Why a row stays rejected: its code, and the message that it came with. `proven`: by its mark."""

    code: str
    message: str
    proven: bool


def shows_its_cause(code: str) -> bool:
    """Whether the values of a row that was rejected with this code are enough to find out again."""
    return not _UNSEEN.fullmatch(code)


def marked(message: str, code: str, values: Sequence[str]) -> str:
    """The message of a rejected row with its mark. `values` are the four of the row, as read, in the order of ROLES."""
    return f"{message} [{_mark(code, values)}]"


def unmarked(message: str) -> str:
    """The message alone."""
    return _MARK.sub("", message)


def returned(outcome: str, code: str, message: str, values: Sequence[str]) -> Returned | None:
    """Why a row that comes back stays rejected; None: it is checked like any other row.

    It stays so while its code is there and its values are what they were, whatever a spreadsheet may have made of an
    exponent or of the zeros in front of a GTIN.
    """
    code = code.strip()
    if outcome.strip().lower() != REJECTED or not _CODE.fullmatch(code):
        return None
    found = _MARK.search(message)
    if found is None:
        return Returned(code, message.strip(), proven=False) if _UNSEEN.fullmatch(code) else None
    same = found[1] == _mark(code, values)
    return Returned(code, unmarked(message), proven=True) if same else None


def _mark(code: str, values: Sequence[str]) -> str:
    serial, gtin, batch, expiry = map(_plain, values)
    text = "\0".join((code, serial, gtin.lstrip("0"), batch, expiry))
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=5, person=b"importer row")
    return b32encode(digest.digest()).decode().lower()


def _plain(value: str) -> str:
    """A value without what is lost when a spreadsheet opens and saves the list: it shows six digits of an exponent."""
    value = " ".join(value.split())
    if found := _EXPONENT.fullmatch(value):
        number = float(f"{found[1]}e{found[2]}".replace(",", "."))
        return f"{number:.5e}"
    return value
