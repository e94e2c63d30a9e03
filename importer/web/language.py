"""The page in the browser's language: its fixed words, and what `words` says."""

from __future__ import annotations

from typing import Any

from importer.model import Message
from importer.web.words import de, en
from importer.words import language

_WORDS = {"en": en.WORDS, "de": de.WORDS}


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
        self._language = language.language(tag, page=True)
        self.number = self._language.number
        self.bytes = self._language.bytes
        self.moment = self._language.moment
        self.expiry = self._language.expiry
        self.span = self._language.span
        self.target = self._language.target

    def say(self, key: str, **values: Any) -> str:
        """The words for a key. Whole numbers among the values are grouped; `key.one` is said where `n` is 1."""
        text = self._words.get(f"{key}.one") if values.get("n") == 1 else None
        text = text or self._words[key]
        shown = {name: self.number(v) if isinstance(v, int) else v for name, v in values.items()}
        return text.format(**shown)

    def said(self, message: Message | str) -> str:
        """A message; text that a person or a program wrote stays as it is."""
        return self._language.part(message.part()) if isinstance(message, Message) else message

    def problem(self, code: str) -> str:
        """A problem's name for people."""
        return self._language.title(code)

    def tip(self, code: str, outcome: str) -> str:
        """What to do about all rows of it."""
        return self._language.group(code, outcome)

    def note(self, code: str) -> str:
        return self._language.warning(code)
