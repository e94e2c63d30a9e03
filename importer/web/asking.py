"""What is asked once more before it happens: what, how much, where, and whether it can be taken back.

The same words are a dialog (page.js) and a page of its own. Knows what to ask, not who may do it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from aiohttp import web
from msgspec import Struct

from importer.config.settings import Settings
from importer.model import is_sandbox
from importer.web import documents
from importer.web.language import Language
from importer.web.uploads import Upload

Sends = Literal["go-on", "retry"]


class Ask(Struct, frozen=True, kw_only=True):
    """One question. `fields` go back with the answer; `typed` is the number that has to be typed, 0 if none has."""

    title: str
    facts: Sequence[tuple[str, str]]
    warning: str
    button: str
    action: str
    back: str
    fields: Mapping[str, str] = {}
    typed: int = 0
    grave: bool = True


def to_type(settings: Settings, target: str, serials: int) -> int:
    """The number that a person has to type before so many serials go to a target; 0 if none has."""
    least = settings.web.type_number_from
    return serials if least and serials >= least and not is_sandbox(target) else 0


def must_be_typed(settings: Settings, target: str, serials: int, typed: str) -> None:
    """Raise unless the number of serials was typed where it has to be. Spaces and the signs between thousands are
    free.
    """
    wanted = to_type(settings, target, serials)
    if wanted and "".join(char for char in typed if char not in " .,'\u00a0\u202f\u2019") != str(wanted):
        raise web.HTTPConflict(text="number_wrong")


def to_commission(
    settings: Settings, target: str, spoken: Language, upload: Upload, preview: documents.Preview, comment: str
) -> Ask:
    say, number = spoken.say, preview.to_send
    facts = _facts(spoken, target, number, preview.batches_to_send)
    if preview.goes_on_with:
        facts.append((say("ask.goes_on"), preview.goes_on_with))
    if preview.rejected:
        facts.append((say("ask.left_out"), say("problems.rows", n=preview.rejected)))
    if comment:
        facts.append((say("confirm.comment"), comment))
    return Ask(
        title=say("ask.commission", n=number, name=upload.name) if number else say("ask.record", name=upload.name),
        facts=[(say("col.list"), upload.name), *facts],
        warning=_final(spoken, target) if number else "",
        button=say("confirm.button", n=number) if number else say("confirm.record"),
        action=f"/uploads/{upload.id}/confirm",
        back=f"/uploads/{upload.id}",
        fields={"seen": preview.seen, "comment": comment},
        typed=to_type(settings, target, number),
    )


def to_discard(spoken: Language, upload: Upload, hours: float) -> Ask:
    say = spoken.say
    facts = [(say("col.list"), upload.name), (say("col.by"), upload.by), (say("col.at"), spoken.moment(upload.at))]
    if upload.edits:
        facts.append((say("ask.corrections"), say("problems.rows", n=len(upload.edits))))
    return Ask(
        title=say("ask.discard", name=upload.name),
        facts=facts,
        warning=say("ask.discard.back", hours=spoken.number(hours)) if hours else say("ask.discard.gone"),
        button=say("upload.discard"),
        action=f"/uploads/{upload.id}/discard",
        back=f"/uploads/{upload.id}",
    )


def to_stop(spoken: Language, target: str, run: documents.Run) -> Ask:
    """A run that is on its way, or waits for its turn."""
    say, begun = spoken.say, bool(run.rows)
    sent = run.outcomes["assigned"]
    facts = [(say("col.list"), run.source.name), (say("ask.target"), spoken.target(run.target or target))]
    if begun:
        facts += [
            (say("ask.assigned"), say("ask.serials", n=sent)),
            (say("ask.to_send"), say("ask.serials", n=run.to_send)),
            (say("ask.batches"), spoken.number(run.batches_in_all)),
        ]
    live = sent and not is_sandbox(run.target or target)
    warning = say("ask.stop.begun" if begun else "ask.stop.queued")
    return Ask(
        title=say("ask.stop" if begun else "ask.cancel", name=run.source.name),
        facts=facts,
        warning=f"{warning} {say('ask.stop.final', n=sent)}" if live else warning,
        button=say("run.stop" if begun else "run.cancel"),
        action=f"/runs/{run.run}/stop",
        back=f"/runs/{run.run}",
    )


def to_send_again(settings: Settings, spoken: Language, run: documents.Run, what: Sends) -> Ask:
    """What a run that rests still has to send, or what failed in it."""
    number = sends(run, what)
    say = spoken.say
    return Ask(
        title=say(f"ask.{what}", n=number, name=run.source.name),
        facts=[
            (say("col.list"), run.source.name),
            *_facts(spoken, run.target, number, sum(_open(bar.outcomes, what) for bar in run.batches)),
        ],
        warning=_final(spoken, run.target),
        button=say(f"run.{what}.button", n=number),
        action=f"/runs/{run.run}/{what}",
        back=f"/runs/{run.run}",
        fields={"serials": str(number)},
        typed=to_type(settings, run.target, number),
    )


def sends(run: documents.Run, what: str) -> int:
    """The serials that it sends."""
    return run.to_retry if what == "retry" else run.to_send


def _open(outcomes: Mapping[str, int], what: str) -> bool:
    """Whether a batch has rows that would be sent."""
    return any(outcomes[one] for one in ("unsent", "unknown", *(("refused",) if what == "retry" else ())))


def _facts(spoken: Language, target: str, serials: int, batches: int) -> list[tuple[str, str]]:
    say = spoken.say
    return [
        (say("ask.number"), spoken.number(serials)),
        (say("ask.batches"), spoken.number(batches)),
        (say("ask.target"), spoken.target(target)),
    ]


def _final(spoken: Language, target: str) -> str:
    return spoken.say("ask.sandbox" if is_sandbox(target) else "confirm.undo")
