from __future__ import annotations

import re
from pathlib import Path

import pytest
from entries import entries_of

from importer.model import Outcome
from importer.web import serve
from importer.web.language import Language, negotiate
from importer.web.uploads import harmless

_WEB = Path(serve.__file__).parent
_KEYS = {key for context, key in entries_of("en") if context == "web"}


def _named() -> set[str]:
    """Keys that templates and code name; `x.*` where the rest is only known when the page is made."""
    texts = [path.read_text("utf-8") for path in (*_WEB.glob("templates/*.html"), *_WEB.glob("*.py"))]
    found = {key for text in texts for key in re.findall(r'"([a-z_]+(?:\.[A-Za-z0-9_.]+)?)"', text)}
    found |= {key for text in texts for key in re.findall(r"'([a-z_]+(?:\.[A-Za-z0-9_.]+)?)'", text)}
    open_ended = {key for text in texts for key in re.findall(r'"([a-z_]+\.(?:[a-z_.]+\.)?)(?:"|\{)', text)}
    open_ended |= {key for text in texts for key in re.findall(r"'([a-z_]+\.(?:[a-z_.]+\.)?)(?:'|\{)", text)}
    return {key for key in _KEYS if key in found or any(key.startswith(one) for one in open_ended)}


def test_every_key_that_a_template_names_has_words() -> None:
    templates = [path.read_text("utf-8") for path in _WEB.glob("templates/*.html")]
    named = {key for text in templates for key in re.findall(r'\bt\("([^"]+)"[,)]', text)}
    assert named - _KEYS == set()
    assert all(f"outcome.{outcome.value}" in _KEYS for outcome in Outcome)


def test_no_words_of_the_page_are_unused() -> None:
    assert _KEYS - _named() == set()


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("", "en"),
        ("de-AT,en;q=0.5", "de"),
        ("en,de;q=0.9", "en"),
        ("fr,de;q=0.1", "de"),
        ("de;q=x", "en"),
        ("ja", "en"),
    ],
)
def test_the_browser_s_language_is_taken_where_it_is_known(header: str, tag: str) -> None:
    assert negotiate(header) == tag


def test_numbers_and_dates_are_written_as_the_language_writes_them() -> None:
    assert [Language(tag).number(12480) for tag in ("en", "de")] == ["12,480", "12.480"]
    assert [Language(tag).number(2.5) for tag in ("en", "de")] == ["2.5", "2,5"]
    assert [Language(tag).expiry("281231") for tag in ("en", "de")] == ["31 Dec 2028", "31.12.2028"]
    assert [Language(tag).expiry("281200") for tag in ("en", "de")] == ["Dec 2028", "12.2028"]
    assert Language("en").say("problems.rows", n=1) == "1 row"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\lists\\März.csv", "März.csv"),
        ("..", "list"),
        ("", "list"),
        (".hidden", "hidden"),
        ("a<b>\x00c.csv", "a_b__c.csv"),
        ("x" * 300 + ".xlsx", "x" * 195 + ".xlsx"),
        ("ä" * 300 + ".xlsx", "ä" * 97 + ".xlsx"),
        ("Müller & Söhne, Charge #7 [final]; März'26.xlsx", "Müller & Söhne, Charge #7 [final]; März'26.xlsx"),
        ("no ending at all", "no ending at all"),
    ],
)
def test_a_name_becomes_one_harmless_part_of_a_path(name: str, shown: str) -> None:
    assert harmless(name) == shown
