"""How the end of a run looks: a few lines for people, or one JSON document."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
import typer

from importer.cli.screen import tell, tell_wrapped, visible
from importer.cli.setup import Setup
from importer.errors import BY_SIGNAL, ImporterError
from importer.events import Event
from importer.model import Outcome, RunState, is_sandbox
from importer.reports.columns import NOT_DECOMMISSIONED
from importer.reports.summary import RunSummary, summary_json
from importer.words.language import Language

if TYPE_CHECKING:
    from importer.flow.importing import Finished  # heavy, and `status` does without it

_MOST_CODES = 12
_MOST_OF_ONE = 72
_OUTCOMES = {outcome.value for outcome in Outcome}


def about(name: str, said: str, error: ImporterError) -> str:
    """What is said of a list, with its name, on one line, whatever the list is called."""
    text = said if error.names(name) else f"{name}: {said}"
    return visible(text).replace("\n", " ")


def failure(name: str, said: str, error: ImporterError) -> dict[str, Any]:
    """The document of a list or run that failed."""
    return {"source": name, "error": said, "code": error.message.code, "exit_code": error.exit_code}


def show_document(document: Any) -> None:
    """The one that --json asks for."""
    typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))


class Shown:
    """Shows each run as it ends; with --json, all of them at the end."""

    def __init__(self, setup: Setup) -> None:
        self._as_json = setup.as_json
        self._again = setup.again
        self._language = setup.language
        self._documents: list[dict[str, Any]] = []
        self._log = structlog.get_logger()
        self._next: list[str] = []
        self._whole_again = False

    def finished(self, finished: Finished) -> None:
        facts = finished.facts
        if not sys.stderr.isatty():
            self._log.info("run", run=facts.run, source=facts.source.name, exit_code=facts.exit_code, **facts.outcomes)
        if self._as_json:
            document = msgspec.json.decode(summary_json(facts))
            self._documents.append({**document, "report": str(finished.directory)})
        else:
            tell("\n".join(summary_lines(facts, self._language)))
            tell(self._language.told("report", path=f"{finished.directory}{_best(finished)}"))
        if finished.run.state == RunState.STOPPED and facts.exit_code not in BY_SIGNAL:
            tell(f"{facts.source.name}: {self._language.part(finished.run.stopped_by)}", err=True)
        if facts.exit_code:
            self._next.append(self._goes_on(finished))

    def _goes_on(self, finished: Finished) -> str:
        """The command that goes on from a run that did not end with 0."""
        command = finished.facts.next_command
        if command:
            return self._language.told("go_on", command=command)
        if finished.run.undoes:
            return self._language.told("not_taken_back", path=str(finished.directory / NOT_DECOMMISSIONED))
        wrong = finished.directory / "not_assigned.csv"
        file = shlex.quote(str(wrong)) if wrong.exists() else "FILE"
        into = " --sandbox" if is_sandbox(finished.run.target) else ""
        return self._language.told("correct", command=f"importer run {file}{into}{self._again}")

    def failed(self, name: str, error: ImporterError) -> None:
        text = self._language.say(error.message)
        tell_wrapped(about(name, text, error), err=True)
        if self._as_json:
            self._documents.append(failure(name, text, error))

    def not_begun(self) -> None:
        """Something of the command was not begun: only the whole of it goes on with all."""
        self._whole_again = True

    def nothing(self, why: str) -> None:
        """There was nothing to do."""
        tell(why, err=self._as_json)

    def close(self) -> None:
        if self._as_json:
            whole: Any = self._documents[0] if len(self._documents) == 1 else {"runs": self._documents}
            show_document(whole)
        if self._whole_again:
            self._next = [self._language.told("go_on", command=shlex.join(["importer", *sys.argv[1:]]))]
        for line in self._next:
            tell(line, err=self._as_json)


def _best(finished: Finished) -> str:
    return next((f"/{name}" for name in ("report.html", "report.xlsx") if (finished.directory / name).exists()), "")


def summary_lines(facts: RunSummary, language: Language) -> list[str]:
    """The outcomes of a run, what is wrong by code, and that the sum comes out."""
    told, number = language.told, language.number
    rows, batches = facts.source.rows, sum(1 for tally in facts.batches if tally.batch.gtin)
    head = {"rows": language.counted("row", rows), "batches": language.counted("batch", batches)}
    what, live = ("undo_of", "bar_live_back") if facts.undoes else ("run_of", "bar_live")
    lines = [
        told(live if not is_sandbox(facts.target) else "bar_sandbox", target=facts.target),
        told(what, run=facts.run, name=facts.source.name, undoes=facts.undoes, **head),
    ]
    lines += [
        f"  {language.named('outcome', name):<17}{number(count):>13}" for name, count in facts.outcomes.items() if count
    ]
    holds = told("sum_right" if facts.identity_holds else "sum_wrong", rows=language.counted("rows_read", rows))
    lines.append(f"  {told('sum'):<17}{number(sum(facts.outcomes.values())):>13}   {holds}")
    if facts.codes:
        lines.append(told("why"))
        codes = list(facts.codes.items())
        lines += [f"  {code:<28}{number(count):>10}" for code, count in codes[:_MOST_CODES]]
        lines += [f"  {told('and_more', n=len(codes) - _MOST_CODES)}"] if len(codes) > _MOST_CODES else []
    if facts.warnings:
        lines.append(told("warnings"))
        lines += [
            f"  {language.counted('row', count)}: {language.warning(code)}" for code, count in facts.warnings.items()
        ]
    sent = facts.requests
    repeated = "requests_repeated" if sent.retried else "requests"
    lines.append(told(repeated, sent=sent.sent, repeated=sent.retried, seconds=sent.seconds))
    return lines


def event_lines(event: Event, language: Language) -> list[str]:
    """When, what, who and from where; what changed; and, in quotation marks, what the person wrote."""
    who = event.actor
    claimed = who.claimed if who.claimed != who.user else ""
    known = {"user": who.user, "claimed": claimed, "place": who.address or who.tty or who.host}
    told = language.told("event_claimed" if claimed else "event", kind=event.kind.value, at=event.at[:19], **known)
    before, after = (_counted(part or {}, language) for part in (event.before, event.after))
    came_to = language.told("event_cut") if event.after is None else after
    lines = [f"  {printable(told)}"]
    if before or came_to:
        lines.append(f"      {printable(' → '.join(filter(None, (before, came_to))))}")
    return [*lines, *([f"      “{printable(event.comment)}”"] if event.comment else [])]


def _counted(values: Mapping[str, Any], language: Language) -> str:
    """Rows by outcome; of other changes how many values they have: `--json` shows them."""
    if not set(values) <= _OUTCOMES:
        told = (f"{key} {value}" for key, value in values.items() if isinstance(value, str | int))
        return ", ".join(told)[:_MOST_OF_ONE]
    return ", ".join(f"{language.number(rows)} {language.named('outcome', name)}" for name, rows in values.items())


def printable(text: str) -> str:
    """On one line, without what would steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
