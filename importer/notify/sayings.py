"""What people are told of lists: which file, what happened, what to do, and where its report is."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from importer.errors import Exit
from importer.inbox.claims import FAILED
from importer.inbox.handled import Handled
from importer.words.language import Language


def entry_of(handled: Handled, language: Language) -> dict[str, Any]:
    """One list as it is kept and sent, its words said."""
    return {
        "file": handled.file,
        "profile": handled.profile,
        "kind": handled.kind,
        "end": handled.end or None,
        "run": handled.run or None,
        "exit_code": int(handled.exit_code),
        "rows": handled.rows,
        "outcomes": dict(handled.outcomes),
        "code": handled.message.code if handled.message else None,
        "happened": _happened(handled, language),
        "to_do": _to_do(handled, language),
        "report": str(handled.report.absolute()) if handled.report else None,
    }


def _happened(handled: Handled, language: Language) -> str:
    parts = [
        f"{language.number(count)} {language.named('outcome', name)}"
        for name, count in handled.outcomes.items()
        if count
    ]
    if handled.message:
        message = language.sentence(handled.message)
        parts.append(message if message != handled.message.code else language.part(handled.message.part()))
    return ", ".join(parts)


def _to_do(handled: Handled, language: Language) -> str:
    if handled.exit_code == Exit.DONE:
        return ""
    tip = language.tip(handled.message) if handled.message else ""
    if handled.end == FAILED:
        return f"{tip} {language.label('notify', 'put_again')}".strip()
    if handled.exit_code == Exit.WRONG_ROWS:
        return language.label("notify", "correct")
    if handled.exit_code == Exit.UNKNOWN_ROWS:
        return language.label("notify", "look_up", command=handled.next_command)
    return f"{tip} {language.label('notify', 'goes_on')}".strip()


def message_of(
    identity: str, kind: str, entries: Sequence[Mapping[str, Any]], at: datetime, language: Language
) -> dict[str, Any]:
    """A whole message about some lists: `kind` is that of its only list, or `digest`."""
    counts = {one: sum(entry["kind"] == one for entry in entries) for one in ("success", "rejects", "failure")}
    title = language.label("notify", f"title_{kind}", file=entries[0]["file"], lists=len(entries), **counts)
    text = "\n\n".join("\n".join(_lines(entry, language)) for entry in entries)
    return {
        "id": identity,
        "kind": kind,
        "at": at.isoformat(timespec="seconds"),
        "host": socket.gethostname(),
        "title": title,
        "text": f"{text}\n\n{language.label('notify', 'from', host=socket.gethostname())}",
        "files": list(entries),
    }


def _lines(entry: Mapping[str, Any], language: Language) -> Iterator[str]:
    yield str(entry["file"])
    for name in ("happened", "to_do", "report", "run"):
        if entry[name]:
            yield f"  {language.label('notify', name)}: {entry[name]}"
