"""Holds sandbox, ledger and report of a run against each other, row by row. What it yields are differences."""

from __future__ import annotations

import csv
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chaos_list import Key, List, Row

from importer.ledger.sqlite.view import SqliteView
from importer.model import ChunkState, Outcome
from importer.sandbox import Entry, read_ledger, read_requests

Told = dict[int, tuple[str, str]]
"""Row of the source to outcome and code."""


@dataclass(frozen=True, slots=True)
class How:
    """What the importer was told of doubt, and what the sandbox does with a serial that comes twice."""

    twice: str
    exists_means: str
    policy: str


def told(directory: Path, rows: tuple[Row, ...]) -> tuple[Told, list[str]]:
    """What the report says, and how it differs from the source."""
    found: Told = {}
    wrong: list[str] = []
    for name in ("assigned.csv", "not_assigned.csv"):
        with (directory / name).open(encoding="utf-8-sig", newline="") as file:
            for line in csv.DictReader(file, strict=True):
                number = int(line["row"])
                row = rows[number - 2]
                if number in found:
                    wrong.append(f"row {number} stands in the report twice")
                found[number] = line["outcome"], line["code"]
                if "rejected" not in row.outcomes:
                    as_read = line["SerialNumber"], line["GTIN"], line["Batch"], line["ExpirationDate"]
                    if as_read != (row.serial, row.gtin, row.batch, row.expiry):
                        wrong.append(f"row {number} is {as_read} in the report, {row} in the source")
    wrong += [f"row {number} is not in the report" for number in range(2, len(rows) + 2) if number not in found]
    return found, wrong


def assigned_in(ledger: Path) -> set[Key]:
    """The serials that the ledger has as assigned at this moment."""
    view = SqliteView(ledger)
    found: set[Key] = set()
    try:
        for run in view.runs():
            batches = view.batches(run.num)
            for kept in list(view.chunks_by_key(run.num)):
                if kept.state == ChunkState.SETTLED and kept.fate and kept.fate.outcome == Outcome.ASSIGNED:
                    gtin = batches[kept.batch].gtin
                    found.update((gtin, serial) for serial in view.serials(kept.id))
    finally:
        view.close()
    return found


def _in_doubt(ledger: Path) -> set[Key]:
    """The serials of which the ledger says that an answer was lost: by its attempts, not by what followed from them."""
    db = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    lost = {
        chunk for (chunk,) in db.execute("SELECT chunk FROM attempt WHERE answered_at IS NULL OR verdict = 'doubt'")
    }
    db.close()
    view = SqliteView(ledger)
    found: set[Key] = set()
    for run in view.runs():
        batches = view.batches(run.num)
        for chunk in lost:
            found.update((batches[view.stored(chunk).batch].gtin, serial) for serial in view.serials(chunk))
    view.close()
    return found


def differences(rows: List, ledger: Path, box: Path, report: Told, undisturbed: Told, how: How) -> Iterator[str]:
    """`report` and `undisturbed` are those of the same list, with and without kills and faults."""
    products = {row.gtin for row in rows.rows}
    entries = {key: entry for key, entry in read_ledger(box).items() if key[0] in products}
    doubtful = _in_doubt(ledger)
    sendable = rows.sendable()
    yield from (f"{key} was sent and may not be" for key in entries if key not in sendable)
    for place, row in enumerate(rows.rows):
        number = place + 2
        yield from (
            f"row {number} ({row.serial}): {text}"
            for text in _row(row, report[number], entries.get(row.key), how)
            if "rejected" not in row.outcomes
        )
        if report[number] != undisturbed[number] and not _excused(row, report[number], doubtful, how):
            yield f"row {number} ({row.serial}): {report[number]}, undisturbed {undisturbed[number]}"
    assigned = {rows.rows[number - 2].key for number, (outcome, _) in report.items() if outcome == "assigned"}
    if assigned != (kept := assigned_in(ledger)):
        yield f"report and ledger differ in what is assigned: {assigned ^ kept}"
    yield from _requests(ledger, box, products)


def _row(row: Row, said: tuple[str, str], entry: Entry | None, how: How) -> Iterator[str]:
    outcome, code = said
    taken = entry is not None and entry.commissioned > 0
    if outcome == "assigned":
        if entry is None or not taken:
            yield "assigned, and the sandbox has not taken it"
            return
        if (entry.batch, entry.expiry, entry.conflicts) != (row.batch, row.expiry, 0):
            yield f"assigned, and the sandbox has it with {entry.batch} {entry.expiry}"
        if not entry.confirmed and (how.twice == "assigned" or how.exists_means != "assigned"):
            yield "assigned, and no answer said so"
    if outcome in {"refused", "rejected", "unsent"} and taken:
        yield f"{outcome} ({code}), and the sandbox has taken it"
    if outcome == "duplicate" and (code == "") != taken and how.twice == "assigned" and how.policy == "replay":
        yield f"duplicate ({code}), and its first row was {'' if taken else 'not '}taken"


def _excused(row: Row, said: tuple[str, str], doubtful: set[Key], how: How) -> bool:
    """Doubt may end as `unknown` where the API doesn't take a serial twice as if new, or the importer may not ask.

    Where it may not ask whether a product is registered, it asks with the next chunk of it.
    """
    if how.policy == "hold" and "unsent" in row.outcomes and said[1] == "product_not_registered":
        return True
    may_be_unknown = how.policy == "hold" or (how.twice != "assigned" and how.exists_means == "unknown")
    unknown = said[0] == "unknown" or said == ("duplicate", "first_row_not_assigned")
    return may_be_unknown and unknown and row.key in doubtful


def _requests(ledger: Path, box: Path, products: set[str]) -> Iterator[str]:
    """Each request for one of the products that came has its mark."""
    db = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    marks: Counter[tuple[str, int]] = Counter()
    for gtin, serials, count in db.execute(
        "SELECT batch.gtin, chunk.serials, count(*) FROM attempt JOIN chunk ON chunk.id = attempt.chunk "
        "JOIN batch ON batch.run = chunk.run AND batch.num = chunk.batch GROUP BY 1, 2"
    ):
        marks[gtin, serials] = count
    db.close()
    visits = [visit for visit in read_requests(box) if visit.request == "commission" and visit.gtin in products]
    for (gtin, serials), count in Counter((visit.gtin, visit.serials) for visit in visits).items():
        if count > marks[gtin, serials]:
            yield f"{count} requests with {serials} serials of {gtin} came, {marks[gtin, serials]} were marked"


def chunks_in_doubt(ledger: Path) -> int:
    """Planned chunks of which an answer was ever lost."""
    db = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    (count,) = db.execute(
        "SELECT count(DISTINCT chunk.root) FROM attempt JOIN chunk ON chunk.id = attempt.chunk "
        "WHERE answered_at IS NULL OR verdict = 'doubt'"
    ).fetchone()
    db.close()
    return int(count)


def most_in_a_second(box: Path) -> int:
    """Requests that arrived at the sandbox in whichever second holds the most, by its own clock."""
    times = sorted(visit.tick for visit in read_requests(box))
    first = 0
    most = 0
    for last, moment in enumerate(times):
        while moment - times[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def resent(before: Mapping[Key, int], box: Path) -> Iterator[str]:
    """`before` is what the sandbox had received of serials when the ledger had them as assigned."""
    entries = read_ledger(box)
    for key, received in before.items():
        if entries[key].received > received:
            yield f"{key} was assigned, and was sent {entries[key].received - received} times more"


def received(keys: set[Key], box: Path) -> dict[Key, int]:
    counts: defaultdict[Key, int] = defaultdict(int)
    entries = read_ledger(box)
    for key in keys:
        counts[key] = entries[key].received
    return dict(counts)
