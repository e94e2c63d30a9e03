"""The one judge of answers: what an attempt has come to, from its answer alone. Pure; never raises.

An answer settles the serials that it names, by name and never by position (CONTRACT, "Where nothing may be lost").
What settles nothing is a fault (see faults.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from importer.api import faults, phrases, wire
from importer.api.statuses import is_client_error, is_ok
from importer.model import Answer, Chunk, Verdict

ASSIGNED = "Assigned"
_LONGEST_MESSAGE = 500
_LONGEST_STATUS = 100


def judge(
    chunk: Chunk,
    status: int,
    body: bytes,
    *,
    location: str = "",
    retry_after: float | None = None,
    scrub: Callable[[str], str] = str,
    digest: str = "",
    seconds: float = 0.0,
) -> Answer:
    """`location` is that of a redirect. Every text in the answer has gone through `scrub`."""
    answer = _plainly(chunk, status, body) or _closely(chunk, status, body, location)
    return replace(
        answer,
        http_status=status,
        digest=digest,
        seconds=seconds,
        retry_after=retry_after,
        error=scrub(answer.error)[:_LONGEST_STATUS],
        message=shortened(scrub(answer.message)),
        statuses={serial: scrub(said)[:_LONGEST_STATUS] for serial, said in answer.statuses.items()},
    )


def shortened(text: str) -> str:
    """One line of at most 500 characters. Scrub first: half a secret is not found any more."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"


def _plainly(chunk: Chunk, status: int, body: bytes) -> Answer | None:
    """The way of nearly every answer: each line says Assigned."""
    if not is_ok(status):
        return None
    if wire.says_all_assigned(body, chunk.serials):
        return Answer(Verdict.SETTLED, assigned=chunk.serials)
    names = wire.assigned_names(body)
    if not names:
        return None
    wanted, got = frozenset(chunk.serials), frozenset(names)
    assigned = got & wanted
    if not assigned:
        return None
    missing = tuple(serial for serial in chunk.serials if serial not in assigned)
    return Answer(Verdict.SETTLED, assigned=assigned, missing=missing, extra=len(got) - len(assigned))


def _closely(chunk: Chunk, status: int, body: bytes, location: str) -> Answer:
    document = wire.read(body)
    return _settled(chunk, status, document) or faults.fault(chunk, status, document, location)


def _settled(chunk: Chunk, status: int, document: wire.Document) -> Answer | None:
    """What the lines of `data` say, or None where they settle nothing.

    A known error that rejects the whole request outweighs lines that only say for which serials it did so.
    """
    if not document.lines or not (is_ok(status) or is_client_error(status)):
        return None
    wanted = frozenset(chunk.serials)
    told, extra = _told(document.lines, wanted)
    assigned = frozenset(serial for serial, said in told.items() if said == ASSIGNED)
    statuses = {serial: said for serial, said in told.items() if said and said != ASSIGNED}
    if not assigned and (not statuses or (len(statuses) < len(wanted) and faults.known(document))):
        return None
    failed = document.success is False
    return Answer(
        Verdict.SETTLED,
        assigned=assigned,
        statuses=statuses,
        existing=frozenset(serial for serial, said in statuses.items() if phrases.says_exists(said)),
        missing=tuple(serial for serial in chunk.serials if not told.get(serial)),
        extra=extra,
        error=faults.name(document) if failed else "",
        message=document.text if failed else "",
    )


def _told(lines: tuple[tuple[str, str], ...], wanted: frozenset[str]) -> tuple[dict[str, str], int]:
    """Each wanted serial's one status, empty where lines contradict each other; and how many others are named."""
    told: dict[str, str] = {}
    extra: set[str] = set()
    for serial, said in lines:
        if serial not in wanted:
            extra.add(serial)
        elif told.setdefault(serial, said) != said:
            told[serial] = ""
    return told, len(extra)
