from __future__ import annotations

import re
from importlib.resources import files
from string import Formatter

import pytest

from importer.model import Outcome
from importer.web.language import Language, negotiate
from importer.web.uploads import harmless
from importer.web.words import de, en


def _fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    assert set(en.WORDS) == set(de.WORDS)
    assert [key for key in en.WORDS if _fields(en.WORDS[key]) != _fields(de.WORDS[key])] == []


def test_every_key_that_a_template_names_has_words() -> None:
    templates = [one for one in (files("importer.web") / "templates").iterdir() if one.name.endswith(".html")]
    named = {key for one in templates for key in re.findall(r'\bt\("([^"]+)"[,)]', one.read_text("utf-8"))}
    assert named - set(en.WORDS) == set()
    assert all(f"outcome.{outcome.value}" in en.WORDS for outcome in Outcome)


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
        ("x" * 300 + ".xlsx", "x" * 95 + ".xlsx"),
    ],
)
def test_a_name_becomes_one_harmless_part_of_a_path(name: str, shown: str) -> None:
    assert harmless(name) == shown
