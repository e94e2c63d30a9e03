"""The catalogues of words as tests look at them."""

from __future__ import annotations

from functools import cache

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from importer.words import catalogue


def _read(tag: str) -> Catalog:
    with catalogue.source(tag).open("rb") as file:
        return read_po(file, abort_invalid=True)


@cache
def entries_of(tag: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """By context and id: the text, in the plural's forms if it has them."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for message in _read(tag):
        key = message.id if isinstance(message.id, str) else message.id[0]
        text = message.string if isinstance(message.string, tuple) else (message.string,)
        if key:
            assert (message.context or "", key) not in found, f"{key} is there twice"
            found[message.context or "", key] = tuple(str(form) for form in text)
    return found
