"""An import as it reads from top to bottom: stage, submit, report."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from structlog.contextvars import bound_contextvars

from importer.api.gate import Wait
from importer.concurrency import Stopping, in_thread
from importer.errors import ConfigError, Exit, ImporterError
from importer.events import Actor, Event, EventKind
from importer.flow.report import report
from importer.flow.undoing import Undo
from importer.ledger.ports import Ledger, View
from importer.ledger.records import NewRun, Run, now
from importer.model import Action, Commissioner, Message, Outcome, RunState
from importer.reports.summary import RunSummary
from importer.results.totals import Counts, count, exit_code
from importer.rows.tables import Source
from importer.sending.attempt import Attempt, Recorded
from importer.sending.overtaken import take_over
from importer.sending.submit import Submission, Submitting
from importer.sources.files import FileFacts, file_facts, must_be_unchanged
from importer.spans import span
from importer.staging.overlap import Earlier
from importer.staging.recording import Recording
from importer.staging.stage import Staging, reading_of, stage
from importer.words.language import Language


class Watcher(Protocol):
    """Receives how an import goes: for a progress bar, for the log."""

    def reading(self, name: str, size: int) -> None: ...

    def read(self, rows: int) -> None: ...

    def sending(self, run: Run, left: int, done: int) -> None:
        """A run is submitted now: `left` serials are to be sent, `done` rows have their outcome already."""
        ...

    def on_attempt(self, event: Attempt) -> None: ...

    def waiting(self, wait: Wait) -> None:
        """Nothing leaves for more than a few seconds."""
        ...

    def reporting(self, run: Run) -> None: ...


Connect = Callable[[Callable[[Commissioner], Commissioner], bool], AbstractAsyncContextManager[Commissioner]]
"""By what records each attempt, and whether the API has ever answered as far as the ledger knows."""
"""Opens the connection to the API. It is given what records each attempt around the client."""


MaySend = Callable[["Parts", Run], AbstractAsyncContextManager["Parts"]]


@dataclass(frozen=True, slots=True)
class Parts:
    """What an import is put together from (wiring.py)."""

    ledger: Ledger
    open_source: Callable[[Path, Any], Source]
    connect: Connect
    staging: Staging
    submitting: Submitting
    report_dir: Path
    formats: Collection[str]
    language: Language
    """Of the report."""
    stopping: Stopping
    watcher: Watcher
    new_run_id: Callable[[], str]
    facts: Mapping[str, Any]
    """Of every new run: settings, version, target."""
    actor: Actor
    """Who asks for it."""
    ended: Callable[[Run, int, Mapping[Outcome, int]], None] = lambda *_: None
    """Is told of the end of a session of a run: its exit code, and how many rows came to each outcome in it."""
    again: str = ""
    """Options that a command for later needs, so that it goes to the same ledger and configuration."""
    released_only: bool = False
    """Lists are released by a second person, on the page: here nothing begins."""
    may_send: MaySend = lambda parts, _: nullcontext(parts)
    """Gets the right to send a run, and what it is sent with (holding.py). Raises LedgerBusy where others have it."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that ended, finished or stopped early."""

    run: Run
    facts: RunSummary
    directory: Path


TURN_OVER = "turn_over"
"""Why a run stops that goes on in a later turn of its own."""
_BEGINS = frozenset({EventKind.RUN, EventKind.DECOMMISSION})


class Import:
    """Runs one source file or goes on with a run. Each method may be called again after any kind of end."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def run(self, path: Path, options: Any, options_json: Mapping[str, Any], released_by: str = "") -> Finished:
        """Import a file; where a run of the same file, read in the same way, stopped early, go on with that.
        `released_by`: who has released it, as the caller says, for the record.

        Raises SourceError, ApiError and the like before anything was sent, Stopped while it was staged.
        """
        with span("run", source=path.name):
            run, is_new = await self._staged(path, options, options_json, None)
            await self._released(run, released_by)
            return await self.submit(run, EventKind.RUN if is_new else EventKind.RESUME)

    async def _released(self, run: Run, released_by: str) -> None:
        if released_by:
            after = {"released_by": released_by, "source_sha256": run.source_sha256}
            event = Event(EventKind.RELEASE, self._parts.actor, run=run.id, after=after)
            await in_thread(self._parts.ledger.record_event, event)

    async def staged(self, path: Path, options: Any, options_json: Mapping[str, Any], released_by: str = "") -> Run:
        """Record a file as it is to be sent, and send nothing; a run that `run` would go on with is taken as it is."""
        run, _ = await self._staged(path, options, options_json, None)
        await self._released(run, released_by)
        return run

    async def undo(self, undo: Undo) -> Finished:
        """Take back what a run has assigned, in a run of its own; where such a run stopped early, go on with that.

        Raises what `run` raises, and ConfigError if it is another number of serials than a person has agreed to.
        """
        path = undo.file or Path(undo.run.source_path)
        with span("run", source=path.name, undoes=undo.run.id):
            run, is_new = await self._staged(path, undo.options, undo.only.identity(), undo)
            return await self.submit(run, EventKind.DECOMMISSION if is_new else EventKind.RESUME)

    async def _staged(
        self, path: Path, options: Any, options_json: Mapping[str, Any], undo: Undo | None
    ) -> tuple[Run, bool]:
        """The run of a file, and whether it is a new one."""
        if self._parts.released_only and undo is None:
            raise ConfigError("four_eyes_page")
        facts = await file_facts(path) if undo is None or undo.file else _as_it_was(undo.run)
        text = json.dumps(options_json, sort_keys=True)
        listed = _Listed(path, options, text, facts, undo)
        undoes = undo.run.id if undo else ""
        run_id = self._parts.new_run_id()
        with self._parts.ledger.view() as view:
            run = view.unfinished_twin(facts.sha256, text, self._parts.facts["target"], undoes)
            if run:
                return run, False
            told = {"run": run_id, "source": path.name}
            with bound_contextvars(**told), span("stage", **told):
                await in_thread(self._stage, listed, run_id, view)
            return view.run(run_id), True

    def _stage(self, listed: _Listed, run_id: str, view: View) -> None:
        parts, path, facts, undo = self._parts, listed.path, listed.facts, listed.undo
        parts.watcher.reading(path.name, facts.bytes)
        source = undo.source(view, parts.open_source) if undo else parts.open_source(path, listed.options)
        accept = listed.options.accept if listed.options else ()
        run = NewRun(
            id=run_id,
            source_name=path.name,
            source_path=str(path.absolute()),
            source_sha256=facts.sha256,
            source_bytes=facts.bytes,
            options=listed.identity,
            started_at=now(),
            action=Action.DECOMMISSION if undo else Action.COMMISSION,
            undoes=undo.run.id if undo else "",
            user=parts.actor.user,
            user_claimed=parts.actor.claimed,
            host=parts.actor.host,
            **{**_with_accepted(parts.facts, accept), **({"target": undo.run.target} if undo else {})},
        )
        number = parts.ledger.begin(run)
        recording = Recording(parts.ledger, number, parts.staging.spill, run.action)
        try:
            earlier = Earlier(view, undo.run.target if undo else run.target, run.undoes)
            staging = parts.staging.accepting(accept)
            staged = stage(source, staging, recording, earlier, stopping=parts.stopping, progress=parts.watcher.read)
            if undo is None or undo.file:
                must_be_unchanged(path, facts)
            if undo:
                undo.must_be_expected(recording.to_send)
            recording.finish()
            parts.ledger.staged(
                number,
                rows=staged.rows,
                reading={
                    **reading_of(source),
                    "assigned_by": staged.assigned_by,
                    "today": parts.staging.today.isoformat(),
                },
                notes={code: rows for code, rows in staged.notes.items() if rows},
                batches=[(index + 1, batch) for index, batch in enumerate(staged.batches)],
                rejected={(index + 1, code): rows for (index, code), rows in staged.rejected.items()},
            )
        except BaseException:
            recording.close()
            parts.ledger.forget_half_staged()
            raise

    async def retry(self, run: Run) -> Finished:
        """Send again what was refused, is unknown or was not sent."""
        await self._parts.ledger.renew(run.num)
        return await self.submit(run, EventKind.RETRY)

    async def submit(self, run: Run, kind: EventKind = EventKind.RESUME) -> Finished:
        """Send what is pending, then write the report, however the sending ended. Cancelled after it was told to stop,
        it cuts off what is on its way, and ends as one that stopped.
        """
        told = {"run": run.id, "source": run.source_name}
        with bound_contextvars(**told), span("submit", **told):
            return await self._submitted(run, kind)

    async def _submitted(self, run: Run, kind: EventKind) -> Finished:
        fault: BaseException | None = None
        before: Mapping[Outcome, int] = {}
        try:
            with self._parts.ledger.view() as view:
                run = view.run_by_num(run.num)  # a retry has changed its state
                if kind not in _BEGINS:
                    before = count(view, run).outcomes
                if run.state != RunState.FINISHED or count(view, run).pending:
                    await self._submit(view, run, kind)
        except (ImporterError, asyncio.CancelledError) as error:
            fault = error
        try:
            finished = await asyncio.shield(asyncio.create_task(self._conclude(run.id, before)))
        except ImporterError as error:
            if isinstance(fault, ImporterError):
                raise fault from error  # that there is no report either follows from it
            raise
        if isinstance(fault, asyncio.CancelledError) and self._parts.stopping():
            return finished  # it was told to stop before it was cancelled, and so it has
        if fault:
            raise fault
        return finished

    async def turn(self, run: Run) -> Finished | None:
        """Send what is pending until it is told to stop; then write the report, unless it is to go on in a later turn.
        Raises LedgerError where the ledger takes nothing of this process any more.
        """
        told = {"run": run.id, "source": run.source_name}
        with bound_contextvars(**told), span("submit", **told):
            with self._parts.ledger.view() as view:
                before = count(view, run)
                if before.pending:
                    await self._submit(view, run, EventKind.RESUME)
            why = self._parts.stopping.why
            return None if why and why.code == TURN_OVER else await self._conclude(run.id, before.outcomes)

    async def conclude(self, run: Run) -> Finished:
        """Write the report of a run that others have sent."""
        with self._parts.ledger.view() as view:
            outcomes = count(view, run).outcomes
        return await self._conclude(run.id, outcomes)

    async def _submit(self, view: View, run: Run, kind: EventKind) -> None:
        async with self._parts.may_send(self._parts, run) as parts:
            await self._submit_with(parts, view, run, kind)

    async def _submit_with(self, parts: Parts, view: View, run: Run, kind: EventKind) -> None:
        event = Event(kind, parts.actor, run=run.id, before=_outcomes(count(view, run)))
        await parts.ledger.begin_event(event)
        await parts.ledger.running(run.num, parts.submitting.exists_means)
        seconds = 0.0
        code, why = int(Exit.FAULT), Message("internal_fault")
        try:
            await in_thread(take_over, parts.ledger, view, run, parts.stopping)
            counts = count(view, run)
            if counts.pending:
                left = counts.to_send
                parts.watcher.sending(run, left, run.rows - left)
                seconds = await self._send(parts, view, run, retried=kind == EventKind.RETRY)
            code, why = parts.stopping.exit_code, parts.stopping.why or Message("nothing_taken")
        except asyncio.CancelledError:
            code, why = parts.stopping.exit_code or Exit.INTERRUPTED, parts.stopping.why or Message("interrupted")
            raise
        except ImporterError as error:
            code, why = error.exit_code, error.message
            raise
        finally:
            await parts.ledger.written()
            counts = count(view, run)
            await parts.ledger.close_event(event, _outcomes(counts))
            if counts.pending:
                await parts.ledger.ended(run.num, RunState.STOPPED, code or Exit.STOPPED, why, seconds)
            else:
                code = counts.tally.exit_code(counts.skipped_for_product)
                await parts.ledger.ended(run.num, RunState.FINISHED, code, None, seconds)

    async def _send(self, parts: Parts, view: View, run: Run, *, retried: bool) -> float:
        def record(client: Commissioner) -> Recorded:
            return Recorded(client, parts.ledger, run.num, parts.submitting.exists_means, parts.watcher.on_attempt)

        async with parts.connect(record, view.has_assigned(run.target)) as commissioner:
            submission = Submission(
                parts.ledger, view, run, commissioner, parts.submitting, parts.stopping, retried=retried
            )
            return await submission.go()

    async def _conclude(self, run_id: str, before: Mapping[Outcome, int]) -> Finished:
        """Write the report; the ledger says all. `before`: how many rows had which outcome when this session began."""
        parts = self._parts

        def write() -> Finished:
            with parts.ledger.view() as view, span("report", run=run_id):
                run = view.run(run_id)
                parts.watcher.reporting(run)
                directory = parts.report_dir / run.id
                counts = count(view, run)
                gained = {outcome: rows - before.get(outcome, 0) for outcome, rows in counts.outcomes.items()}
                parts.ended(run, exit_code(run, counts), gained)
                facts, _ = report(view, run, directory, parts.formats, parts.language, parts.again)
                return Finished(run, facts, directory)

        return await asyncio.to_thread(write)


@dataclass(frozen=True, slots=True)
class _Listed:
    """What is staged: a list, or what of a run is to be taken back."""

    path: Path
    options: Any
    identity: str
    facts: FileFacts
    undo: Undo | None


def _as_it_was(run: Run) -> FileFacts:
    """Of the list that a run has read, which need not be there any more."""
    return FileFacts(run.source_sha256, run.source_bytes, (run.source_bytes, 0))


def _outcomes(counts: Counts) -> dict[str, Any]:
    """What an event says of the run before or after it: rows by outcome."""
    return {outcome.value: rows for outcome, rows in counts.tally.outcomes.items() if rows}


def _with_accepted(facts: Mapping[str, Any], codes: Collection[str]) -> dict[str, Any]:
    """The facts of a run with what its user has accepted among its settings, where the report shows it."""
    settings = facts["settings"]
    return {**facts, "settings": {**settings, "input": {**settings.get("input", {}), "accept": list(codes)}}}
