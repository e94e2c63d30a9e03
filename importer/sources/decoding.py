"""Which encoding a list is in, and its bytes as UTF-8. Knows nothing of rows, except that their header must be read.

Codes are ASCII wherever they are valid, so the encoding decides only what headers say and what rejects show.
"""

from __future__ import annotations

import codecs
import io
import re
from typing import BinaryIO

from importer.errors import SourceError

HEAD = 256 * 1024
"""How much of a list is looked at to find out how it is written."""
CODE_PAGES = (
    *("cp1252", "cp1250", "cp1251", "cp1254", "cp1253", "cp1257", "iso8859_2", "iso8859_5", "iso8859_9", "koi8_r"),
    *("cp850", "cp852", "cp866", "cp857", "cp437", "cp855", "cp775"),
    *("mac_roman", "mac_latin2", "mac_cyrillic", "mac_turkish"),
)
"""Those of Windows, ISO, DOS and the Mac for the languages of the headers, likeliest first. All hold ASCII."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = bytes(range(1, 9)) + bytes(range(14, 27)) + b"\x7f"
_TOO_MANY_CONTROLS = 0.02
_DAMAGE = 16
_LEAST_WIDE = 16
_FEW = 0.02
_SOME = 0.08
"""Of all bytes: a header in Cyrillic has no NUL, but for its delimiters and line ends."""
_MARKS = 0xF700
MARKED = "[\uf700-\uf7ff]"
"""A regular expression for what stands in place of a byte that could not be decoded."""
_MARKED = re.compile(MARKED)


def find_bom(head: bytes) -> tuple[str, int] | None:
    """The encoding that a byte order mark declares, and the mark's length."""
    return next(((name, len(bom)) for bom, name in _BOMS if head.startswith(bom)), None)


def guess_wide(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: a list holds ASCII, of which each character has one or three NUL."""
    fours, pairs = head[: len(head) // 4 * 4], head[: len(head) // 2 * 2]
    if len(fours) >= _LEAST_WIDE:
        empty = [fours[place::4].count(0) / (len(fours) // 4) for place in range(4)]
        if min(empty[2:]) == 1 and empty[0] < _FEW:
            return "utf-32-le"
        if min(empty[:2]) == 1 and empty[3] < _FEW:
            return "utf-32-be"
    even, odd = pairs[::2].count(0), pairs[1::2].count(0)
    some = len(pairs) * _SOME
    if odd > some and even < odd / 20:
        return "utf-16-le"
    return "utf-16-be" if even > some and odd < even / 20 else None


def is_utf8(head: bytes, *, whole: bool) -> bool:
    """Whether it is valid UTF-8; where it is not the `whole` of a file, its last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
    except UnicodeDecodeError:
        return False
    return True


def is_binary(text: bytes) -> bool:
    """Whether what should be UTF-8 text holds more control characters than damage explains."""
    controls = len(text) - len(text.translate(None, _CONTROLS))
    return controls > max(_DAMAGE, len(text) * _TOO_MANY_CONTROLS)


def check_declared(encoding: str, name: str) -> str:
    """The declared encoding by its plain name."""
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise SourceError("encoding_unknown", name=name, encoding=encoding) from None


def _mark(error: UnicodeError) -> tuple[str, int]:
    """Keep a byte that can't be decoded as a private character, so that its row can be rejected and shown."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(_MARKS + b) for b in error.object[error.start : error.end]), error.end


codecs.register_error("importer.mark", _mark)


def unmarked(text: str) -> str:
    """Text for people: a byte that could not be decoded stands in it as a backslash, x and two digits."""
    return _MARKED.sub(lambda m: f"\\x{ord(m[0]) - _MARKS:02x}", text)


class Transcoded(io.RawIOBase):
    """Bytes in some encoding, read as valid UTF-8. `damaged` once a byte could not be decoded (see `unmarked`)."""

    def __init__(self, raw: BinaryIO, encoding: str) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ascii_passes = encoding in ("utf-8", *CODE_PAGES)
        self._ready = memoryview(b"")
        self._ended = False
        self.damaged = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, for which about as many of the source are read."""
        wanted = size if size >= 0 else HEAD
        while not self._ready and not self._ended:
            block = self._raw.read(max(wanted, 1))
            self._ended = not block
            self._ready = memoryview(self._utf8(block))
        out, self._ready = self._ready[:wanted], self._ready[wanted:]
        return bytes(out)

    def _utf8(self, block: bytes) -> bytes:
        if self._ascii_passes and block.isascii() and not self._decoder.getstate()[0]:
            return block
        before = self._decoder.getstate()
        try:
            text = self._decoder.decode(block, self._ended)
        except UnicodeDecodeError:
            self.damaged = True
            self._decoder.errors = "importer.mark"
            self._decoder.setstate(before)
            text = self._decoder.decode(block, self._ended)
        return text.encode("utf-8", "replace")
