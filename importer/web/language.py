"""The page in the browser's language: words, messages, numbers, dates. All else of the importer speaks English."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from importer.sending.rate import spoken
from importer.web.words import codes, de, en
from importer.web.words.translating import german
from importer.words.notes import note

_WORDS = {"en": en.WORDS, "de": de.WORDS}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NOTHING = "\u2013"


def negotiate(header: str) -> str:
    """`en` or `de`, whichever an Accept-Language header prefers."""
    best, language = 0.0, "en"
    for item in header.split(","):
        name, _, rest = item.partition(";")
        tag = name.strip().lower().partition("-")[0]
        try:
            weight = float(rest.partition("=")[2] or 1.0)
        except ValueError:
            weight = 0.0
        if tag in _WORDS and weight > best:
            best, language = weight, tag
    return language


class Language:
    def __init__(self, tag: str) -> None:
        self.tag = tag
        self._words = _WORDS[tag]

    def say(self, key: str, **values: Any) -> str:
        """The words for a key. Whole numbers among the values are grouped; `key.one` is said where `n` is 1."""
        text = self._words.get(f"{key}.one") if values.get("n") == 1 else None
        text = text or self._words[key]
        shown = {name: self.number(v) if isinstance(v, int) else v for name, v in values.items()}
        return text.format(**shown)

    def number(self, value: float) -> str:
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.1f}".removesuffix(".0")
        return text.translate(str.maketrans(",.", ".,")) if self.tag == "de" else text

    def bytes(self, value: int) -> str:
        size = float(value)
        for unit in ("B", "kB", "MB"):
            if size < 1000:  # noqa: PLR2004
                return f"{self.number(round(size, 1) if unit != 'B' else int(size))} {unit}"
            size /= 1000
        return f"{self.number(round(size, 1))} GB"

    def moment(self, text: str | None) -> str:
        """A time of the ledger, in the time of this machine."""
        if not text:
            return _NOTHING
        at = datetime.fromisoformat(text).astimezone()
        if self.tag == "de":
            return f"{at:%d.%m.%Y, %H:%M}"
        return f"{at.day} {_MONTHS[at.month - 1]} {at:%Y, %H:%M}"

    def expiry(self, text: str) -> str:
        """YYMMDD as people say it; a day 00 is left out. What is no such date stays as it is."""
        if len(text) != 6 or not (text.isascii() and text.isdigit()) or not 1 <= int(text[2:4]) <= 12:  # noqa: PLR2004
            return text
        year, month, day = f"20{text[:2]}", int(text[2:4]), int(text[4:])
        if self.tag == "de":
            return f"{day:02}.{month:02}.{year}" if day else f"{month:02}.{year}"
        return f"{day} {_MONTHS[month - 1]} {year}" if day else f"{_MONTHS[month - 1]} {year}"

    def span(self, seconds: float | None) -> str:
        """0.4 s, 12 s, 3 min 20 s, 5 h 10 min, 2 d 3 h."""
        if seconds is None:
            return _NOTHING
        return spoken(seconds, self.number, "T" if self.tag == "de" else "d")

    def message(self, text: str) -> str | None:
        """A message of the importer in this language; None where there is only the English one."""
        return german(text) if self.tag == "de" else text

    def problem(self, code: str) -> str:
        """A problem's name for people."""
        known = codes.PROBLEMS.get(code)
        return known[self.tag == "de"] if known else code.replace("_", " ")

    def tip(self, code: str, outcome: str) -> str:
        """What to do about it."""
        known = codes.TIPS.get(code) or codes.TIPS_BY_OUTCOME.get(outcome)
        return known[self.tag == "de"] if known else ""

    def note(self, code: str) -> str:
        known = codes.NOTES_DE.get(code) if self.tag == "de" else None
        return known or note(code)
