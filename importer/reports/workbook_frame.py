"""The workbook without the rows of its lists: XlsxWriter makes sheets, styles, headers, filters and the Summary."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from importer.model import Outcome, spoken_target
from importer.reports.summary import RunSummary, all_seven

_BASE = {"font_name": "Calibri", "font_size": 11, "valign": "top"}
_PALE, _DARK = "#eef1f4", "#24292f"
_WIDTHS = (26, 14, 74)
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


@dataclass(frozen=True, slots=True)
class ListSheet:
    """A sheet whose rows come later: its name, how many rows it will hold, and header -> (width, number)."""

    name: str
    rows: int
    columns: Mapping[str, tuple[float, bool]]


def frame(facts: RunSummary, sheets: Sequence[ListSheet]) -> bytes:
    """The workbook, Summary first. The first row of each list (where it has rows) stands there as a mould: a cell of
    each column, in that column's style.
    """
    file = io.BytesIO()
    workbook = Workbook(file, dict(_OPTIONS))
    workbook.set_properties({"title": f"Serial import {facts.run}", "created": _moment(facts.ended_at)})
    _write_summary(workbook, facts)
    for sheet in sheets:
        _write_list(workbook, sheet)
    workbook.close()
    return file.getvalue()


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
    except ValueError:
        return datetime(1980, 1, 1)  # noqa: DTZ001  a workbook's dates have no zone


def _write_list(workbook: Workbook, sheet: ListSheet) -> None:
    page = workbook.add_worksheet(sheet.name)
    dark = {**_BASE, "bold": True, "font_color": "#ffffff", "bg_color": _DARK}
    heads = {
        is_number: workbook.add_format({**dark, "align": "right" if is_number else "left"})
        for is_number in (False, True)
    }
    text, number = {**_BASE, "num_format": "@"}, {**_BASE, "num_format": "0", "align": "right", "indent": 1}
    styles = {True: workbook.add_format(number), False: workbook.add_format(text)}
    for place, (name, (width, is_number)) in enumerate(sheet.columns.items()):
        page.set_column(place, place, width)
        page.write_string(0, place, name, heads[is_number])
        if sheet.rows:
            page.write_blank(1, place, None, styles[is_number])
    last = len(sheet.columns) - 1
    page.freeze_panes(1, 1)
    page.autofilter(0, 0, sheet.rows, last)
    page.ignore_errors({"number_stored_as_text": f"A1:{chr(ord('A') + last)}{sheet.rows + 1}"})
    _make_printable(page, header_row=True)
    if sheet.rows:
        _colour(workbook, page, sheet)


def _colour(workbook: Workbook, page: Worksheet, sheet: ListSheet) -> None:
    """Colour outcomes, and counts of them, by rules, so that the colour follows a cell that is sorted or corrected."""
    places = {name: place for place, name in enumerate(sheet.columns)}
    for outcome, look in LOOKS.items():
        style = workbook.add_format({"font_color": look.ink, "bg_color": look.paper})
        rule = {"type": "cell", "format": style}
        if "outcome" in places:
            rule |= {"criteria": "==", "value": f'"{outcome}"'}
            page.conditional_format(1, places["outcome"], sheet.rows, places["outcome"], rule)
        else:
            rule |= {"criteria": ">", "value": 0}
            page.conditional_format(1, places[outcome], sheet.rows, places[outcome], rule)


def _make_printable(page: Worksheet, *, header_row: bool) -> None:
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.set_footer("&L&F  &A&RPage &P of &N")
    if header_row:
        page.set_landscape()
        page.repeat_rows(0)


class _SummaryPage:
    """Writes the Summary from top to bottom."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self._page = workbook.add_worksheet("Summary")
        self._row = 0
        for place, width in enumerate(_WIDTHS):
            self._page.set_column(place, place, width)
        self._page.hide_gridlines(2)
        _make_printable(self._page, header_row=False)

    def style(self, **more: Any) -> Format:
        return self._workbook.add_format({**_BASE, **more})

    def title(self, text: str, size: int, *, above: int = 1) -> None:
        self._row += above
        self._page.set_row(self._row, size * 1.6)
        self._page.write_string(self._row, 0, text, self.style(bold=True, font_size=size))
        self._row += 1

    def line(self, *values: str | int, styles: Sequence[Format]) -> None:
        for place, (value, style) in enumerate(zip(values, styles, strict=True)):
            if isinstance(value, int):
                self._page.write_number(self._row, place, value, style)
            else:
                self._page.write_string(self._row, place, value, style)
        self._row += 1

    def paragraph(self, text: str, **more: Any) -> None:
        style = self.style(text_wrap=True, **more)
        self._page.merge_range(self._row, 0, self._row, len(_WIDTHS) - 1, "", style)
        self._page.write_string(self._row, 0, text, style)
        self._page.set_row(self._row, 16 * (1 + len(text) // 110))
        self._row += 1


def _write_summary(workbook: Workbook, facts: RunSummary) -> None:
    page = _SummaryPage(workbook)
    page.title(f"Import of {facts.source.name}", 16, above=0)
    _write_outcomes(page, facts)
    page.paragraph(ASSIGNED_MEANS, font_color="#57606a")
    _write_counts(page, "Problems, by code", facts.codes)
    _write_counts(page, "Warnings: sent all the same", facts.warnings)
    if facts.next_command:
        page.title("To go on", 13)
        page.paragraph(facts.next_command, font_name="Consolas", bg_color=_PALE)
    page.title("The run", 13)
    key, value = page.style(font_color="#57606a"), page.style(num_format="@")
    for name, text in _run(facts).items():
        page.line(name, text, styles=(key, value))


def _write_outcomes(page: _SummaryPage, facts: RunSummary) -> None:
    head, number = page.style(bold=True, bottom=1), page.style(num_format="#,##0", bold=True)
    right, indented = (
        page.style(bold=True, bottom=1, align="right"),
        page.style(bold=True, bottom=1, align="left", indent=1),
    )
    page.line("Outcome", "Rows", "What it means", styles=(head, right, indented))
    for outcome, count in all_seven(facts.outcomes).items():
        look = LOOKS[outcome]
        label = page.style(bold=True, font_color=look.ink, bg_color=look.paper)
        page.line(look.label, count, look.meaning, styles=(label, number, page.style(align="left", indent=1)))
    total = page.style(bold=True, top=1)
    sentence = "= the sum of the seven" if facts.identity_holds else "IS NOT the sum of the seven: run importer verify"
    rows = page.style(num_format="#,##0", bold=True, top=1)
    page.line(
        "Rows read",
        facts.source.rows,
        sentence,
        styles=(total, rows, page.style(bold=True, top=1, align="left", indent=1)),
    )


def _write_counts(page: _SummaryPage, title: str, counts: Mapping[str, int]) -> None:
    if counts:
        page.title(title, 13)
        for code, count in sorted(counts.items(), key=lambda item: -item[1]):
            page.line(code, count, styles=(page.style(num_format="@"), page.style(num_format="#,##0")))


def _run(facts: RunSummary) -> dict[str, str]:
    return {
        "Run": facts.run,
        "List": facts.source.name,
        "SHA-256 of the list": facts.source.sha256,
        "Size of the list": f"{facts.source.bytes:,} bytes",
        "Sent to": spoken_target(facts.target),
        "Started": facts.started_at,
        "Ended": facts.ended_at,
        "Requests sent": f"{facts.requests.sent:,}, {facts.requests.retried:,} of them repeated",
        "Exit code": str(facts.exit_code),
        "Importer": facts.version,
        "User": f"{facts.user} on {facts.host}",
    }


# How outcomes look and what they mean, in a planner's words; shared by the workbook and the page.
@dataclass(frozen=True, slots=True)
class Look:
    """One outcome for people. Colours are `#rrggbb`, readable on white (`ink` on `paper`: 4.5 to 1 or better)."""

    label: str
    meaning: str
    ink: str
    paper: str


LOOKS: Mapping[str, Look] = {
    Outcome.ASSIGNED: Look("Assigned", "The API answered Assigned for it in this run.", "#116329", "#d7f0dd"),
    Outcome.ALREADY_ASSIGNED: Look(
        "Already assigned",
        "An earlier run has it assigned, with the same batch and expiry: not sent again.",
        "#0b5a66",
        "#d0edf2",
    ),
    Outcome.DUPLICATE: Look(
        "Duplicate", "It repeats an earlier row of this list: sent once, for that row.", "#424a53", "#e4e8ec"
    ),
    Outcome.REJECTED: Look("Rejected", "It failed a check of the importer: not sent.", "#9b1c12", "#fbdcd8"),
    Outcome.REFUSED: Look("Refused", "It was sent, and the API refused it.", "#8a3800", "#fde2cc"),
    Outcome.UNKNOWN: Look("Unknown", "It was sent, and no answer says what became of it.", "#5a32a3", "#e8dff8"),
    Outcome.UNSENT: Look("Unsent", "It is right, and was not sent.", "#6b5200", "#faeebc"),
}

ASSIGNED_MEANS = (
    "Assigned means that the serial is registered in the tenant's pool and can't be given out again. It does not mean "
    "that the pack was reported to a market: a person does that in the console afterwards. A serial that was made "
    "elsewhere can't be released again, only decommissioned."
)

_BY_OUTCOME: Mapping[str, str] = {
    Outcome.REJECTED: "Correct these rows in not_assigned.csv and import it: what the importer added is ignored.",
    Outcome.REFUSED: "Settle the cause that the API names, then run the retry command: only these rows are sent again.",
    Outcome.UNKNOWN: "Look them up in the console (pack history), or run the retry command: it sends them again.",
    Outcome.UNSENT: "Nothing is wrong with these rows: `importer resume` or `retry` sends them.",
    Outcome.DUPLICATE: "Nothing to do here: the row that comes first decides.",
}
_BY_CODE: Mapping[str, str] = {
    "product_not_registered": "Register the product in the console, then retry: all serials of that GTIN wait for it.",
    "first_row_not_assigned": "Settle the row that comes first; these rows repeat it and share its fate.",
}


def tip(code: str, outcome: str) -> str:
    """What a planner does about rows with this code."""
    return _BY_CODE.get(code) or _BY_OUTCOME.get(outcome, "")
