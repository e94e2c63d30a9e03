"""The page in the browser's language: what `words` says, by the names that templates know."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from importer.model import Message
from importer.words import catalogue, language


def negotiate(header: str) -> str:
    """The language that an Accept-Language header prefers, of those that there are; else English."""
    best, chosen = 0.0, "en"
    for item in header.split(","):
        name, _, rest = item.partition(";")
        tag = name.strip().lower().partition("-")[0]
        try:
            weight = float(rest.partition("=")[2] or 1.0)
        except ValueError:
            weight = 0.0
        if tag in catalogue.LANGUAGES and weight > best:
            best, chosen = weight, tag
    return chosen


class Language:
    def __init__(self, tag: str) -> None:
        self.tag = tag
        self._language = language.language(tag, page=True)
        self.number = self._language.number
        self.bytes = self._language.bytes
        self.moment = self._language.moment
        self.expiry = self._language.expiry
        self.span = self._language.span
        self.target = self._language.target
        self.named = self._language.named

    def place(self, target: str) -> str:
        """A target in short: the host, and whose serials are behind it."""
        address, _, pool = target.partition(" ")
        return self.target(f"{urlsplit(address).netloc or address} {pool}")

    def say(self, key: str, **values: Any) -> str:
        """The page's own words for a key. Whole numbers among the values are grouped; `n` decides the plural."""
        return self._language.label("web", key, **values)

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
