"""What an EPCIS document as a whole says of the packs that it commissions: which events are declared wrong, which
packs are gone later on, and what lot and expiry stand elsewhere. Knows no notation.

EPCIS 1.2 and 2.0, section 7.4.1 (error declarations) and 7.3.6 (ILMD); CBV for master data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from importer.gs1.scans import Scan, gtin_of
from importer.sources.epcis_events import Event, pack_of, packs_of

Pack = tuple[str, str]
"""GTIN and serial."""
_CLASS = re.compile(r"urn:epc:(?:class:lgtin|idpat:sgtin):(\d+)\.(\d+)\.(.+)", re.IGNORECASE)
_LINK = re.compile(r"https?://.*/(?:01|gtin)/(\d{8,14})(?:/(?:10|lot)/([^/?#]+))?", re.IGNORECASE)
ROLES = ("batch", "expiry")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """An element of master data: what it is about, and names and values of its attributes."""

    id: str
    attributes: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class End:
    """How a pack came to be gone."""

    #: The event's place in the document, from 0 on.
    order: int
    #: When it happened; None where the event does not say so with its time zone.
    moment: datetime | None
    #: The business step, else the disposition or the action.
    what: str

    def after(self, order: int, moment: datetime | None) -> bool:
        """Whether it comes after another event: by time, and by place where time does not tell."""
        if self.moment and moment and self.moment != moment:
            return self.moment > moment
        return self.order > order


class History:
    """Built from all events of a document, in their order. Empty for one without declarations and ends."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._wrong: dict[str, int] = {}
        self._wrong_contents: dict[int, set[str]] = {}
        self._corrections: set[str] = set()
        self._ids: set[str] = set()
        self._ends: dict[Pack, list[End]] = {}
        gone: list[tuple[End, Event]] = []
        for order, event in enumerate(events):
            self._ids.add(event.id)
            if event.declares_error:
                self._wrong.setdefault(event.id, 0)
                self._wrong_contents.setdefault(_content(event, event.lots_and_expiries), set()).add(event.id)
                self._corrections.update(event.corrected_by)
            elif event.gone:
                what = event.step or event.disposition or event.action or event.kind
                gone.append((End(order, event.moment, what), event))
        for end, event in gone:
            if not self.is_wrong(event):
                for pack in packs_of(event.gone):
                    self._ends.setdefault(pack, []).append(end)

    def is_wrong(self, event: Event) -> bool:
        """Whether it declares an error, or is the event that another one declares wrong: by its id, or by being equal
        where one of the two has no id.
        """
        if event.declares_error:
            return True
        if event.id and event.id in self._wrong:
            return True
        if not self._wrong_contents:
            return False
        ids = self._wrong_contents.get(_content(event, event.lots_and_expiries), set())
        ids = ids | self._wrong_contents.get(_content(event, ()), set())  # one that repeats no lot and expiry
        return bool(ids) and (not event.id or "" in ids)

    def end_of(self, pack: Pack, order: int, moment: datetime | None) -> End | None:
        """How a pack is gone after it was commissioned by an event in this place and at this moment."""
        return next((end for end in self._ends.get(pack, ()) if end.after(order, moment)), None)

    @property
    def ends_none(self) -> bool:
        """Whether no pack is gone."""
        return not self._ends

    @property
    def missing_corrections(self) -> int:
        """How many events correct what is declared wrong, and are not in the document."""
        return len(self._corrections - self._ids)


class Told:
    """Lot and expiry of packs as all events and the master data of a document tell them."""

    def __init__(self, events: Iterable[Event], vocabulary: Iterable[Vocabulary], history: History) -> None:
        self._packs: dict[Pack, list[Event]] = {}
        self._lots: dict[Pack, list[Event]] = {}
        self._products: dict[str, list[Event]] = {}
        for event in events:
            if not history.is_wrong(event) and any(map(event.told, ROLES)):
                data = Event("", data=event.data)
                for pack in packs_of((*event.epcs, *event.others)):
                    self._packs.setdefault(pack, []).append(data)
        for element in vocabulary:
            self._learn(element)

    def _learn(self, element: Vocabulary) -> None:
        data = Event("", data=element.attributes)
        pack = pack_of(element.id)
        if isinstance(pack, Scan):
            self._packs.setdefault((pack.gtin, pack.serial), []).append(data)
            return
        found, link = _CLASS.fullmatch(element.id), _LINK.match(element.id)
        if found:
            gtin, lot = gtin_of(found[1], found[2]), unquote(found[3])
        elif link:
            gtin, lot = link[1].zfill(14), unquote(link[2] or "*")
        else:
            return
        if lot == "*":
            self._products.setdefault(gtin, []).append(data)
        else:
            self._lots.setdefault((gtin, lot), []).append(data)

    def values(self, role: str, pack: Pack, lot: str) -> list[str]:
        """What is told of a pack's batch or expiry: nothing, one value, or several that contradict each other."""
        gtin = pack[0]
        for known in (self._packs.get(pack, ()), self._lots.get((gtin, lot), ()), self._products.get(gtin, ())):
            found = {value: None for data in known for value in data.told(role)}
            if found:
                return list(found)
        return []


def _content(event: Event, data: Sequence[tuple[str, str]]) -> int:
    """What makes two events equal: all but the time of recording and the declaration. Of what an importer reads."""
    return hash((
        event.kind, event.moment or event.time, event.action.upper(), event.step, event.disposition,
        frozenset(event.epcs), frozenset(event.others), frozenset(event.inputs), frozenset(data),
    ))  # fmt: skip
