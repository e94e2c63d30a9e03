"""A report beside a running import: all of it tells of one moment, and the last one written of the latest."""

from __future__ import annotations

import csv
import json
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ledger_builders import ASSIGNED, chunks_of, looking, planned, rows_of, send, staged_run

from importer.flow.report import report
from importer.ledger.ports import Place
from importer.reports.publishing import Drafts
from importer.words.language import Language


def told(directory: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Rows by outcome, as the summary and as the lists say."""
    summary = json.loads((directory / "summary.json").read_bytes())["outcomes"]
    counted = Counter[str]()
    for name in ("assigned.csv", "not_assigned.csv"):
        with (directory / name).open(encoding="utf-8-sig", newline="") as file:
            counted.update(row["outcome"] for row in csv.DictReader(file))
    return {outcome: rows for outcome, rows in summary.items() if rows}, dict(counted)


class Csv(list[str]):
    """The format of a report. When it is first asked for, the facts are known and the rows still to come: something is
    recorded then.
    """

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__(["csv"])
        self._meanwhile: Callable[[], None] | None = meanwhile

    def __contains__(self, wanted: object) -> bool:
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile:
            meanwhile()
        return super().__contains__(wanted)


def test_summary_and_lists_tell_of_one_moment(place: Place, tmp_path: Path) -> None:
    with place.open() as ledger, looking(place) as view:
        number = staged_run(ledger, planned(rows_of(["A"])), planned(rows_of(["B"], 3)))
        first, _ = chunks_of(place, number)
        formats = Csv(lambda: ledger.divide(number, first.id, ASSIGNED))
        report(view, view.run_by_num(number), tmp_path / "report", formats, Language("en"))
        assert [chunk.fate for chunk in view.chunks_by_key(number)] == [ASSIGNED.fate, None]
    assert told(tmp_path / "report") == ({"unsent": 2}, {"unsent": 2})


async def test_a_report_that_waited_for_another_writer_tells_what_was_recorded_meanwhile(
    place: Place, tmp_path: Path
) -> None:
    directory = tmp_path / "report"

    def write(number: int) -> None:
        with place.view() as view:
            report(view, view.run_by_num(number), directory, ["csv"], Language("en"))

    with place.open() as ledger:
        number = staged_run(ledger, planned(rows_of(["A"])))
        with Drafts(directory):
            waiting = threading.Thread(target=write, args=[number])
            waiting.start()
            await send(ledger, number, chunks_of(place, number)[0], ASSIGNED)
        waiting.join()
    assert told(directory) == ({"assigned": 1}, {"assigned": 1})
