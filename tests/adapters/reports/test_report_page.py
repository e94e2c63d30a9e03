"""report.html, taken apart by Python's HTML parser."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_builders import BATCH, facts, rejected, window

from importer.model import OUTCOMES, Action, Batch, Outcome
from importer.reports.chart import WIDTH, chart
from importer.reports.summary import BatchTally, SourceFacts
from importer.reports.writing import write_reports

VOID = {"meta", "rect", "br"}


class Page(HTMLParser):
    """The tags, their attributes and the text of a page; fails on tags that don't close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


def page(tmp_path: Path, *windows: pa.RecordBatch, **values: Any) -> Page:
    write_reports(tmp_path, facts(**values), windows, ["html"])
    return Page((tmp_path / "report.html").read_text("utf-8"))


def test_the_page_asks_the_network_for_nothing_and_runs_nothing(tmp_path: Path) -> None:
    page(tmp_path, window({}, rejected("x y")))
    text = (tmp_path / "report.html").read_text("utf-8")
    assert not re.search(r"(src|href|action)\s*=|url\(|@import|<script|<link|<iframe|javascript:", text, re.IGNORECASE)
    assert "default-src 'none'" in text


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><b>", "{{ 7*7 }}"]
)
def test_values_from_outside_are_text_wherever_they_stand(tmp_path: Path, hostile: str) -> None:
    plain = {tag for tag, _ in page(tmp_path, window(rejected("x", code="c"))).tags}
    shown = page(
        tmp_path,
        window(rejected(hostile, gtin=hostile, batch=hostile, expiry=hostile, message=hostile, code=hostile)),
        source=SourceFacts(hostile, "00", 1, 3),
        batches=[BatchTally(Batch(hostile, hostile, hostile), {"assigned": 1})],
        warnings={hostile: 1},
        reading={"format": hostile, "remarks": [hostile]},
        user=hostile,
        next_command=hostile,
    )
    assert {tag for tag, _ in shown.tags} <= plain | {"ul", "li"}
    assert shown.text.count(hostile) >= 10


def test_the_totals_show_the_identity(tmp_path: Path) -> None:
    assert "✓ Nothing is missing: 3 rows read = 2 + 0 + 0 + 1 + 0 + 0 + 0." in page(tmp_path).text


def test_an_identity_that_does_not_hold_is_the_first_thing_said(tmp_path: Path) -> None:
    text = page(tmp_path, identity_holds=False).text
    assert text.index("The counts do not add up") < text.index("What became of")
    assert "Run importer verify 20261122T071500Z-7f3a9c and keep this report." in text


def test_problems_stand_grouped_by_code_the_most_frequent_first_with_examples(tmp_path: Path) -> None:
    rows = [rejected("one", code="rare"), *(rejected(f"many{n}", code="often") for n in range(9))]
    text = page(tmp_path, window(*rows)).text
    assert text.index("often 9 rows") < text.index("rare 1 row")
    assert [f"many{n}" in text for n in range(9)] == [True] * 5 + [False] * 4
    assert "The serial has a character that GS1 does not allow." in text
    assert "Correct them in not_assigned.csv and import it" in text


def test_examples_are_the_first_rows_of_the_source_across_windows(tmp_path: Path) -> None:
    text = page(tmp_path, window({}, rejected("first")), window(rejected("second"), first=100)).text
    assert re.search(r"3\s*first.*100\s*second", text)


def test_what_assigned_means_and_does_not_mean_is_said(tmp_path: Path) -> None:
    assert "It does not mean that the pack was reported to a market" in page(tmp_path).text


def test_the_next_command_is_shown_where_there_is_one(tmp_path: Path) -> None:
    assert "To go on: importer retry R1" in page(tmp_path, next_command="importer retry R1").text
    assert "To go on" not in page(tmp_path).text


def test_how_the_list_was_read_is_said(tmp_path: Path) -> None:
    sheet = {"name": "March", "header_row": 3, "columns": {"serial": "Numer seryjny", "gtin": "GTIN"}}
    reading = {"format": "xlsx", "encoding": "", "sheets": [sheet], "remarks": ["The hidden sheet was not read."]}
    text = page(tmp_path, reading=reading).text
    assert "header in row 3: serial from “Numer seryjny”, GTIN from “GTIN”" in text
    assert "The hidden sheet was not read." in text


def test_a_bar_says_in_words_what_it_shows(tmp_path: Path) -> None:
    labels = [attributes.get("aria-label") for tag, attributes in page(tmp_path).tags if tag == "svg"]
    assert labels == ["2 assigned, 1 rejected"]


def test_a_german_report_speaks_german_but_for_names_of_files_and_codes(tmp_path: Path) -> None:
    shown = page(
        tmp_path, window({}, rejected("x y", message="Falsch.")), language="de", warnings={"expiry_past": 1}
    ).text
    for words in ("Was aus 3 Zeilen wurde", "Nichts fehlt", "Abgewiesen", "1 Zeile: Verfalldatum", "Der Lauf"):
        assert words in shown
    english = {"rows", "Rows", "Problems", "Warnings", "Batches", "Nothing", "What", "The", "sent", "of", "the"}
    assert english & set(re.findall(r"[A-Za-z]+", shown)) == set()


def test_of_many_batches_those_with_most_problems_are_drawn_and_the_page_says_so(tmp_path: Path) -> None:
    batches = [
        BatchTally(Batch(BATCH.gtin, f"B{n}", "271130"), {Outcome.ASSIGNED: 100, Outcome.REFUSED: n}) for n in range(80)
    ]
    shown = page(tmp_path, batches=batches)
    assert "The 50 batches with most rows that are not assigned, of 80." in shown.text
    assert [bar.batch.batch for bar in chart(batches).bars] == [f"B{n}" for n in range(30, 80)]


@given(st.dictionaries(st.sampled_from(OUTCOMES[Action.COMMISSION]), st.integers(0, 10**8)))
def test_the_pieces_of_a_bar_fill_it_and_none_is_too_small_to_be_seen(counts: dict[str, int]) -> None:
    (bar,) = chart([BatchTally(BATCH, counts)]).bars
    assert [piece.outcome for piece in bar.pieces] == [
        outcome for outcome in OUTCOMES[Action.COMMISSION] if counts.get(outcome)
    ]
    if bar.pieces:
        assert sum(piece.width for piece in bar.pieces) == pytest.approx(WIDTH, abs=0.1)
        assert min(piece.width for piece in bar.pieces) > 7
