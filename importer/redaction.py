"""Taking secrets out of a text that people or logs will see."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

HIDDEN = "[secret]"
_SHORTEST = 4
_JWT = re.compile(r"eyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?")
_USERINFO = re.compile(r"(?<=://)[^/@\s]+(?=@)")


class Scrub:
    """Callable: a text without the secrets that it was told of, and without anything that looks like a JWT.

    A secret of fewer than four characters is let stand: hiding it would garble every text and protect nothing.
    """

    def __init__(self, *secrets: str) -> None:
        self._forms: list[str] = []
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """A secret that came to be known later, such as a dynamic token."""
        for form in (secret, quote(secret, safe="")):
            if len(secret) >= _SHORTEST and form not in self._forms:
                self._forms.append(form)
        self._forms.sort(key=len, reverse=True)

    def __call__(self, text: str) -> str:
        if not text:
            return text
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return _USERINFO.sub(HIDDEN, _JWT.sub(HIDDEN, text))

    def __repr__(self) -> str:
        return f"Scrub({len(self._forms)} forms)"


REDACTED = "[redacted]"

_JWT_OR_PART = re.compile(r"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)+|eyJ[A-Za-z0-9_-]{18,}")
"""A JSON Web Token, or a part of one: its payload holds the API key. No serial is as long as a bare part."""
_JWT_BEGINS = "eyJ"


class Redactor:
    """Takes secrets out of text: those it was told, in the spellings that JSON and `repr` give them, and all that
    looks like a JWT. More can be told at any time (`add`), such as a token that was just fetched.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._spellings: set[str] = set()
        self._pattern = _JWT_OR_PART
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        for secret in filter(None, secrets):
            as_repr = repr(secret)[1:-1]
            self._spellings |= {secret, as_repr, json.dumps(secret)[1:-1], json.dumps(as_repr)[1:-1]}
        longest_first = sorted(self._spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join([*map(re.escape, longest_first), _JWT_OR_PART.pattern]))

    def __call__(self, text: str) -> str:
        # To look for fixed texts first is thirty times as fast, and nearly no line holds one.
        if _JWT_BEGINS in text or any(spelling in text for spelling in self._spellings):
            return self._pattern.sub(REDACTED, text)
        return text
