"""Rows whose fate is unknown, resolved by what a person has looked up in the console: evidence of its own kind, which
stands in the ledger as an event that names each serial, with who, when and why. Never an answer of the API.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from importer.concurrency import in_thread
from importer.errors import ConfigError
from importer.events import Actor, Event, EventKind
from importer.flow.importing import Finished
from importer.flow.report import report
from importer.gs1.scans import is_scan, read_scan
from importer.ledger.ports import Ledger, View
from importer.ledger.records import Run, StoredChunk, now
from importer.model import Action, Batch, ChunkState, Fate, Message, Outcome, Part, Reject, RunState, Settlement
from importer.reconcile import RESOLVED_ASSIGNED, RESOLVED_NOT_ASSIGNED, named_in_evidence
from importer.results.fate import fate_of
from importer.results.totals import count
from importer.words.language import Language

_ALL = 1 << 31
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class UnknownRow:
    """A serial of which no answer says what became of it, and its first row."""

    key: int
    serial: str
    batch: Batch
    chunk: StoredChunk
    place: int
    """Of the serial in the chunk."""

    @property
    def fate(self) -> Fate | None:
        return self.chunk.fate


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a person has looked up: keys of rows that are assigned, and of rows that are not."""

    assigned: Collection[int]
    not_assigned: Collection[int]
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Writing:
    """How the report is written again."""

    report_dir: Path
    formats: Collection[str]
    language: Language
    again: str = ""


def unknown_rows(view: View, run: Run) -> Iterator[UnknownRow]:
    """In the order of the chunks' first rows. None is on its way: those are not known to be unknown."""
    batches = view.batches(run.num)
    for chunk in view.problem_chunks(run.num, _ALL):
        if chunk.state == ChunkState.SENT or fate_of(chunk, run).outcome != Outcome.UNKNOWN:
            continue
        rows = view.rows(chunk.id)
        for place, (key, serial) in enumerate(zip(rows.keys.tolist(), rows.serials, strict=True)):
            yield UnknownRow(key, serial, batches[chunk.batch], chunk, place)


def keys_of(rows: Iterable[UnknownRow], texts: Iterable[str], run: Run) -> set[int]:
    """The keys of serials or scanned codes. Raises ConfigError for one that is not unknown, or stands for two rows."""
    known = defaultdict[str, list[UnknownRow]](list)
    for row in rows:
        known[row.serial].append(row)
    found, missing = set[int](), list[str]()
    for text in texts:
        serial, gtin = _read(text)
        fitting = [row for row in known.get(serial, ()) if gtin in ("", row.batch.gtin)]
        if len(fitting) > 1:
            raise ConfigError("resolve_ambiguous", serial=serial, gtins=[row.batch.gtin for row in fitting])
        if fitting:
            found.add(fitting[0].key)
        else:
            missing.append(text)
    if missing:
        raise _not_unknown(missing, run)
    return found


def _read(text: str) -> tuple[str, str]:
    if not is_scan(text):
        return text, ""
    scan = read_scan(text)
    if isinstance(scan, Reject):
        raise ConfigError(scan.code, scan.role, **scan.values)
    return scan.serial, scan.gtin or ""


def _not_unknown(texts: list[str], run: Run) -> ConfigError:
    rest = len(texts) - _MOST_NAMED
    return ConfigError("resolve_not_unknown", serials=[*texts[:_MOST_NAMED], *([rest] if rest > 0 else [])], run=run.id)


async def resolve(ledger: Ledger, run_id: str, lookup: Lookup, actor: Actor, writing: Writing) -> Finished:
    """Note what was looked up, let the rows have their fate, and write the report again.

    Raises ConfigError for a run that goes on or was interrupted, and for rows that are not unknown (any more).
    """
    with ledger.view() as view:
        run = view.run(run_id)
        _must_rest(run)
        rows = {row.key: row for row in unknown_rows(view, run)}
    decided = {**dict.fromkeys(lookup.assigned, True), **dict.fromkeys(lookup.not_assigned, False)}
    if len(decided) < len(lookup.assigned) + len(lookup.not_assigned):
        raise ConfigError("resolve_both")
    if not decided or not decided.keys() <= rows.keys():
        raise _not_unknown([str(key & 0xFFFFFFFF) for key in decided if key not in rows], run)
    chosen = {key: rows[key] for key in decided}
    evidence = {
        name: [named_in_evidence(row.batch.gtin, row.serial) for key, row in chosen.items() if decided[key] is is_there]
        for name, is_there in (("found", True), ("not_found", False))
    }
    event = Event(EventKind.RESOLVE, actor, run=run.id, before=evidence, comment=lookup.comment, at=now())
    await ledger.begin_event(event)
    await in_thread(_settle, ledger, run, chosen, decided, event)
    with ledger.view() as view:
        counts = count(view, run)
        outcomes = {outcome.value: rows for outcome, rows in counts.tally.outcomes.items() if rows}
        over = not counts.pending
        code = counts.tally.exit_code(counts.skipped_for_product) if over else run.exit_code or 0
        why = Message.of(run.stopped_by) if run.stopped_by and not over else None
        await ledger.ended(run.num, RunState.FINISHED if over else run.state, code, why, 0.0)
        await ledger.close_event(event, outcomes)
        run = view.run(run_id)
        directory = writing.report_dir / run.id
        facts, _ = await in_thread(report, view, run, directory, writing.formats, writing.language, writing.again)
        return Finished(run, facts, directory)


def _must_rest(run: Run) -> None:
    if run.action is not Action.COMMISSION:
        raise ConfigError("resolve_of_undo", run=run.id)
    if run.state not in {RunState.FINISHED, RunState.STOPPED}:
        raise ConfigError("resolve_running", run=run.id)


def _settle(
    ledger: Ledger, run: Run, rows: Mapping[int, UnknownRow], decided: Mapping[int, bool], event: Event
) -> None:
    """Chunk by chunk: each is whole in the ledger, or as it was."""
    values = {"who": event.actor.user, "at": event.at}
    fates = {
        True: Fate(Outcome.ASSIGNED, RESOLVED_ASSIGNED, values),
        False: Fate(Outcome.REFUSED, RESOLVED_NOT_ASSIGNED, values),
    }
    by_chunk = defaultdict[int, dict[bool, list[int]]](lambda: {True: [], False: []})
    chunks = {row.chunk.id: row.chunk for row in rows.values()}
    for key, row in rows.items():
        by_chunk[row.chunk.id][decided[key]].append(row.place)
    for number, places in by_chunk.items():
        ledger.resolve(run.num, number, _settlement(chunks[number], places, fates))


def _settlement(chunk: StoredChunk, places: Mapping[bool, list[int]], fates: Mapping[bool, Fate]) -> Settlement:
    parts = [Part(sorted(some), fates[is_there]) for is_there, some in places.items() if some]
    taken = {place for some in places.values() for place in some}
    rest = [place for place in range(chunk.serials) if place not in taken]
    if rest:
        still = chunk.fate if chunk.state == ChunkState.SETTLED else None
        parts.append(Part(rest, still, chunk.doubt))
    if len(parts) == 1:
        return Settlement(ChunkState.SETTLED, parts[0].fate, doubt=chunk.doubt)
    return Settlement(ChunkState.CUT, parts=[replace(part, doubt=chunk.doubt) for part in parts], doubt=chunk.doubt)
