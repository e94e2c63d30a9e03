"""report.html: one file that needs no network and runs no script, for a planner's browser and printer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from importer.errors import Exit
from importer.model import Outcome, is_sandbox
from importer.reports.chart import chart, totals
from importer.reports.problems import Example, Tally
from importer.reports.summary import RunSummary
from importer.reports.workbook_frame import Said
from importer.words.language import language


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the run ended, at a glance. `tone` is fine, look or bad."""

    tone: str
    title: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Problem:
    """The rows with one code."""

    code: str
    count: int
    outcome: str
    examples: list[Example]


def page_html(facts: RunSummary, tally: Tally) -> bytes:
    """The page, UTF-8. Every value is escaped: a serial may be a `<script>`."""
    here = files("importer.reports")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    environment.filters["short"] = _short
    template = environment.from_string((here / "page.html").read_text("utf-8"))
    spoken = language(facts.language)
    said = partial(spoken.label, "report")
    text = template.render(
        facts=facts,
        css=Markup((here / "page.css").read_text("utf-8")),  # noqa: S704  our own file
        L=spoken,
        t=said,
        verdict=_verdict(facts, tally, said),
        totals=totals(facts.outcomes, facts.action),
        problems=_problems(tally),
        several_sheets=len(facts.sheet_names) > 1,
        chart=chart(facts.batches, facts.action),
        reading=list(_reading(facts.reading, said)),
        remarks=facts.reading.get("remarks", ()),
        settings=list(_flat(facts.settings)),
        sandbox=is_sandbox(facts.target),
        target=spoken.target(facts.target),
    )
    return text.encode()


def _verdict(facts: RunSummary, tally: Tally, said: Said) -> Verdict:
    if not facts.identity_holds:
        return Verdict("bad", said("verdict.fails"), said("verdict.fails.sentence"))
    tones = {Exit.DONE: "fine", Exit.FAULT: "bad", Exit.WRONG_ROWS: "look", Exit.UNKNOWN_ROWS: "look"}
    name = Exit(facts.exit_code).name.lower() if facts.exit_code in tones else "early"
    unsent, unknown = facts.outcomes.get(Outcome.UNSENT, 0), facts.outcomes.get(Outcome.UNKNOWN, 0)
    rest = said("rest_back" if facts.undoes else "rest", n=tally.bad, all=facts.source.rows)
    sentence = said(f"verdict.{name}.sentence", n=facts.source.rows, rest=rest, unsent=unsent, unknown=unknown)
    if facts.undoes and name == "done":
        name = "done_back"
    return Verdict(tones.get(Exit(facts.exit_code), "look"), said(f"verdict.{name}"), sentence)


def _problems(tally: Tally) -> list[Problem]:
    """Problems by code, the most frequent first."""
    codes = sorted(tally.examples, key=lambda code: -tally.codes[code])
    return [_problem(code, tally.codes[code], tally.examples[code]) for code in codes]


def _problem(code: str, count: int, examples: list[Example]) -> Problem:
    outcome = examples[0].outcome
    return Problem(code, count, outcome, examples)


def _reading(reading: Mapping[str, Any], said: Said) -> Iterator[tuple[str, str]]:
    for key in ("format", "encoding", "delimiter"):
        if value := reading.get(key):
            yield said(f"reading.{key}"), repr(value) if key == "delimiter" else str(value)
    for sheet in reading.get("sheets", ()):
        columns = ", ".join(said("reading.from", role=role, header=header) for role, header in sheet["columns"].items())
        where = (
            said("reading.header", row=str(sheet["header_row"])) if sheet["header_row"] else said("reading.no_header")
        )
        yield (
            said("reading.sheet", name=sheet["name"]) if sheet["name"] else said("reading.columns"),
            f"{where}: {columns}",
        )


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Settings as `section.key` and value."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
