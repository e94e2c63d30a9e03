"""The workbook without the rows of its lists: XlsxWriter makes sheets, styles, headers, filters and the Summary."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from importer.model import Action, Outcome
from importer.reports.summary import RunSummary, all_seven
from importer.words.language import language

Said = Callable[..., str]
"""Fixed words of a report, by key, with the values of their holes."""
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
    said = partial(language(facts.language).label, "report")
    workbook.set_properties({"title": said("title", run=facts.run), "created": _moment(facts.ended_at)})
    _write_summary(workbook, facts, said)
    for sheet in sheets:
        _write_list(workbook, sheet, said)
    _write_corrections(workbook, facts)
    workbook.close()
    return file.getvalue()


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
    except ValueError:
        return datetime(1980, 1, 1)  # noqa: DTZ001  a workbook's dates have no zone


_MOST_CORRECTIONS = 1_000_000


def _write_corrections(workbook: Workbook, facts: RunSummary) -> None:
    """A sheet of what was corrected on the page, behind the others; none where nothing was."""
    if not facts.corrections:
        return
    page = workbook.add_worksheet("Corrections")
    head = workbook.add_format({**_BASE, "bold": True, "font_color": "#ffffff", "bg_color": _DARK})
    text = workbook.add_format({**_BASE, "num_format": "@"})
    names = ("row", "column", "old", "new", "by", "at", *(("sheet",) if len(facts.sheet_names) > 1 else ()))
    for place, name in enumerate(names):
        page.set_column(place, place, 24)
        page.write_string(0, place, name, head)
    for row, one in enumerate(facts.corrections[:_MOST_CORRECTIONS], 1):
        for place, name in enumerate(names):
            page.write_string(row, place, str(one[name] or ""), text)
    page.freeze_panes(1, 1)
    page.autofilter(0, 0, len(facts.corrections), len(names) - 1)


def _write_list(workbook: Workbook, sheet: ListSheet, said: Said) -> None:
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
    _make_printable(page, said("footer"), header_row=True)
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
        elif outcome in places:
            rule |= {"criteria": ">", "value": 0}
            page.conditional_format(1, places[outcome], sheet.rows, places[outcome], rule)


def _make_printable(page: Worksheet, pages: str, *, header_row: bool) -> None:
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.set_footer(f"&L&F  &A&R{pages}")
    if header_row:
        page.set_landscape()
        page.repeat_rows(0)


class _SummaryPage:
    """Writes the Summary from top to bottom."""

    def __init__(self, workbook: Workbook, said: Said) -> None:
        self.said = said
        self._workbook = workbook
        self._page = workbook.add_worksheet("Summary")
        self._row = 0
        for place, width in enumerate(_WIDTHS):
            self._page.set_column(place, place, width)
        self._page.hide_gridlines(2)
        _make_printable(self._page, said("footer"), header_row=False)

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


def _write_summary(workbook: Workbook, facts: RunSummary, said: Said) -> None:
    page = _SummaryPage(workbook, said)
    back = facts.action is Action.DECOMMISSION
    title = (
        said("undo_of", name=facts.source.name, run=facts.undoes) if back else said("import_of", name=facts.source.name)
    )
    page.title(title, 16, above=0)
    _write_outcomes(page, facts)
    page.paragraph(said("decommissioned_means" if back else "assigned_means"), font_color="#57606a")
    _write_counts(page, said("problems_by_code"), facts.codes)
    _write_counts(page, said("warnings_sent"), facts.warnings)
    if facts.next_command:
        page.title(said("go_on"), 13)
        page.paragraph(facts.next_command, font_name="Consolas", bg_color=_PALE)
    page.title(said("the_run"), 13)
    key, value = page.style(font_color="#57606a"), page.style(num_format="@")
    for name, text in _run(facts, said).items():
        page.line(name, text, styles=(key, value))


def _write_outcomes(page: _SummaryPage, facts: RunSummary) -> None:
    head, number = page.style(bold=True, bottom=1), page.style(num_format="#,##0", bold=True)
    right, indented = (
        page.style(bold=True, bottom=1, align="right"),
        page.style(bold=True, bottom=1, align="left", indent=1),
    )
    page.line(page.said("col.outcome"), page.said("col.rows"), page.said("col.meaning"), styles=(head, right, indented))
    for outcome, count in all_seven(facts.outcomes, facts.action).items():
        look = LOOKS[outcome]
        label = page.style(bold=True, font_color=look.ink, bg_color=look.paper)
        name, meaning = page.said(f"outcome.{outcome}"), page.said(f"meaning.{outcome}")
        page.line(name, count, meaning, styles=(label, number, page.style(align="left", indent=1)))
    total = page.style(bold=True, top=1)
    sentence = page.said("sum_holds" if facts.identity_holds else "sum_fails")
    rows = page.style(num_format="#,##0", bold=True, top=1)
    page.line(
        page.said("rows_read"),
        facts.source.rows,
        sentence,
        styles=(total, rows, page.style(bold=True, top=1, align="left", indent=1)),
    )


def _write_counts(page: _SummaryPage, title: str, counts: Mapping[str, int]) -> None:
    if counts:
        page.title(title, 13)
        for code, count in sorted(counts.items(), key=lambda item: -item[1]):
            page.line(code, count, styles=(page.style(num_format="@"), page.style(num_format="#,##0")))


def _run(facts: RunSummary, said: Said) -> dict[str, str]:
    return {
        said("run"): facts.run,
        said("list"): facts.source.name,
        said("sha256"): facts.source.sha256,
        said("size"): said("bytes", n=facts.source.bytes),
        said("sent_to"): said("target", target=facts.target),
        said("started"): language(facts.language).instant(facts.started_at),
        said("ended"): language(facts.language).instant(facts.ended_at),
        said("requests_sent"): said("requests", n=facts.requests.sent, retried=facts.requests.retried),
        said("exit_code"): str(facts.exit_code),
        said("importer"): facts.version,
        said("user"): said("user_on", user=facts.user, host=facts.host),
        **_released(facts.release, said),
    }


def _released(release: Mapping[str, Any], said: Said) -> dict[str, str]:
    """Who uploaded, changed and released a list; empty if nobody released it."""
    if not release:
        return {}
    lines = {
        said("release.uploaded"): said("release.who", who=release["uploaded_by"], at=release["uploaded_at"]),
        said("release.changed"): ", ".join(release["corrected_by"]),
        said("release.released"): said(
            "release.seen", who=release["released_by"], at=release["released_at"], seen=release["seen"]
        ),
    }
    return {name: text for name, text in lines.items() if text}


# How outcomes look, in the workbook and on the page.
@dataclass(frozen=True, slots=True)
class Look:
    """One outcome for people. Colours are `#rrggbb`, readable on white (`ink` on `paper`: 4.5 to 1 or better)."""

    ink: str
    paper: str


LOOKS: Mapping[str, Look] = {
    Outcome.ASSIGNED: Look("#116329", "#d7f0dd"),
    Outcome.ALREADY_ASSIGNED: Look("#0b5a66", "#d0edf2"),
    Outcome.DECOMMISSIONED: Look("#116329", "#d7f0dd"),
    Outcome.ALREADY_DECOMMISSIONED: Look("#0b5a66", "#d0edf2"),
    Outcome.DUPLICATE: Look("#424a53", "#e4e8ec"),
    Outcome.REJECTED: Look("#9b1c12", "#fbdcd8"),
    Outcome.REFUSED: Look("#8a3800", "#fde2cc"),
    Outcome.UNKNOWN: Look("#5a32a3", "#e8dff8"),
    Outcome.UNSENT: Look("#6b5200", "#faeebc"),
}
