"""Messages of the importer in German: each is known by its English pattern, and what stands in its holes stays as it
is: values, names, what the API or a library said.

A message that is not known is not translated at all: a guess could say the wrong thing. A hole's name says what may
stand in it (`_KINDS`); a name that is none of them, with or without a digit behind it, holds any text. The messages
stand in messages/: a line in English as the importer says it, and below it, indented, in German.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from string import Formatter

_CATALOGUES = ("rows.txt", "runs.txt", "lists.txt")
_MOST = 4000
"""Characters of a message that is looked at: no pattern is asked for more than a page could show."""
_ROLES = {
    "serial": "Seriennummer", "GTIN": "GTIN", "batch": "Charge", "batch number": "Charge",
    "expiry": "Verfalldatum", "expiry date": "Verfalldatum",
}  # fmt: skip
_OUTCOMES = {
    "assigned": "vergeben", "already_assigned": "schon vergeben", "duplicate": "doppelt",
    "rejected": "abgewiesen", "refused": "abgelehnt", "unknown": "unbekannt", "unsent": "nicht gesendet",
}  # fmt: skip
_MONTHS = {
    "January": "Januar", "February": "Februar", "March": "März", "April": "April", "May": "Mai", "June": "Juni",
    "July": "Juli", "August": "August", "September": "September", "October": "Oktober", "November": "November",
    "December": "Dezember",
}  # fmt: skip
_DONE = {"assigned": "vergeben", "sent (its answer was lost)": "gesendet (Antwort verloren)"}
_CHARACTERS = {
    "SPACE": "ein Leerzeichen", "NO-BREAK SPACE": "ein geschütztes Leerzeichen", "LINE BREAK": "ein Zeilenumbruch",
    "ZERO WIDTH SPACE": "ein Leerzeichen ohne Breite", "SOFT HYPHEN": "ein weiches Trennzeichen",
    "TAB": "ein Tabulator", "GROUP SEPARATOR (FNC1)": "ein Gruppentrenner (FNC1)", "NULL": "ein Nullzeichen",
}  # fmt: skip
"""All others go by the names of Unicode, which are English everywhere."""
_FILES = {
    "a PDF": "ein PDF", "a picture": "ein Bild", "a 7z archive": "ein 7z-Archiv", "a RAR archive": "ein RAR-Archiv",
    "an xz archive": "ein xz-Archiv", "a bzip2 archive": "ein bzip2-Archiv", "a zstd archive": "ein zstd-Archiv",
    "a database": "eine Datenbank", "a Parquet file": "eine Parquet-Datei", "a program": "ein Programm",
}  # fmt: skip


def _number(text: str) -> str:
    return text.translate(str.maketrans(",.", ".,"))


def _role(text: str) -> str:
    return _ROLES.get(text) or _ROLES[text[0].lower() + text[1:]]


def _roles(text: str) -> str | None:
    """Lists such as `serial, the GTIN`, `batch and expiry`, `batch and no expiry`."""
    names = [_ROLES.get(name) for name in re.split(r", (?:the )?| and (?:no )?", text)]
    known = [name for name in names if name]
    return " und ".join((", ".join(known[:-1]), known[-1]) if known[1:] else known) if all(names) else None


def _listed(text: str) -> str:
    """Quoted names, of which some may have been left out."""
    return "nichts" if text == "nothing" else re.sub(r" and ([\d,]+) more$", r" und \1 weitere", text)


def _dates(text: str) -> str:
    return re.sub(r"(\d+) ([A-Z]\w+) (\d{4})", lambda m: f"{m[1]}. {_MONTHS[m[2]]} {m[3]}", text).replace(
        " or ", " oder "
    )


def _expiries(text: str) -> str:
    return re.sub(r"in (\d+) rows?", lambda m: f"in {m[1]} Zeile{'' if m[1] == '1' else 'n'}", text)


def _row(text: str) -> str:
    return text.replace("row ", "Zeile ", 1).replace(" of sheet ", " des Blatts ", 1)


def _runs(text: str) -> str:
    return re.sub(r" or one of ([\d,]+) others$", r" oder einem von \1 anderen", text).replace(" or ", " oder ")


def _message(text: str) -> str | None:
    """A message within a message, which may have lost its full stop."""
    if found := german(text):
        return found
    found = german(f"{text}.")
    return found.removesuffix(".") if found else None


def _cause(text: str) -> str:
    """Often what the API or a library said, which has no German."""
    return _message(text) or _message(text.removesuffix(".")) or text


_MONTH = "|".join(_MONTHS)
_DATE = rf"\d+ (?:{_MONTH}) \d{{4}}"
_KINDS: Mapping[str, tuple[str, Callable[[str], str | None]]] = {
    "n": (r"\d{1,3}(?:,\d{3})*(?:\.\d+)?|\d+(?:\.\d+)?", _number),
    "digits": (r"\d+", str),
    "role": (r"[Ss]erial|GTIN|[Bb]atch(?: number)?|[Ee]xpiry(?: date)?", _role),
    "roles": (r".+?", _roles),
    "listed": (r".+?", _listed),
    "file": ("|".join(_FILES), _FILES.get),
    "done": ("|".join(map(re.escape, _DONE)), _DONE.get),
    "outcome": ("|".join(_OUTCOMES), _OUTCOMES.get),
    "month": (_MONTH, _MONTHS.get),
    "dates": (rf"{_DATE}(?: or {_DATE})+", _dates),
    "expiries": (r"\w+ in \d+ rows?(?:, \w+ in \d+ rows?)*", _expiries),
    "row": (r"row \d+(?: of sheet .+?)?", _row),
    "char": (r".+?", lambda text: _CHARACTERS.get(text, text)),
    "runs": (r".+?", _runs),
    "said": (r".+?", lambda text: "kein Grund angegeben" if text == "no reason given" else text),
    "cause": (r".+?", _cause),
    "message": (r".+?", _message),
}


class Pattern:
    """An English message with holes, and its German."""

    def __init__(self, english: str, german: str) -> None:
        self._german = german
        parts = list(Formatter().parse(english))
        self._longest = max((literal for literal, _, _, _ in parts), key=len)
        self._holes = [hole for _, hole, _, _ in parts if hole]
        self._pattern = re.compile(
            "".join(re.escape(literal) + (f"({_kind(hole)[0]})" if hole else "") for literal, hole, _, _ in parts),
            re.DOTALL,
        )

    def translate(self, text: str) -> str | None:
        if self._longest not in text:  # spares nearly all the matching
            return None
        found = self._pattern.fullmatch(text)
        if not found:
            return None
        values = {hole: _kind(hole)[1](value) for hole, value in zip(self._holes, found.groups(), strict=True)}
        return None if None in values.values() else self._german.format(**values)


def _kind(hole: str) -> tuple[str, Callable[[str], str | None]]:
    return _KINDS.get(hole.rstrip("0123456789"), (r".*?", str))


@cache
def _patterns() -> list[Pattern]:
    return [Pattern(english, german) for english, german in pairs()]


def pairs() -> list[tuple[str, str]]:
    """English and German, in the order in which they are tried."""
    texts = ((files("importer.web.words") / "messages" / name).read_text("utf-8") for name in _CATALOGUES)
    return [(m[1], m[2]) for text in texts for m in re.finditer(r"^([^#\s].*)\n    (.+)$", text, re.MULTILINE)]


@lru_cache(4096)
def german(text: str) -> str | None:
    """The message in German; None where it is not known."""
    if len(text) > _MOST:
        return None
    return next((found for pattern in _patterns() if (found := pattern.translate(text))), None)
