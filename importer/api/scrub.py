"""Taking secrets out of a text that people or logs will see."""

from __future__ import annotations

import re
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
