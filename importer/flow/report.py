"""Step 3: the report of a run, from the ledger alone. It may be written again any time, and beside a running import."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from importer.errors import ConfigError
from importer.flow.marked import give_back
from importer.ledger.ports import View
from importer.ledger.records import Run
from importer.model import Message
from importer.reports.manifest import holds_summary
from importer.reports.publishing import Drafts
from importer.reports.summary import RunSummary, Written
from importer.reports.writing import SUMMARY, write_drafts
from importer.results.outcomes import windows
from importer.results.totals import facts_of, in_words, sheet_names
from importer.words.language import Language


def must_have_room(directory: Path) -> None:
    """Raise ConfigError where no report can be written: better before anything is sent than after it."""
    nearest = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        why = "read_only" if nearest.is_dir() else "file"
        raise ConfigError("report_unwritable", case=why, path=str(directory), place=str(nearest))


def report(
    view: View, run: Run, directory: Path, formats: Collection[str], language: Language, again: str = ""
) -> tuple[RunSummary, Written]:
    """Write the report of a run into `directory`, and return what it says. `again` completes the commands that it
    suggests. Raises ImporterError where that fails.

    All of it tells of one moment, also beside a running import; that moment comes after all that another writer of the
    same report has told.
    """
    with Drafts(directory) as drafts, view.at_one_moment():
        run = view.run_by_num(run.num)
        facts = facts_of(view, run, again)
        marked = give_back(run, formats)
        if isinstance(marked, Message):
            remarks = [*facts.reading.get("remarks", ()), marked.part()]
            facts, marked = replace(facts, reading={**facts.reading, "remarks": remarks}), None
        facts = in_words(facts, language)
        rows = windows(view, run, sheet_names(run), language)
        return facts, write_drafts(drafts, facts, rows, formats, marked)


def is_reported(run: Run, directory: Path) -> bool:
    """Whether a whole report of how the run ended last stands in `directory`: not after a kill while it was written."""
    if not holds_summary(directory, SUMMARY):
        return False
    return bool(json.loads((directory / SUMMARY).read_bytes())["ended_at"] == run.ended_at)
