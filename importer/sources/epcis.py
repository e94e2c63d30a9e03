"""EPCIS documents as lists: the commissioning events in them, one row per EPC. Knows no notation of them.

EPCIS 1.2 section 7.3, 2.0 section 7.3; CBV for the business step and the names of lot and expiry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import pyarrow as pa

from importer.errors import SourceError
from importer.gs1.scans import Scan
from importer.model import Message, Reading, Reject, Sheet
from importer.rows.tables import ROLES, ROWS, Rows
from importer.sources.epcis_events import Document, Event, pack_of, plain_pack
from importer.sources.epcis_history import End, History, Told, Vocabulary
from importer.sources.files import DAMAGED, Kind, damaged, unpacked
from importer.sources.options import SourceOptions

_ROWS = 1 << 14
_BLOCK = 1 << 20
_HINTS = (
    b"errorDeclaration", b"DELETE", b"destroy", b"decommission", b"dispos", b"inactive", b"TransformationEvent",
)  # fmt: skip
"""What a document holds that says more of its packs than their commissioning: only then it is read once more."""
_LONGEST_HINT = max(map(len, _HINTS))
_NAMED = 5
_TOLD = ("batch", "expiry")
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Notation:
    """How a document is written: what reads its events and its master data."""

    name: str
    events: Callable[[BinaryIO, str], Iterator[Event]]
    vocabulary: Callable[[BinaryIO, str], Iterator[Vocabulary]]


class EpcisList:
    """A `Source` (see tables.py). A row's number counts the EPCs of the document, those of other events too.

    `kind` says how the document is packed.
    """

    sheet_names: Sequence[str] = ("",)

    def __init__(self, path: Path, kind: Kind, notation: Notation, options: SourceOptions) -> None:
        self._path = path
        self._kind = kind
        self._notation = notation
        self._given = {role: options.given().get(role, "") for role in ROLES}
        self._seen = _Seen()

    @property
    def reading(self) -> Reading:
        columns = {"serial": "epc", "gtin": "epc", "batch": "lotNumber", "expiry": "itemExpirationDate"}
        packed = f".{self._kind}" if self._kind in (Kind.GZIP, Kind.ZIP) else ""
        return Reading(
            format=f"epcis.{self._notation.name}{packed}",
            sheets=(Sheet("", 0, columns),),
            remarks=tuple(self._seen.remarks(self._path.name)),
        )

    def __iter__(self) -> Iterator[Rows]:
        self._seen = seen = _Seen()
        history = self._history
        seen.missing_corrections = history.missing_corrections
        number = 0
        block = _Block()
        for order, event in enumerate(self._all_events()):
            first, number = number + 1, number + len(event.epcs)
            if history.is_wrong(event):
                seen.wrong(event)
            elif not event.commissions:
                seen.others[f"{event.kind} {event.action} {event.step}".strip()] += 1
            else:
                seen.quantities += event.quantities
                told = {role: event.told(role) for role in _TOLD}
                sound = history.ends_none and all(len(values) == 1 for values in told.values())
                lot, expiry = (told[role][0] for role in _TOLD) if sound else ("", "")
                for key, epc in enumerate(event.epcs, first):
                    if sound and (plain := plain_pack(epc)):
                        block.keys.append(key)
                        block.values.append((*plain, lot, expiry))
                    else:
                        self._add(block, key, epc, told, (order, event.moment))
                    if len(block.keys) >= _ROWS:
                        seen.read += len(block.keys)
                        yield block.take()
        if block.keys:
            seen.read += len(block.keys)
            yield block.take()
        if not seen.read:
            raise self._nothing()

    def _add(
        self, block: _Block, key: int, epc: str, told: Mapping[str, list[str]], when: tuple[int, datetime | None]
    ) -> None:
        """An EPC that can't be read stands as it is where the serial belongs."""
        pack = pack_of(epc)
        if isinstance(pack, str):
            self._seen.no_packs[pack] += 1
            return
        if isinstance(pack, Reject):
            lot, expiry = ((told[role] or [self._given[role]])[0] for role in _TOLD)
            block.add(key, (epc, self._given["gtin"], lot, expiry), pack)
            return
        serial, gtin = pack.serial, pack.gtin
        lots = told["batch"] or self._elsewhere("batch", pack, "")
        expiries = told["expiry"] or self._elsewhere("expiry", pack, lots[0])
        fault = None
        if len(lots) > 1 or len(expiries) > 1:
            fault = _told_twice("batch", lots) if len(lots) > 1 else _told_twice("expiry", expiries)
        if end := self._history.end_of((gtin, serial), *when):
            fault = _gone(pack, end)
        block.add(key, (serial, gtin, lots[0], expiries[0]), fault)

    def _elsewhere(self, role: str, pack: Scan, lot: str) -> list[str]:
        """What the EPC says of a pack, the rest of the document, or the options; at least an empty text."""
        own: str = getattr(pack, role)
        found = [own] if own else self._told.values(role, (pack.gtin, pack.serial), lot)
        self._seen.told_elsewhere += bool(found and not own)
        return found or [self._given[role]]

    @cached_property
    def _history(self) -> History:
        return History(self._all_events()) if self._holds_hints() else History()

    @cached_property
    def _told(self) -> Told:
        """Read only for a document of which some event does not say it itself."""
        return Told(self._all_events(), self._read(self._notation.vocabulary), self._history)

    def _holds_hints(self) -> bool:
        try:
            with unpacked(self._path, self._kind) as file:
                rest = b""
                while block := file.read(_BLOCK):
                    text = rest + block
                    if b"\0" in text or any(hint in text for hint in _HINTS):  # UTF-16 can't be looked through so
                        return True
                    rest = text[-_LONGEST_HINT:]
        except DAMAGED as error:
            raise damaged(self._path, error) from error
        return False

    def _all_events(self) -> Iterator[Event]:
        return self._read(self._notation.events)

    def _read(self, read: Callable[[BinaryIO, str], Iterator[_Item]]) -> Iterator[_Item]:
        try:
            with unpacked(self._path, self._kind) as file:
                document = Document(file, self._path.name)
                for item in read(cast(BinaryIO, document), self._path.name):
                    document.event()
                    yield item
        except DAMAGED as error:
            raise damaged(self._path, error) from error

    def _nothing(self) -> SourceError:
        name = self._path.name
        if self._seen.wrong_events:
            return SourceError("events_only_wrong", name=name)
        return SourceError("events_without_packs", name=name)


@dataclass(slots=True)
class _Seen:
    """What a reading has met, to be told at its end."""

    #: Rows.
    read: int = 0
    #: Events that commission nothing, by kind, action and step.
    others: Counter[str] = field(default_factory=Counter)
    #: EPCs of commissioning events that are no packs, by scheme.
    no_packs: Counter[str] = field(default_factory=Counter)
    #: Elements of quantity lists of commissioning events.
    quantities: int = 0
    #: Rows whose lot or expiry stands in another event or in the master data.
    told_elsewhere: int = 0
    #: Declarations of errors, and the commissioning events that they take back.
    wrong_events: int = 0
    taken_back: int = 0
    #: Events of any kind that are declared wrong and stand in the document.
    matched: int = 0
    #: The packs of these, and the first of them by serial.
    wrong_packs: int = 0
    wrong_serials: list[str] = field(default_factory=list)
    #: Corrections of wrong events that are not in the document.
    missing_corrections: int = 0

    def wrong(self, event: Event) -> None:
        if event.declares_error:
            self.wrong_events += 1
            return
        self.matched += 1
        if event.commissions:
            self.taken_back += 1
            self.wrong_packs += len(event.epcs)
            some = (pack_of(epc) for epc in event.epcs[: _NAMED - len(self.wrong_serials)])
            self.wrong_serials += [pack.serial for pack in some if isinstance(pack, Scan)]

    def remarks(self, name: str) -> Iterator[Message]:
        if self.others:
            yield Message("events_left_out", "", {"name": name, "kinds": _counted(self.others)})
        if self.taken_back:
            more = [self.wrong_packs - _NAMED] if self.wrong_packs > _NAMED else []
            serials = {"case": "named", "serials": [*self.wrong_serials, *more]} if self.wrong_serials else {}
            counts = {"declarations": self.wrong_events, "events": self.taken_back, "packs": self.wrong_packs}
            yield Message("events_declared_wrong", "", {"name": name, **counts, **serials})
        if self.wrong_events > self.matched:
            elsewhere = self.wrong_events - self.matched
            yield Message("events_wrong_elsewhere", "", {"name": name, "n": elsewhere})
        if self.missing_corrections:
            yield Message("corrections_missing", "", {"name": name, "n": self.missing_corrections})
        if self.no_packs:
            yield Message("epcs_left_out", "", {"name": name, "kinds": _counted(self.no_packs)})
        if self.quantities:
            yield Message("quantities_left_out", "", {"name": name, "n": self.quantities})
        if self.told_elsewhere:
            yield Message("lots_from_elsewhere", "", {"name": name, "n": self.told_elsewhere})


def _counted(kinds: Counter[str]) -> list[dict[str, Any]]:
    return [{"code": "counted", "n": count, "what": kind} for kind, count in kinds.most_common()]


def _gone(pack: Scan, end: End) -> Reject:
    return Reject("destroyed_later", "", {"event": end.what, "value": pack.serial})


def _told_twice(role: str, values: Sequence[str]) -> Reject:
    return Reject("epcis_contradiction", role, {"values": [value[:40] for value in values[:_NAMED]]})


class _Block:
    """Rows on their way."""

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.values: list[tuple[str, str, str, str]] = []
        self._faults: dict[int, Reject] = {}

    def add(self, key: int, values: tuple[str, str, str, str], fault: Reject | None) -> None:
        if fault:
            self._faults[len(self.keys)] = fault
        self.values.append(values)
        self.keys.append(key)

    def take(self) -> Rows:
        columns: list[Any] = [pa.array(map(_utf8, column), pa.string()) for column in zip(*self.values, strict=True)]
        rows = Rows(pa.table([pa.array(self.keys, pa.int64()), *columns], schema=ROWS), self._faults)
        self.keys, self.values, self._faults = [], [], {}
        return rows


def _utf8(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
