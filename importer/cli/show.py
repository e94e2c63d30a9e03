"""runs, status, report, verify: what the ledger holds, without its lock, also beside a running import."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime

import msgspec

from importer.cli.named import named_run
from importer.cli.output import event_lines, show_document, summary_lines
from importer.cli.screen import tell
from importer.cli.setup import Setup
from importer.cli.times import moment_of
from importer.errors import Exit, LedgerDamaged
from importer.events import comments, deeds
from importer.ledger.opening import channel_of
from importer.ledger.ports import Standing, View
from importer.ledger.records import Run
from importer.model import Outcome, is_sandbox
from importer.reports.summary import summary_json
from importer.results.totals import Counts, count, facts_of, in_words
from importer.words.language import Language

_RUN_LINE = "{:<24}{:<9}{:>4}{:>9}{:>9}  {:<8} {}"
_WHO = 8
_OPEN = (Outcome.REJECTED, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.UNSENT)


def _view(setup: Setup) -> View:
    return setup.ledger.view()


def show_runs(setup: Setup, since: str | None = None) -> int:
    """Raises ConfigError for a `since` that is neither a date nor a time such as 7d."""
    start = moment_of(since).isoformat() if since else ""
    with _view(setup) as view:
        lines = [(run, count(view, run)) for run in view.runs() if run.started_at >= start]
    if setup.as_json:
        show_document(
            [
                {
                    "run": run.id,
                    "action": run.action.value,
                    "undoes": run.undoes,
                    "state": run.state.value,
                    "exit_code": run.exit_code,
                    "source": run.source_name,
                    "target": run.target,
                    "host": run.host,
                    "sandbox": is_sandbox(run.target),
                    "user": run.user,
                    "rows": run.rows,
                    "to_send": counts.to_send,
                    "started_at": run.started_at,
                    "ended_at": run.ended_at,
                    "outcomes": {outcome.value: rows for outcome, rows in counts.tally.outcomes.items()},
                }
                for run, counts in lines
            ]
        )
        return Exit.DONE
    language, told = setup.language, setup.language.told
    heads = [told(f"column_{name}") for name in ("run", "state", "exit", "rows", "open", "who", "source")]
    tell(_RUN_LINE.format(*heads))
    target = None
    for run, counts in lines:
        if (there := language.target(run.target)) != target:
            target = there
            tell(told("runs_into", target=run.target))
        tell(_RUN_LINE.format(*_line(run, counts, language)))
    return Exit.DONE


def _line(run: Run, counts: Counts, language: Language) -> Iterator[str]:
    """What a line of the list says of a run; `open` are the rows with which was not done what was asked."""
    yield run.id
    yield language.named("state", run.state.value)
    yield "" if run.exit_code is None else str(run.exit_code)
    yield language.number(run.rows)
    yield language.number(sum(counts.outcomes[outcome] for outcome in _OPEN))
    yield run.user if len(run.user) <= _WHO else f"{run.user[: _WHO - 1]}…"
    yield language.told("runs_undo", name=run.source_name) if run.undoes else run.source_name


def show_status(setup: Setup, run_id: str) -> int:
    with _view(setup) as view:
        run = named_run(view, run_id)
        facts = in_words(facts_of(view, run, setup.again), setup.language)
        counts = count(view, run)
        rate, left = _pace(view, run, counts.to_send)
        events = deeds(view.events(run.id))
    standing = _standing(setup, run)
    facts = replace(facts, events=[event.document() for event in events], comments=comments(events))
    live = {"state": run.state.value, "to_send": counts.to_send, "serials_per_second": rate, "seconds_left": left}
    if setup.as_json:
        worker = {"worker": asdict(standing)} if standing else {}
        show_document({**msgspec.json.decode(summary_json(facts)), **live, **worker})
        return Exit.DONE
    language, told = setup.language, setup.language.told
    tell("\n".join(summary_lines(facts, language)))
    tell(told("state_why" if run.stopped_by else "state", state=run.state.value, reason=run.stopped_by))
    if standing and standing.waits:
        tell(told("with_workers", since=standing.since, n=standing.ahead))
        owner, pid = standing.owner.split("/")[:2] if standing.owner else ("", "")
        tell(told("worker_sends" if owner else "worker_none", host=owner, pid=pid, since=standing.owner_since))
    if counts.to_send:
        serials = language.counted("serial", counts.to_send)
        tell(told("to_send_in" if left else "to_send", serials=serials, pace=round(rate), seconds=left))
    for tally in facts.batches[:20]:
        batch = tally.batch
        name = f"{batch.gtin} {batch.batch} {batch.expiry}" if batch.gtin else told("batch_unknown")
        outcomes = (f"{language.number(n)} {language.named('outcome', one)}" for one, n in tally.outcomes.items())
        tell(f"  {name}: {', '.join(outcomes)}")
    if events:
        tell(told("record"))
        tell("\n".join(line for event in events for line in event_lines(event, language)))
    if facts.next_command:
        tell(told("go_on", command=facts.next_command))
    return Exit.DONE


def _standing(setup: Setup, run: Run) -> Standing | None:
    """Where a run stands with the workers, if they are to send it."""
    settings = setup.settings
    if not settings.ledger.url:
        return None
    return channel_of(settings.ledger.url, settings.api.channel, settings.worker.lease_seconds).stands(run.num)


def _pace(view: View, run: Run, to_send: int) -> tuple[float, float | None]:
    """Serials per second since this session of sending began, and seconds left."""
    serials, since = view.recent_pace(run.num)
    if not since or run.state.value != "running":
        return 0.0, None
    seconds = (datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds()
    rate = serials / seconds if seconds > 0 else 0.0
    return rate, to_send / rate if rate else None


def write_report(setup: Setup, run_id: str) -> int:
    from importer.flow.report import report  # noqa: PLC0415  `runs` and `status` answer sooner without it

    settings = setup.settings.report
    with _view(setup) as view:
        run = named_run(view, run_id)
        directory = settings.dir / run.id
        facts, _ = report(view, run, directory, settings.formats, setup.language, setup.again)
    if setup.as_json:
        show_document({**msgspec.json.decode(summary_json(facts)), "report": str(directory)})
    else:
        tell(setup.language.told("report", path=str(directory)))
    return Exit.DONE


def _not_even_read(setup: Setup, run_id: str, text: str) -> int:
    told = setup.language.told
    if setup.as_json:
        findings = [{"kind": "ledger", "text": text}]
        show_document({"run": run_id, "holds": False, "findings": findings, "passed": [], "skipped": []})
    else:
        tell(f"{told('verify_not_right')}  ledger: {text}")
    return Exit.FAULT


def verify_run(setup: Setup, run_id: str) -> int:
    from importer import wiring  # noqa: PLC0415  likewise
    from importer.flow.verify import verify  # noqa: PLC0415

    say, told = setup.language.say, setup.language.told
    try:
        with _view(setup) as view:
            run = named_run(view, run_id)
            done = verify(view, run, wiring.verify_inputs(setup.settings, run))
    except LedgerDamaged as error:  # so much that not even the run can be read
        return _not_even_read(setup, run_id, say(error.message))
    findings = [{"kind": finding.kind, "text": say(finding.message)} for finding in done.findings]
    skipped = [f"{finding.kind}: {say(finding.message)}" for finding in done.skipped]
    if setup.as_json:
        show_document(
            {"run": run.id, "holds": not findings, "findings": findings, "passed": done.passed, "skipped": skipped}
        )
        return Exit.FAULT if findings else Exit.DONE
    for finding in findings:
        tell(f"{told('verify_not_right')}  {finding['kind']}: {finding['text']}")
    for text in skipped:
        tell(f"{told('verify_skipped')}  {text}")
    for kind in done.passed:
        tell(f"{told('verify_right')}  {kind}")
    rows = setup.language.counted("row", run.rows)
    tell(told("verify_fails" if findings else "verify_holds", run=run.id, rows=rows))
    return Exit.FAULT if findings else Exit.DONE
