"""The one judge of answers: what an attempt has come to, from its answer alone. Pure; never raises.

An answer settles the serials that it names, by name and never by position (CONTRACT, "Where nothing may be lost").
What settles nothing is a fault: an error's name comes first, then its text, then the HTTP status: names are documented,
statuses are not (API.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from importer.api import phrases, wire
from importer.model import Answer, Chunk, Said, Verdict

ASSIGNED = "Assigned"
_LONGEST_MESSAGE = 500
_LONGEST_STATUS = 100
_LONGEST_SAID = 20_000
"""Characters of an error's text in which phrases are looked for. 57 MB of it took regular expressions minutes."""


def judge(
    chunk: Chunk,
    status: int,
    body: bytes,
    *,
    location: str = "",
    content_type: str = "",
    flaw: Said = "",
    redact: Callable[[str], str] = str,
    decommissioned: str = "Decommissioned",
) -> Answer:
    """`location` is that of a redirect, `flaw` says why there is no body that can be read. Every text in the answer has
    gone through `redact`. `decommissioned` is the status of a serial that was taken back.
    """
    came = _Came(status, content_type, location, flaw, decommissioned if chunk.takes_back else ASSIGNED)
    answer = _plainly(chunk, status, body) or _closely(chunk, came, body)
    return replace(
        answer,
        http_status=status,
        error=redact(answer.error)[:_LONGEST_STATUS],
        message=cleaned(answer.message, redact),
        statuses={serial: redact(said[:_LONGEST_SAID])[:_LONGEST_STATUS] for serial, said in answer.statuses.items()},
    )


def cleaned(said: Said, redact: Callable[[str], str]) -> Said:
    """Without secrets, and each text in it shortened."""
    if isinstance(said, str):
        return shortened(redact(said))
    return {name: cleaned(one, redact) if isinstance(one, str | Mapping) else one for name, one in said.items()}


def shortened(text: str) -> str:
    """One line of at most 500 characters. Scrub first: half a secret is not found any more."""
    text = " ".join(text[:_LONGEST_SAID].split())
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"


def _plainly(chunk: Chunk, status: int, body: bytes) -> Answer | None:
    """The way of nearly every answer: each line says Assigned."""
    if not is_ok(status) or chunk.takes_back:
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


@dataclass(frozen=True, slots=True)
class _Came:
    """What came besides the body."""

    status: int
    content_type: str = ""
    location: str = ""
    flaw: Said = ""
    done: str = ASSIGNED
    """The status of a serial with which was done what was asked."""


def _closely(chunk: Chunk, came: _Came, body: bytes) -> Answer:
    document = wire.read(body, wire.charset_of(came.content_type))
    return _settled(chunk, came, document) or fault(chunk, came, document)


def _settled(chunk: Chunk, came: _Came, document: wire.Document) -> Answer | None:
    """What the lines of `data` say, or None where they settle nothing.

    A known error that rejects the whole request outweighs lines that only say for which serials it did so.
    """
    if not document.lines or not (is_ok(came.status) or is_client_error(came.status)):
        return None
    wanted = frozenset(chunk.serials)
    told, extra = _told(document.lines, wanted)
    assigned = frozenset(serial for serial, said in told.items() if said == came.done)
    statuses = {serial: said for serial, said in told.items() if said and said != came.done}
    if not assigned and (not statuses or (len(statuses) < len(wanted) and known(document))):
        return None
    failed = document.success is False
    return Answer(
        Verdict.SETTLED,
        assigned=assigned,
        statuses=statuses,
        existing=frozenset(serial for serial, said in statuses.items() if says_done_before(chunk, said)),
        missing=tuple(serial for serial in chunk.serials if not told.get(serial)),
        extra=extra,
        error=name(document) if failed else "",
        message=document.text if failed else "",
    )


def says_done_before(chunk: Chunk, text: str) -> bool:
    """Whether a refusal, or a status, says that the work was done before: it exists already, or it is gone."""
    return phrases.says_gone(text) if chunk.takes_back else phrases.says_exists(text)


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


_BY_NAME = {
    "validationerror": Verdict.REFUSED,
    "producterror": Verdict.PRODUCT,
    "notokenerror": Verdict.DENIED,
}
_WRONG_PLACE = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
_SAME_AGAIN = frozenset({HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT})
_TEXT_IS_READ = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY})


@dataclass(frozen=True, slots=True)
class _Case:
    """All that a fault is told from. `known` is the verdict of a documented name, `said` the names and the text."""

    status: int
    document: wire.Document
    known: Verdict | None
    said: str
    too_large: bool
    limit: int | None
    exists: bool = False
    """It says that the work was done before."""

    @property
    def ok(self) -> bool:
        return is_ok(self.status)

    @property
    def refuses_token(self) -> bool:
        """A 403 that is a page comes from a proxy: it speaks of no token."""
        return (
            self.status == HTTPStatus.UNAUTHORIZED
            or (self.status == HTTPStatus.FORBIDDEN and not self.document.page)
            or phrases.says_token(self.said, surely=False)
        )

    @property
    def is_word_of_the_api(self) -> bool:
        return self.document.json or (self.status in _TEXT_IS_READ and not self.document.page)

    @property
    def is_broken_json(self) -> bool:
        return not self.document.json and self.document.text.lstrip().startswith(("{", "["))


_RULES: tuple[tuple[Callable[[_Case], bool], Verdict], ...] = (
    (lambda case: case.status < HTTPStatus.OK, Verdict.DOUBT),
    # Only these two ask for the same request again; after any other the work may be done ("see the result there").
    (lambda case: case.status in _SAME_AGAIN, Verdict.DENIED),
    (lambda case: is_redirect(case.status), Verdict.DOUBT),
    # "Done", yet none of the serials is named; or nothing that can be read.
    (lambda case: case.ok and (case.document.success is True or not case.document.json), Verdict.DOUBT),
    (lambda case: case.known is Verdict.DENIED, Verdict.DENIED),
    (lambda case: phrases.says_token(case.said, surely=True), Verdict.TOKEN),
    # A 5xx may have come after the work, unless it names a documented error: that one was found before it.
    (lambda case: is_server_error(case.status) and not case.known, Verdict.DOUBT),
    (lambda case: case.status == HTTPStatus.TOO_MANY_REQUESTS, Verdict.NOT_TAKEN),
    (lambda case: case.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE, Verdict.TOO_LARGE),
    (lambda case: case.known is Verdict.PRODUCT, Verdict.PRODUCT),
    (lambda case: case.too_large, Verdict.TOO_LARGE),
    (lambda case: case.known is Verdict.REFUSED, Verdict.REFUSED),
    (lambda case: phrases.says_rate(case.said), Verdict.NOT_TAKEN),
    (lambda case: case.exists, Verdict.REFUSED),
    (lambda case: case.refuses_token, Verdict.TOKEN),
    # The server gave up waiting, or says so itself: how far it had come is not known.
    (lambda case: case.status == HTTPStatus.REQUEST_TIMEOUT or phrases.says_server_fault(case.said), Verdict.DOUBT),
    (lambda case: case.ok and case.document.success is None, Verdict.DOUBT),
    # The API's own answer, of which a part is missing: what it said is not known.
    (lambda case: case.is_broken_json, Verdict.DOUBT),
    (lambda case: case.status in _WRONG_PLACE or not case.is_word_of_the_api, Verdict.DENIED),
)


def fault(chunk: Chunk, came: _Came, document: wire.Document) -> Answer:
    """An error that nothing is known of is a refusal where the API itself said it."""
    status = came.status
    said = " ".join((*document.names, document.text))[:_LONGEST_SAID]
    large, before = phrases.too_large(said, len(chunk.serials)), says_done_before(chunk, said)
    case = _Case(status, document, known(document), said, *large, before)
    verdict = next((verdict for applies, verdict in _RULES if applies(case)), Verdict.REFUSED)
    refused = verdict is Verdict.REFUSED
    return Answer(
        verdict,
        error=_error(case, verdict),
        message=_redirected(came) if is_redirect(status) else _message(case, verdict, came),
        exists=refused and before,
        named=_named(document, chunk.serials) if refused else (),
        limit=case.limit if verdict is Verdict.TOO_LARGE else None,
        page=document.page,
        redirected=is_redirect(status),
    )


def known(document: wire.Document) -> Verdict | None:
    """By the name that the API documents, wherever it stands; else by such a name at the head of the text."""
    if document.success is True:
        return None
    names = (*document.names, document.text.partition(":")[0])
    return next((_BY_NAME[_plain(name)] for name in names if _plain(name) in _BY_NAME), None)


def name(document: wire.Document) -> str:
    """The name that the API gave the error: a documented one before any other."""
    documented = (name for name in document.names if _plain(name) in _BY_NAME)
    return next(documented, next(iter(document.names), ""))


def _plain(name: str) -> str:
    return "".join(letter for letter in name[:100].lower() if letter.isalnum())


def _error(case: _Case, verdict: Verdict) -> str:
    if verdict is Verdict.NOT_TAKEN:
        return "rate_limited"
    if is_redirect(case.status):
        return "redirected"
    if named := name(case.document):
        return named
    if case.ok and verdict is Verdict.DOUBT:
        return "names_none" if case.document.json else "garbled"
    return f"http_{case.status}"


def _message(case: _Case, verdict: Verdict, came: _Came) -> Said:
    text = case.document.text
    if verdict is Verdict.DENIED and not case.known:
        place = {"code": _PLACES.get(case.status, "http_elsewhere"), "status": str(case.status)}
        told = _described(case.document, came) if case.document.page else text
        return {"code": "http_place", "case": "told", "place": place, "text": told} if told else place
    if case.document.page or not case.document.json or came.flaw:
        return _described(case.document, came)
    if text:
        return text
    return {"code": "names_none"} if case.ok else {"code": "http_without_text", "status": str(case.status)}


def _described(document: wire.Document, came: _Came) -> Said:
    """What came instead of an answer of the API."""
    kind = came.content_type.partition(";")[0].strip()[:_LONGEST_STATUS]
    told: dict[str, Any] = {"code": "http_came", "status": str(came.status)}
    if kind:
        told |= {"case": "kind", "kind": kind}
    if came.flaw:
        return {**told, "what": came.flaw}
    if document.title:
        return {**told, "what": {"code": "web_page", "title": document.title}}
    if document.text:
        return {**told, "what": document.text}
    return {**told, "what": {"code": "web_page_without_text" if document.value else "nothing_readable"}}


_PLACES: dict[int, str] = {
    HTTPStatus.FORBIDDEN: "http_forbidden",
    HTTPStatus.NOT_FOUND: "http_not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "http_not_allowed",
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: "http_proxy_credentials",
}


def _redirected(came: _Came) -> Said:
    """Names the host only: a location's path and query may hold secrets."""
    try:
        host: Said = urlsplit(came.location[:_LONGEST_SAID]).hostname or {"code": "same_host"}
    except ValueError:
        host = {"code": "unreadable_address"}
    return {"code": "redirected", "status": str(came.status), "host": host}


def _named(document: wire.Document, serials: Sequence[str]) -> tuple[str, ...]:
    """By the text of the error first; where that names none, anywhere in the answer but for an echo of the request."""
    return phrases.serials_named(" ".join((*document.names, document.text)), serials) or phrases.serials_named(
        document.everything(serials), serials
    )


# The classes of HTTP status.
def is_ok(status: int) -> bool:
    return status // 100 == 2  # noqa: PLR2004  the class of a status is its first digit


def is_redirect(status: int) -> bool:
    return status // 100 == 3  # noqa: PLR2004


def is_client_error(status: int) -> bool:
    return status // 100 == 4  # noqa: PLR2004


def is_server_error(status: int) -> bool:
    return status // 100 >= 5  # noqa: PLR2004
