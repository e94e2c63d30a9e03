"""What a scanner meant that types as a keyboard of one country into a computer set to another. Pure.

A scanner sends keys, not characters. Set to the US keyboard, it types `(01)` and a German computer takes `)01=`; a
French one takes digits for `&é"'(-è_çà`. The check digit of the GTIN proves which pair of keyboards it was.
"""

# ruff: noqa: RUF001  the signs on the keys

from __future__ import annotations

from collections.abc import Iterator

_KEYBOARDS = {
    "US": (
        "`1234567890-=qwertyuiop[]\\asdfghjkl;'zxcvbnm,./",
        '~!@#$%^&*()_+QWERTYUIOP{}|ASDFGHJKL:"ZXCVBNM<>?',
    ),
    "German": (
        "^1234567890ß´qwertzuiopü+#asdfghjklöäyxcvbnm,.-",
        "°!\"§$%&/()=?`QWERTZUIOPÜ*'ASDFGHJKLÖÄYXCVBNM;:_",
    ),
    "French": (
        "²&é\"'(-è_çà)=azertyuiop^$*qsdfghjklmùwxcvbn,;:!",
        "\x7f1234567890°+AZERTYUIOP¨£µQSDFGHJKLM%WXCVBN?./§",
    ),
    "Belgian": (
        "²&é\"'(§è!çà)-azertyuiop^$µqsdfghjklmùwxcvbn,;:=",
        "³1234567890°_AZERTYUIOP¨*£QSDFGHJKLM%WXCVBN?./+",
    ),
}
"""The keys of four rows, from left to right: plain and with Shift."""
_STARTS = ("01", "(01)", "]d2", "]C1", "]Q3", "]e0", "\x1d01")


def _between(scanner: str, computer: str) -> dict[int, str]:
    """What the computer shows, and what the scanner meant."""
    shown, meant = _KEYBOARDS[computer], _KEYBOARDS[scanner]
    return {ord(s): m for rows in zip(shown, meant, strict=True) for s, m in zip(*rows, strict=True)}


def _with_shift_lock(name: str) -> dict[int, str]:
    """A shift lock turns all keys over."""
    plain, shifted = _KEYBOARDS[name]
    return {ord(s): m for s, m in (*zip(plain, shifted, strict=True), *zip(shifted, plain, strict=True))}


_TABLES = [_between(scanner, computer) for scanner in _KEYBOARDS for computer in _KEYBOARDS if scanner != computer]
_LOCKED = list(map(_with_shift_lock, _KEYBOARDS))


def _shown(start: str, table: dict[int, str]) -> str | None:
    """How the start of a scan looks through a table; None where it can't come about."""
    back = {meant: chr(shown) for shown, meant in table.items()}
    letters = [char if ord(char) < ord(" ") else back.get(char) for char in start]
    return None if None in letters else "".join(filter(None, letters))


def _by_start(tables: list[dict[int, str]]) -> dict[str, list[dict[int, str]]]:
    """The tables through which a scan can begin with these two characters."""
    found: dict[str, list[dict[int, str]]] = {}
    for table in tables:
        for shown in {shown[:2] for start in _STARTS if (shown := _shown(start, table))}:
            found.setdefault(shown, []).append(table)
    return found


_BY_START = _by_start(_TABLES)
_LOCKED_BY_START = _by_start(_LOCKED)


def retyped(text: str, *, shift_lock: bool = False) -> Iterator[str]:
    """What the text may have been meant as; nothing for one that begins as no scan does on any keyboard.

    With a shift lock on the same keyboard, nothing tells large letters from small ones.
    """
    for table in (_LOCKED_BY_START if shift_lock else _BY_START).get(text[:2], ()):
        meant = text.translate(table)
        if meant != text:
            yield meant
