"""Text lists that are CSV only once something is taken off: rows in quotes as a whole, delimiters of other kinds,
escapes of a database, marks and padding behind the end. Works on bytes of UTF-8, a block of whole lines at a time.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

FIELD_END = "\x1e"
"""Stands for a delimiter that is no single character of ASCII; no list holds it otherwise."""
_CONTROLS = ("\x01", "\x02", "\x1c", FIELD_END, "\x1f")
DELIMITERS = ("~", "^", "¦", "#", "§", "*", ":", "$", "@", "\\", "!", "%", "&", *_CONTROLS, "::", "~~", "^^", "  ", " ")
"""Tried where none of the usual ones is found; the header must prove it. The last two are columns set by blanks."""
_BLANKS = ("  ", " ")
_NAMES = {**{char: f"U+{ord(char):04X}" for char in _CONTROLS}, "  ": "blanks", " ": "blank"}
_BLOCK = 1 << 18
_LONGEST_LINE = 1 << 20
_LOOKED_AT = 50

_LINE = rb"(?:(?<=[\r\n])|\A)"
_END = rb"(?=[\r\n]|\Z)"
_QUOTED = re.compile(_LINE + rb'[ \t]*"((?:[^"\r\n]|"")*)"[;,\t ]*' + _END)
_IN_APOSTROPHES = re.compile(_LINE + rb"[ \t]*'((?:(?!',')[^\r\n])*)'[;,\t ]*" + _END)
_TRAILING = re.compile(rb"[;,\t|]+" + _END)
_NULL = re.compile(rb'(?:(?<=[\r\n\t,;|])|\A)(?:\\N|"\\N")(?=[\r\n\t,;|]|\Z)')
_ESCAPED_QUOTE = re.compile(rb"(?<!\\)((?:\\\\)*)\\\"")
_OUTER_BLANKS = re.compile(_LINE + rb"[ \t]+|[ \t]+" + _END)
_PADDING = b"\0\x1a\r\n"
_ENDS = (b"\0", b"\x1a", b"\n", b"\r")
_MOST_HELD = 1 << 16


@dataclass(frozen=True, slots=True)
class Plain:
    """How a list becomes plain CSV."""

    #: Each row is one quoted field.
    quoted_rows: bool = False
    #: Each row ends with delimiters of another kind: the list is in one column of a spreadsheet.
    trailing: bool = False
    #: Nulls are `\\N` and quotation marks escaped by a backslash, as MySQL and its kin write them.
    escapes: bool = False
    #: What separates its fields, where that becomes FIELD_END; or empty.
    delimiter: str = ""

    def __bool__(self) -> bool:
        return self.quoted_rows or self.trailing or self.escapes or bool(self.delimiter)

    @property
    def name(self) -> str:
        """The delimiter as people read it."""
        return _NAMES.get(self.delimiter, self.delimiter)

    def apply(self, lines: bytes) -> bytes:
        """Whole lines as plain CSV."""
        if self.quoted_rows:
            lines = _IN_APOSTROPHES.sub(rb"\1", _QUOTED.sub(lambda m: m[1].replace(b'""', b'"'), lines))
        if self.trailing:
            lines = _TRAILING.sub(b"", lines)
        if self.escapes:
            lines = _ESCAPED_QUOTE.sub(rb'\1""', _NULL.sub(b"", lines))
        if self.delimiter in _BLANKS:
            lines = _OUTER_BLANKS.sub(b"", lines)
            lines = re.sub(rb"[ \t]{%d,}" % len(self.delimiter), FIELD_END.encode(), lines)
        elif self.delimiter:
            lines = lines.replace(self.delimiter.encode(), FIELD_END.encode())
        return lines

    def text(self, text: str) -> str:
        """The head of a list as plain CSV."""
        return self.apply(text.encode("utf-8", "replace")).decode() if self else text


def likely(text: str) -> Iterator[Plain]:
    """What may have to be taken off a list whose head can't be read as it is."""
    lines = [line for line in re.split("\r\n|\r|\n", text[: _LONGEST_LINE // 4]) if line.strip()][:_LOOKED_AT]
    coded = [line.encode("utf-8", "replace") for line in lines[:-1]]
    quoted = bool(coded) and (all(map(_QUOTED.fullmatch, coded)) or all(map(_IN_APOSTROPHES.fullmatch, coded)))
    if quoted:
        yield Plain(quoted_rows=True)
    for delimiter in DELIMITERS:
        if any(delimiter in line for line in lines):
            yield Plain(quoted_rows=quoted, delimiter=delimiter)


def is_quoted_row(line: str) -> bool:
    """Whether a line is one field in quotation marks that holds delimiters."""
    coded = line.encode("utf-8", "replace")
    found = _QUOTED.fullmatch(coded) or _IN_APOSTROPHES.fullmatch(coded)
    return found is not None and any(delimiter in found[1] for delimiter in (b",", b";", b"\t", b"|"))


def has_escapes(text: str) -> bool:
    """Whether a list holds nulls or quotation marks as databases escape them; no code holds a backslash."""
    return "\\" in text and (
        _NULL.search(text.encode("utf-8", "replace")) is not None or ('\\"' in text and '""' not in text)
    )


class PlainText(io.RawIOBase):
    """A list's UTF-8 as plain CSV: `apply` gets blocks of whole lines."""

    def __init__(self, rest: BinaryIO, apply: Callable[[bytes], bytes]) -> None:
        self._rest = rest
        self._apply = apply
        self._line = b""
        self._ready = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = size if size >= 0 else _BLOCK
        while not self._ready and not self._ended:
            block = self._rest.read(_BLOCK)
            self._ended = not block
            text = self._line + block
            cut = len(text) if self._ended or len(text) > _LONGEST_LINE else text.rfind(b"\n") + 1
            if not cut:  # an old Mac's line ends; the last one may be half of \r\n
                cut = text.rfind(b"\r", 0, len(text) - 1) + 1
            self._line = text[cut:]
            self._ready = memoryview(self._apply(text[:cut]))
        out, self._ready = self._ready[:wanted], self._ready[wanted:]
        return bytes(out)


class Unpadded(io.RawIOBase):
    """Bytes without what stands behind the end of a list: the end mark of DOS (0x1A), and NUL up to a block's end."""

    def __init__(self, rest: BinaryIO) -> None:
        self._rest = rest
        self._held = b""
        self._ready = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._ready:
            piece = self._rest.read(size)
            if not piece:
                return b""
            self._ready = self._without_end(self._held + piece if self._held else piece)
        if size < 0 or len(self._ready) <= size:
            out, self._ready = self._ready, b""
            return out
        out, self._ready = self._ready[:size], self._ready[size:]
        return out

    def _without_end(self, piece: bytes) -> bytes:
        """Hold back what may be the end, until something comes behind it."""
        self._held = b""
        if piece[-1:] not in _ENDS:
            return piece
        at = len(piece.rstrip(_PADDING))
        marks = [place for mark in (b"\0", b"\x1a") if (place := piece.find(mark, at)) >= 0]
        if not marks:
            return piece
        self._held = piece[min(marks) :]
        if len(self._held) > _MOST_HELD:  # so many say no more than one
            self._held = self._held[:1]
        return piece[: min(marks)]


def plain_stream(text: BinaryIO, plain: Plain) -> BinaryIO:
    """A list's UTF-8 as plain CSV, without what stands behind its end."""
    stream = cast(BinaryIO, Unpadded(text))
    return cast(BinaryIO, PlainText(stream, plain.apply)) if plain else stream
