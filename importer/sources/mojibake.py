"""Header names that were saved in the wrong encoding, read as what they were: `SeriÃ©` and `S?rie`. Pure.

Only names are at stake: what a mended name stands for is looked up among the names known, and codes are ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

_PAGES = ("cp1252", "cp1250", "cp1251", "cp1254", "mac_roman", "cp850", "cp852", "cp437", "cp866", "iso8859_9")
_TWICE = 2
_LOST = re.compile("[?\ufffd]+")


def unmangled(text: str) -> Iterator[str]:
    """What UTF-8 may have said before it was read as a code page, once or twice, likeliest page first."""
    found = [text]
    for _ in range(_TWICE):
        before = [mended for each in found for mended in _once(each)]
        yield from before
        found = before[:4]


def _once(text: str) -> list[str]:
    if text.isascii():
        return []
    mended: dict[str, None] = {}
    for page in _PAGES:
        try:
            mended[b"".join(_byte(char, page) for char in text).decode("utf-8")] = None
        except UnicodeError:
            continue
    return list(mended)


def _byte(char: str, page: str) -> bytes:
    """The byte of a character; a byte that the page leaves open is kept as the control character of its number."""
    try:
        return char.encode(page)
    except UnicodeEncodeError:
        if 0x80 <= ord(char) <= 0x9F:  # noqa: PLR2004  control characters
            return bytes([ord(char)])
        raise


def is_lossy(text: str) -> bool:
    """Whether letters of it were replaced by a question mark or U+FFFD."""
    return _LOST.search(text) is not None


def mangled_patterns(text: str) -> Iterator[re.Pattern[bytes]]:
    """The bytes of UTF-8 that a mangled name may have been, where some of them were lost as well (U+FFFD)."""
    parts = text.strip().split("\ufffd")
    for page in _PAGES if len(parts) > 1 else ():
        with suppress(UnicodeError):
            coded = [b"".join(_byte(char, page) for char in part) for part in parts]
            yield re.compile(b"[\x80-\xff]".join(map(re.escape, coded)))


def pattern_of(text: str) -> re.Pattern[str]:
    """What such a name may have been: each mark is a letter outside ASCII, or two bytes of one."""
    parts = [re.escape(part) for part in _LOST.split(text.strip().casefold())]
    marks = [f"[^\\x00-\\x7f]{{1,{len(mark)}}}" for mark in _LOST.findall(text.strip())]
    return re.compile("".join(part + mark for part, mark in zip(parts, [*marks, ""], strict=True)))
