"""What a wrong value was probably meant to be: for people to take or to leave, never taken by itself.

Pure. A suggestion is legal by itself; whether the list bears it out is found out when it is checked again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from importer.gs1.characters import CSET_82, OUTER, meant, trim
from importer.gs1.codes import parse_gtin, parse_serial
from importer.gs1.expiry import Day00, parse_expiry, restored_expiry
from importer.gs1.suspect import Suspect
from importer.model import Parsed

_LEGAL = frozenset(CSET_82)
_DIGITS = {"O": "0", "o": "0", "I": "1", "l": "1"}


def suggested(
    code: str, role: str, text: str, values: Mapping[str, Any], *, today: date, day_00: Day00 = "keep"
) -> str | None:
    """What to put in place of a value that was rejected with this code; `values` are its message's. None: no idea."""
    value = trim(text)[0]
    if code == Suspect.COMMON_MARK:
        found = _without_mark(value, str(values.get("mark", "")), at_end=values.get("case") == "end")
    elif code == Suspect.ZEROS_LOST:
        found = value.zfill(int(values["usual"])) if "usual" in values else value
    elif code == "expiry_zero_lost":
        found = restored_expiry(text, today=today, day_00=day_00)
    elif role in _PLAIN:
        found = _PLAIN[role](value)
    else:
        return None
    return found if found not in ("", text) and _is_legal(role, found, today) else None


def _without_mark(value: str, mark: str, *, at_end: bool) -> str:
    if not mark:
        return value
    return value.removesuffix(mark) if at_end else value.removeprefix(mark)


def _code(value: str) -> str:
    """Spaces out, and the ASCII text that each look-alike stands for."""
    return "".join(char if char in _LEGAL else "" if char in OUTER else meant(char) or char for char in value)


def _gtin(value: str) -> str:
    return "".join(_DIGITS.get(char, char) for char in _code(value))


def _expiry(value: str) -> str:
    return "".join(char if char.isascii() else meant(char) or char for char in value)


_PLAIN: Mapping[str, Callable[[str], str]] = {"serial": _code, "batch": _code, "gtin": _gtin, "expiry": _expiry}


def _is_legal(role: str, value: str, today: date) -> bool:
    if role == "gtin":
        return isinstance(parse_gtin(value, check_digit="error"), Parsed)
    if role == "expiry":
        found = parse_expiry(value, today=today, date_order="", day_00="keep", expired="off")
        return isinstance(found, Parsed)
    return isinstance(parse_serial(value), Parsed)


def looks_like(value: str, known: str) -> bool:
    """Whether two GTINs of the same length differ in one digit, or in two that changed places."""
    if len(value) != len(known) or value == known:
        return False
    differ = [at for at, (one, other) in enumerate(zip(value, known, strict=True)) if one != other]
    if len(differ) == 1:
        return True
    first, last = differ[0], differ[-1]
    return len(differ) == 2 and last == first + 1 and value[first] == known[last] and value[last] == known[first]  # noqa: PLR2004
