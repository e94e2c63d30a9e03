"""Bounds of a JSON document, seen from its bytes."""

from __future__ import annotations

import json

import pytest

from importer.errors import SourceError
from importer.sources.json_bounds import MOST_DIGITS, MOST_NESTED, JsonBounds


def look(document: bytes, size: int) -> JsonBounds:
    bounds = JsonBounds("list.json")
    for start in range(0, len(document), size):
        bounds.look(document[start : start + size])
    return bounds


PASSES = {
    "as deep as may be": b"[" * MOST_NESTED + b"]" * MOST_NESTED,
    "many lists side by side": b"[" + b"[],{}," * 1000 + b"0]",
    "brackets in a text": b'["' + b"[{" * 1000 + b'"]',
    "brackets behind an escaped mark": b'["\\"' + b"[" * 1000 + b'"]',
    "brackets behind an escaped backslash and mark": b'["\\\\\\"' + b"[" * 1000 + b'"]',
    "digits in a text": b'["' + b"9" * 1000 + b'"]',
    "as many digits as may be": b"[" + b"9" * MOST_DIGITS + b"]",
    "many numbers": b"[" + b"1234567890," * 1000 + b"1]",
    "a document": json.dumps({"a": ['x"[\\', {"b": [1, 2.5, "\\"]}]}).encode(),
}
FAILS = {
    "one deeper": b"[" * (MOST_NESTED + 1),
    "objects": b'{"a":' * (MOST_NESTED + 1),
    "one deeper, later": b"[[]," * (MOST_NESTED + 1),
    "brackets behind a text that ends in an escaped backslash": b'["\\\\",' + b"[" * MOST_NESTED,
    "one digit more": b"[" + b"9" * (MOST_DIGITS + 1) + b"]",
    "digits at the end": b"9" * (MOST_DIGITS + 1),
    "digits behind a text": b'["1",' + b"1" * (MOST_DIGITS + 1),
}


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1 << 16])
@pytest.mark.parametrize("name", PASSES)
def test_what_is_within_bounds_passes_however_it_is_cut(name: str, size: int) -> None:
    look(PASSES[name], size)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1 << 16])
@pytest.mark.parametrize("name", FAILS)
def test_what_passes_a_bound_is_refused_however_it_is_cut(name: str, size: int) -> None:
    with pytest.raises(SourceError):
        look(FAILS[name], size)


def test_a_document_that_is_read_again_begins_anew() -> None:
    bounds = look(b"[" * 150, 64)
    bounds.restart()
    bounds.look(b"[" * 150)
