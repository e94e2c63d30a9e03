"""Secrets out of every text that people, logs, reports and the ledger see. One class, which can be told more secrets at
any time, such as a token that was just fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

HIDDEN = "[secret]"
SHORTEST = 8
"""Characters. A shorter secret is a word that a log may use itself: in a line of the log it is let stand, in what the
API says it is hidden where it stands as a whole word."""

_JWT = r"eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)+|eyJ[A-Za-z0-9_-]{18,}"
"""A JSON Web Token, or a part of one: its payload holds the API key. No serial is as long as a bare part."""
_USERINFO = r"(?<=://)(?:(?<!postgresql://)(?<!postgres://)[^/@\s\"]+|[^/@:\s\"]+:[^/@\s\"]+)(?=@)"
"""A proxy's may be a token. The ledger's is a name, unless there is a password, too."""
_ALWAYS = re.compile(f"{_JWT}|{_USERINFO}")
_MARKS = ("eyJ", "://")
"""One of these stands in every text that `_ALWAYS` finds something in."""


class Redactor:
    """Hides the secrets that it knows, in the spellings that JSON, `repr` and addresses give them; the credentials of
    an address; and all that looks like a JWT. From any thread.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._spellings: frozenset[str] = frozenset()
        self._words: frozenset[str] = frozenset()
        self._pattern = self._words_pattern = _ALWAYS
        self.learn(*secrets)

    def learn(self, *secrets: str) -> None:
        """Know more secrets from now on."""
        long = {secret for secret in secrets if len(secret) >= SHORTEST}
        short = {secret for secret in secrets if 0 < len(secret) < SHORTEST}
        self._spellings |= {spelling for secret in long for spelling in _spellings(secret)}
        self._words |= {spelling for secret in short for spelling in _spellings(secret)}
        longest_first = [re.escape(text) for text in sorted(self._spellings, key=len, reverse=True)]
        words = [rf"(?<!\w){re.escape(text)}(?!\w)" for text in sorted(self._words, key=len, reverse=True)]
        self._pattern = re.compile("|".join([*longest_first, _ALWAYS.pattern]))
        self._words_pattern = re.compile("|".join([*longest_first, *words, _ALWAYS.pattern]))

    def line(self, text: str) -> str:
        """A line of the log, whose own words stay whole."""
        # To look for fixed texts first is thirty times as fast, and nearly no line holds one.
        if any(mark in text for mark in _MARKS) or any(spelling in text for spelling in self._spellings):
            return self._pattern.sub(HIDDEN, text)
        return text

    def __call__(self, text: str) -> str:
        """A text that the API, a proxy or a library wrote."""
        return self._words_pattern.sub(HIDDEN, text) if text else text

    def __repr__(self) -> str:
        return f"Redactor({len(self._spellings) + len(self._words)} spellings)"


def _spellings(secret: str) -> set[str]:
    as_repr = repr(secret)[1:-1]
    return {secret, as_repr, json.dumps(secret)[1:-1], json.dumps(as_repr)[1:-1], quote(secret, safe="")}
