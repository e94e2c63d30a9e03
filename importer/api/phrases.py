"""What the text of an error says, in the many ways in which an API can say it. Pure; knows words and no verdicts."""

from __future__ import annotations

import re
from collections.abc import Sequence

_EXISTS = re.compile(
    r"already[\s_-]*(?:been[\s_-]*)?(?:exist|commission|assign|regist|used|in[\s_-]use|known|present|taken)"
    r"|exists?[\s_-]*already|^\s*exists?\s*$",
    re.IGNORECASE,
)
_GONE = re.compile(
    r"already[\s_-]*(?:been[\s_-]*)?(?:decommission|deactivat|taken[\s_-]*back|released|removed|destroyed)"
    r"|(?:was|is|are|were|do(?:es)?)\s+not\s+(?:commissioned|assigned|in[\s_-]use|exist|known|found|registered)"
    r"|^\s*(?:not[\s_-]*(?:commissioned|assigned|found)|unknown)\s*$",
    re.IGNORECASE,
)
_TOKEN_SURELY = re.compile(
    r"failed to authenticate|\btoken\b[^.]{0,20}\b(?:expired|revoked)|(?:expired|revoked)\s+(?:\w+\s+)?token\b"
    r"|(?:token|jwt)[\s_-]*(?:expired|revoked)",
    re.IGNORECASE,
)
_TOKEN_PERHAPS = re.compile(
    r"invalid[\s_-]+(?:access[\s_-]+)?token|token\s+(?:is\s+)?(?:invalid|not valid)|jwt malformed"
    r"|unauthori[sz]ed|not authenticated|authentication (?:failed|required)",
    re.IGNORECASE,
)
_RATE = re.compile(r"too[\s_-]*many[\s_-]*requests|rate[\s_-]*limit|throttl", re.IGNORECASE)
_SERVER = re.compile(
    r"internal[\s_-]*(?:server[\s_-]*)?error|internalerror|server[\s_-]*error|timed[\s_-]*out|time-?out"
    r"|(?:temporarily|service)[\s_-]*unavailable|bad[\s_-]*gateway",
    re.IGNORECASE,
)
_TOO_MANY = re.compile(
    r"too many (?:serials|serial numbers|items|elements|entries)"
    r"|(?:payload|request|body|entity)(?: entity| body)? (?:is )?too (?:large|big|long)",
    re.IGNORECASE,
)
_THINGS = re.compile(r"\b(?:serials|serial numbers|items|elements|entries)\b(?!\s*(?:\[|\.\d))", re.IGNORECASE)
_LIMIT = re.compile(
    r"\b(?:at most|(?:no |not )?more than|not exceed|exceed(?:s|ed)?|max(?:imum|\.)?|up to|limit(?:ed)?)\b"
    r"(?P<between>[^\d]{0,40}?)(?P<number>\d{1,3}(?:[,.'\u2019 ]\d{3})+(?!\d)|\d+)\s*(?P<unit>[a-z]*)",
    re.IGNORECASE,
)
_OTHER_UNIT = re.compile(r"char|digit|letter|symbol|byte|[km]b\b|long|length|second|minute|hour", re.IGNORECASE)


def says_exists(text: str) -> bool:
    """Whether a refusal, or the status of one serial, says that the serial exists already."""
    return _EXISTS.search(text) is not None


def says_gone(text: str) -> bool:
    """Whether a refusal to decommission, or the status of one serial, says that there is no such serial any more."""
    return _GONE.search(text) is not None


def says_token(text: str, *, surely: bool) -> bool:
    """Whether the text speaks of a token that was refused.

    `surely` leaves out words that a complaint about data could use too ("invalid token").
    """
    return _TOKEN_SURELY.search(text) is not None or (not surely and _TOKEN_PERHAPS.search(text) is not None)


def says_rate(text: str) -> bool:
    return _RATE.search(text) is not None


def says_server_fault(text: str) -> bool:
    return _SERVER.search(text) is not None


def too_large(text: str, sent: int) -> tuple[bool, int | None]:
    """Whether the text says that `sent` serials are too many for one request, and the limit where it names one.

    A limit that was kept ("at most 5,000 per batch" for 1,000) is another complaint: a smaller request doesn't mend it.
    """
    if _THINGS.search(text):
        for found in _LIMIT.finditer(text):
            limit = int(re.sub(r"\D", "", found["number"])[:12])
            if not _OTHER_UNIT.search(found["between"] + found["unit"]) and 0 < limit < sent:
                return True, limit
    return _TOO_MANY.search(text) is not None, None


_WORD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-/+*%&")


def serials_named(text: str, serials: Sequence[str]) -> tuple[str, ...]:
    """Those serials that stand in the text as whole words, in the order of `serials`.

    `1` does not stand in `100`, nor in `A-1` or `1.5`. Where one serial contains another, the longer one is meant.
    """
    spans = [(start, start + len(serial), serial) for serial in serials for start in _places(text, serial)]
    spans.sort(key=lambda span: (span[0], -span[1]))
    named: set[str] = set()
    reach = 0
    for _, end, serial in spans:
        if end > reach:
            named.add(serial)
            reach = end
    return tuple(serial for serial in serials if serial in named)


def _places(text: str, serial: str) -> list[int]:
    places = []
    start = text.find(serial) if serial else -1
    while start >= 0:
        end = start + len(serial)
        if not _joins(text[max(0, start - 2) : start][::-1]) and not _joins(text[end : end + 2]):
            places.append(start)
        start = text.find(serial, start + 1)
    return places


def _joins(beside: str) -> bool:
    """Whether what stands beside a word, read away from it, belongs to the same word (a full stop ends one)."""
    if beside[:1] == ".":
        return beside[1:2].isalnum()
    return beside[:1] in _WORD if beside else False
