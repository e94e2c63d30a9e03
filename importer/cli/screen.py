"""Text for a terminal: no control character of a file's gets there, and long messages are wrapped."""

from __future__ import annotations

import shutil
import sys
import textwrap

import typer

_DELETE = 0x7F
_PICTURES = 0x2400
"""Unicode's pictures of the control characters begin here."""
_HIDDEN = {
    **{code: chr(_PICTURES + code) for code in range(0x20) if chr(code) not in "\n\t"},
    _DELETE: "\u2421",
    # The upper control characters, of which one opens sequences, too, and what turns the direction of a text round.
    **dict.fromkeys(range(0x80, 0xA0), "\ufffd"),
    **dict.fromkeys((0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd"),
}


def visible(text: str) -> str:
    """The text with a picture in place of each control character but line breaks and tabs."""
    return text if text.isascii() and text.isprintable() else text.translate(_HIDDEN)


def tell(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Write text for people."""
    typer.echo(visible(text), err=err, nl=nl)


def tell_wrapped(text: str, *, err: bool = False) -> None:
    """Write a message: in one line, which on a terminal is wrapped between words. Not for commands to be copied."""
    tell(wrapped(text) if (sys.stderr if err else sys.stdout).isatty() else text, err=err)


def wrapped(text: str) -> str:
    """Lines that fit the terminal, broken between words, each as far indented as the first one."""
    width = shutil.get_terminal_size().columns
    return "\n".join(
        textwrap.fill(
            line,
            width,
            subsequent_indent=" " * (len(line) - len(line.lstrip(" "))),
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
        )
        for line in text.split("\n")
    )
