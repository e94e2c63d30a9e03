"""Code and catalogue hold together: each code has its words in every language, no words are unused, holes are filled.

Codes are found in the source itself: in the calls that make a message, and for what is unused in any string.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from entries import entries_of

from importer import errors, model
from importer.words import catalogue

_HERE = Path(model.__file__).parent
_ERRORS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.ImporterError)
}
_MESSAGES = {"Message", "Reject"}
_BY_HELPERS = {"_wrong", "Expected", "_reject", "ScanError"}
"""They take a code first and make a message of it."""
_OUTCOMES = {outcome.value for outcome in model.Outcome}
_WORDS_OF_PEOPLE = {"role", "outcome", "character", "word", "report", "web", "page tip", "page remark", "target"}
"""Contexts whose keys are no codes of messages."""


@cache
def _trees() -> dict[Path, ast.Module]:
    paths = [path for path in _HERE.rglob("*.py") if "sandbox" not in path.parts]
    return {path: ast.parse(path.read_text("utf-8")) for path in paths}


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for path, tree in _trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield f"{path.relative_to(_HERE)}:{node.lineno}", node


def _pattern(node: ast.expr | None) -> str | None:
    """What a code may be, as a regular expression; None for one that comes from elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            re.escape(str(part.value)) if isinstance(part, ast.Constant) else _hole(part) for part in node.values
        )
    return None


def _hole(part: ast.expr) -> str:
    value = part.value if isinstance(part, ast.FormattedValue) else None
    return "(?:serial|gtin|batch|expiry)" if isinstance(value, ast.Name) and value.id == "role" else "[a-z_]+"


def _made() -> Iterator[tuple[str, str, ast.Call]]:
    """Where a message is made, what its code may be, and the call."""
    for place, call in _calls():
        name = _name(call)
        code = None
        if name in _MESSAGES | _ERRORS | _BY_HELPERS and call.args:
            code = _pattern(call.args[0])
        elif name == "Fate" and len(call.args) > 1:
            code = _pattern(call.args[1])
        if code:
            yield place, code, call


@cache
def _strings() -> tuple[frozenset[str], re.Pattern[str]]:
    """All strings of the source, and what its f-strings may come to."""
    plain, patterns = set(), set()
    for tree in _trees().values():
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                plain.add(node.value)
            elif isinstance(node, ast.JoinedStr) and (found := _pattern(node)) and re.search(r"[a-z]{3}", found):
                patterns.add(found)
    return frozenset(plain), re.compile("|".join(f"(?:{one})" for one in patterns))


def _keys(*contexts: str) -> set[str]:
    return {key for context, key in entries_of("en") if context in contexts}


def _used(key: str) -> bool:
    plain, patterns = _strings()
    return key in plain or bool(patterns.fullmatch(key))


def test_no_sentence_stands_in_code() -> None:
    assert [place for place, code, _ in _made() if "\\ " in code] == []


def test_each_code_has_its_sentence() -> None:
    known = _keys("", "part", "remark")
    codes = {key.partition(".")[0] for key in known} | _OUTCOMES
    assert [f"{place} {code}" for place, code, _ in _made() if not any(re.fullmatch(code, key) for key in codes)] == []


def test_each_sentence_has_its_tip() -> None:
    """What became of a row that needs no code is only told."""
    tips = _keys("tip")
    without = {key for key in _keys("") if key not in tips and key.partition(".")[0] not in tips}
    assert {key.partition(".")[0] for key in without} <= _OUTCOMES


def test_each_tip_has_its_sentence() -> None:
    assert _keys("tip", "page tip") - _keys("") == set()
    assert _keys("page remark") - _keys("remark") == set()


def test_each_problem_of_a_row_has_its_name() -> None:
    named = _keys("title")
    rows = [code for _, code, call in _made() if _name(call) in {"Reject", "Fate"} and code]
    found = {key.partition(".")[0] for key in _keys("") for code in rows if re.fullmatch(code, key.partition(".")[0])}
    assert found - named == set()


def test_each_warning_says_what_to_do() -> None:
    assert _keys("warning") == _keys("warning_tip")


@pytest.mark.parametrize("context", sorted({context for context, _ in entries_of("en")} - _WORDS_OF_PEOPLE))
def test_no_words_are_unused(context: str) -> None:
    unused = [key for key in _keys(context) if not all(_used(part) for part in key.split("."))]
    assert unused == []


@pytest.mark.parametrize("tag", catalogue.LANGUAGES)
def test_each_hole_is_filled(tag: str) -> None:
    """Where a message is made with its values in sight."""
    entries = entries_of(tag)
    wrong = []
    for place, code, call in _made():
        given = _given(call)
        if given is None:
            continue
        for (context, key), forms in entries.items():
            base, _, case = key.partition(".")
            if context not in {"", "tip", "remark", "part"} or not re.fullmatch(code, base):
                continue
            if not _is_picked(given.get("case"), case, (context, base), entries):
                continue
            holes = {name for form in forms for _, name, _, _ in Formatter().parse(form) if name}
            if missing := holes - set(given) - {"role"}:
                wrong.append(f"{place} {context} {key}: {sorted(missing)}")
    assert wrong == []


def _is_picked(given: str | None, case: str, entry: tuple[str, str], entries: Mapping[tuple[str, str], object]) -> bool:
    """Whether the words of a case are those that values with a case (a literal, or any: `.*`) pick."""
    if given is None:
        return not case
    if case:
        return re.fullmatch(given, case) is not None
    return given != ".*" and (entry[0], f"{entry[1]}.{given}") not in entries


def _given(call: ast.Call) -> dict[str, str] | None:
    """The values of a message by name, and its case; None if some of them come from elsewhere."""
    if _name(call) in _ERRORS:
        pairs = [(one.arg, one.value) for one in call.keywords]
    elif _name(call) in _MESSAGES or (_name(call) == "Fate" and len(call.args) > 2):
        values = call.args[2] if len(call.args) > 2 else ast.Dict([], [])
        if not isinstance(values, ast.Dict):
            return None
        names = [str(key.value) if isinstance(key, ast.Constant) else None for key in values.keys]
        pairs = list(zip(names, values.values, strict=True))
    else:
        return None
    if any(name is None for name, _ in pairs):
        return None
    return {str(name): str(value.value) if isinstance(value, ast.Constant) else ".*" for name, value in pairs}
