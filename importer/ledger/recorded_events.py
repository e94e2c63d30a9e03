"""Events as a ledger keeps them: columns, and back. Knows no database."""

from __future__ import annotations

import json
from typing import Any, Protocol

from importer.events import Actor, Event, EventKind


def columns(event: Event) -> dict[str, str | None]:
    """The columns that hold an event."""
    return {
        "id": event.id,
        "at": event.at,
        "kind": event.kind.value,
        "actor": event.actor.user,
        "claimed": event.actor.claimed,
        "place": json.dumps(event.actor.place),
        "run": event.run,
        "upload": event.upload,
        "before": json.dumps(event.before),
        "after": None if event.after is None else json.dumps(event.after),
        "comment": event.comment,
    }


class Row(Protocol):
    """A row of any driver."""

    def __getitem__(self, name: str, /) -> Any: ...


def event_of(row: Row) -> Event:
    """The event that columns hold. Raises ValueError, KeyError or TypeError where they make no sense."""
    return Event(
        kind=EventKind(row["kind"]),
        actor=Actor(row["actor"], row["claimed"], **{"door": ""} | json.loads(row["place"])),
        run=row["run"],
        upload=row["upload"],
        before=json.loads(row["before"]),
        after=None if row["after"] is None else json.loads(row["after"]),
        comment=row["comment"],
        at=row["at"],
        id=row["id"],
    )
