"""What holds for the catalogues themselves, whatever the code says."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from string import Formatter

import pytest
from entries import entries_of

from importer.words import catalogue
from importer.words.language import Language

_OTHERS = [tag for tag in catalogue.LANGUAGES if tag != "en"]


def _holes(text: str) -> set[tuple[str, str]]:
    return {(name, kind or "") for _, name, kind, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("tag", _OTHERS)
def test_each_language_says_the_same_things(tag: str) -> None:
    assert entries_of(tag).keys() == entries_of("en").keys()


@pytest.mark.parametrize("tag", catalogue.LANGUAGES)
def test_no_entry_is_empty(tag: str) -> None:
    assert not [key for key, forms in entries_of(tag).items() if not all(forms)]


@pytest.mark.parametrize("tag", _OTHERS)
def test_a_translation_has_no_hole_that_english_lacks(tag: str) -> None:
    """A role is named in every language, where English may do without."""
    english = entries_of("en")
    for key, forms in entries_of(tag).items():
        known = {name for form in english[key] for name, _ in _holes(form)}
        assert {name for form in forms for name, _ in _holes(form)} <= known | {"role"}, key


@pytest.mark.parametrize("tag", catalogue.LANGUAGES)
def test_what_follows_n_has_a_hole_for_it(tag: str) -> None:
    for key, forms in entries_of(tag).items():
        if len(forms) > 1:
            assert all("n" in dict(_holes(form)) for form in forms), key


@pytest.mark.parametrize("tag", catalogue.LANGUAGES)
def test_each_kind_of_hole_is_known(tag: str) -> None:
    entries = entries_of(tag)
    contexts = {context for context, _ in entries}
    known = set(Language(tag)._kinds) | contexts
    for key, forms in entries.items():
        assert {kind for form in forms for _, kind in _holes(form)} <= known, key


def test_a_catalogue_is_compiled_once_and_again_when_it_was_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(catalogue.source("en"), tmp_path / "en.po")
    monkeypatch.setattr(catalogue, "_HERE", tmp_path)
    assert catalogue.read("en").gettext("list_missing") == "{path} does not exist."
    kept = list((tmp_path / "__pycache__").iterdir())
    assert [file.suffix for file in kept] == [".mo"]
    path = tmp_path / "en.po"
    path.write_text(path.read_text("utf-8").replace("{path} does not exist.", "{path} is nowhere."), "utf-8")
    assert catalogue.read("en").gettext("list_missing") == "{path} is nowhere."
    assert len(list((tmp_path / "__pycache__").iterdir())) == 1


def test_a_place_that_can_t_be_written_costs_time_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(catalogue.source("en"), tmp_path / "en.po")
    (tmp_path / "__pycache__").write_text("no directory")
    monkeypatch.setattr(catalogue, "_HERE", tmp_path)
    assert catalogue.read("en").gettext("list_missing") == "{path} does not exist."


def test_the_package_s_docstring_names_each_kind() -> None:
    text = ast.get_docstring(ast.parse((catalogue._HERE / "__init__.py").read_text("utf-8"))) or ""
    assert not [kind for kind in Language("en")._kinds if kind not in text]
