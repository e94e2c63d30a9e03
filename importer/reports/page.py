"""report.html: one file that needs no network and runs no script, for a planner's browser and printer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from importer.errors import Exit
from importer.model import Outcome, is_sandbox, spoken_target
from importer.reports.chart import chart, totals
from importer.reports.problems import Example, Tally
from importer.reports.summary import RunSummary
from importer.reports.workbook_frame import ASSIGNED_MEANS, LOOKS, tip


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
    label: str
    tip: str
    examples: list[Example]


def page_html(facts: RunSummary, tally: Tally) -> bytes:
    """The page, UTF-8. Every value is escaped: a serial may be a `<script>`."""
    here = files("importer.reports")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    environment.filters["short"] = _short
    template = environment.from_string((here / "page.html").read_text("utf-8"))
    text = template.render(
        facts=facts,
        css=Markup((here / "page.css").read_text("utf-8")),  # noqa: S704  our own file
        verdict=_verdict(facts, tally),
        totals=totals(facts.outcomes),
        problems=_problems(tally),
        several_sheets=len(facts.sheet_names) > 1,
        chart=chart(facts.batches),
        reading=list(_reading(facts.reading)),
        remarks=facts.reading.get("remarks", ()),
        settings=list(_flat(facts.settings)),
        sandbox=is_sandbox(facts.target),
        target=spoken_target(facts.target),
        assigned_means=ASSIGNED_MEANS,
    )
    return text.encode()


def _verdict(facts: RunSummary, tally: Tally) -> Verdict:
    count, bad = f"{facts.source.rows:,}", f"{tally.bad:,}"
    unsent, unknown = facts.outcomes.get(Outcome.UNSENT, 0), facts.outcomes.get(Outcome.UNKNOWN, 0)
    rest = f"{bad} of {count} rows are not assigned."
    if not facts.identity_holds:
        return Verdict("bad", "The counts do not add up", "Do not rely on this report before it is verified.")
    verdicts: dict[int, Verdict] = {
        Exit.DONE: Verdict("fine", "Everything is assigned", f"All {count} rows, those that repeat others included."),
        Exit.FAULT: Verdict("bad", "Ended by an internal fault", f"{rest} What was recorded is kept."),
        Exit.WRONG_ROWS: Verdict("look", "Finished, with rows to look at", rest),
        Exit.UNKNOWN_ROWS: Verdict(
            "look", "Finished, with rows whose fate is unknown", f"{rest} {unknown:,} of them are unknown."
        ),
    }
    early = Verdict("look", "Stopped early", f"{rest} {unsent:,} of them were not sent yet; nothing is lost.")
    return verdicts.get(facts.exit_code, early)


def _problems(tally: Tally) -> list[Problem]:
    """Problems by code, the most frequent first."""
    codes = sorted(tally.examples, key=lambda code: -tally.codes[code])
    return [_problem(code, tally.codes[code], tally.examples[code]) for code in codes]


def _problem(code: str, count: int, examples: list[Example]) -> Problem:
    outcome = examples[0].outcome
    return Problem(code, count, outcome, LOOKS[outcome].label, tip(code, outcome), examples)


def _reading(reading: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in ("format", "encoding", "delimiter"):
        if value := reading.get(key):
            yield key.capitalize(), repr(value) if key == "delimiter" else str(value)
    for sheet in reading.get("sheets", ()):
        columns = ", ".join(f"{role} from “{header}”" for role, header in sheet["columns"].items())
        where = f"header in row {sheet['header_row']}" if sheet["header_row"] else "no header"
        yield f"Sheet {sheet['name']}" if sheet["name"] else "Columns", f"{where}: {columns}"


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Settings as `section.key` and value."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
