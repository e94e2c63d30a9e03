"""EPCIS documents as lists: the commissioning events in them, one row per EPC. Knows no notation of them.

EPCIS 1.2 section 7.3, 2.0 section 7.3; CBV for the business step and the names of lot and expiry.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from importer.errors import SourceError
from importer.gs1.scans import Scan, read_scan
from importer.model import Reading, Reject, Sheet
from importer.rows.tables import ROLES, ROWS, Rows
from importer.sources.files import DAMAGED, Kind, damaged, unpacked
from importer.sources.options import SourceOptions

_ROWS = 1 << 14
_PACK = re.compile(r"urn:epc:id:sgtin:|https?://.*/(?:01|gtin)/", re.IGNORECASE)
_LOT = ("lotNumber", "batchNumber", "lot")
_EXPIRY = ("itemExpirationDate", "expirationDate", "expiryDate")
_MOST_BETWEEN = 256 << 20
"""Bytes without the end of an event, from where on they are no document: a few packed ones unpack to any number."""
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T.*|Z|[+-]\d{2}:\d{2})?")


class TooLongError(SourceError):
    """There is no end of an event where one should have come long ago."""


class Document(io.RawIOBase):
    """The bytes of a document. `event` tells it that an event has come out of them."""

    def __init__(self, file: BinaryIO, name: str, most: int = _MOST_BETWEEN) -> None:
        self._file = file
        self._name = name
        self._most = self._left = most

    def event(self) -> None:
        self._left = self._most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._file.read(len(buffer))
        buffer[: len(block)] = block
        self._left -= len(block)
        if self._left < 0:
            raise TooLongError(
                f"{self._name} has an event of more than {self._most >> 20} MB, or none in as many: split it."
            )
        return len(block)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._left = self._most
        return self._file.seek(offset, whence)


@dataclass(slots=True)
class Event:
    """An event of a document. Names are local ones: without namespace or prefix."""

    kind: str
    action: str = ""
    step: str = ""
    epcs: Sequence[str] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    """The instance or lot master data (ilmd)."""

    @property
    def commissions(self) -> bool:
        return self.kind == "ObjectEvent" and self.action.upper() == "ADD" and self.step == "commissioning"


def local(name: str) -> str:
    """A name without namespace, prefix or the path of a vocabulary: urn:epcglobal:cbv:bizstep:commissioning."""
    return re.split(r"[}:/#]|BizStep-", name.strip())[-1]


class EpcisList:
    """A `Source` (see tables.py). A row's number counts the EPCs of the document, those of other events too.

    `kind` says how the document is packed.
    """

    sheet_names: Sequence[str] = ("",)

    def __init__(
        self,
        path: Path,
        kind: Kind,
        notation: str,
        events: Callable[[BinaryIO, str], Iterator[Event]],
        options: SourceOptions,
    ) -> None:
        self._path = path
        self._kind = kind
        self._notation = notation
        self._events = events
        self._given = {role: options.given().get(role, "") for role in ROLES}
        self._others: Counter[str] = Counter()
        self._no_packs = 0

    @property
    def reading(self) -> Reading:
        columns = {"serial": "epc", "gtin": "epc", "batch": _LOT[0], "expiry": _EXPIRY[0]}
        packed = f".{self._kind}" if self._kind in (Kind.GZIP, Kind.ZIP) else ""
        return Reading(
            format=f"epcis.{self._notation}{packed}", sheets=(Sheet("", 0, columns),), remarks=tuple(self._remarks())
        )

    def _remarks(self) -> Iterator[str]:
        name = self._path.name
        if self._others:
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in self._others.most_common())
            yield f"{name}: events that commission nothing were left out: {kinds}."
        if self._no_packs:
            yield f"{name}: EPCs of commissioning events that are no packs (no SGTIN) left out: {self._no_packs:,}."

    def __iter__(self) -> Iterator[Rows]:
        self._others.clear()
        self._no_packs = number = read = 0
        block = _Block()
        for event in self._all_events():
            if not event.commissions:
                self._others[f"{event.kind} {event.action} {event.step}".strip()] += 1
                number += len(event.epcs)
                continue
            lot, expiry = self._lot_and_expiry(event)
            for epc in event.epcs:
                number += 1
                if not _PACK.match(epc):
                    self._no_packs += 1
                    continue
                read += 1
                block.add(number, epc, self._given["gtin"], lot, expiry)
                if len(block.keys) >= _ROWS:
                    yield block.take()
        if block.keys:
            yield block.take()
        if not read:
            raise SourceError(
                f"{self._path.name} has no commissioning event with packs in it (ObjectEvent, action ADD, bizStep "
                f"commissioning, EPCs urn:epc:id:sgtin:…): there is nothing to import."
            )

    def _all_events(self) -> Iterator[Event]:
        try:
            with unpacked(self._path, self._kind) as file:
                document = Document(file, self._path.name)
                for event in self._events(cast(BinaryIO, document), self._path.name):
                    document.event()
                    yield event
        except DAMAGED as error:
            raise damaged(self._path, error) from error

    def _lot_and_expiry(self, event: Event) -> tuple[str, str]:
        lot = next((event.data[name] for name in _LOT if event.data.get(name)), self._given["batch"])
        expiry = next((event.data[name] for name in _EXPIRY if event.data.get(name)), self._given["expiry"])
        day = _DAY.fullmatch(expiry.strip())
        return lot, day[1] if day else expiry


class _Block:
    """Rows on their way."""

    def __init__(self) -> None:
        self.keys: list[int] = []
        self._values: list[tuple[str, str, str, str]] = []
        self._faults: dict[int, Reject] = {}

    def add(self, key: int, epc: str, gtin: str, lot: str, expiry: str) -> None:
        """An EPC that can't be read stands as it is where the serial belongs."""
        pack = read_scan(epc)
        if isinstance(pack, Scan):
            self._values.append((pack.serial, pack.gtin, lot or pack.batch, expiry or pack.expiry))
        else:
            self._faults[len(self.keys)] = pack
            self._values.append((epc, gtin, lot, expiry))
        self.keys.append(key)

    def take(self) -> Rows:
        columns: list[Any] = [pa.array(map(_utf8, column), pa.string()) for column in zip(*self._values, strict=True)]
        rows = Rows(pa.table([pa.array(self.keys, pa.int64()), *columns], schema=ROWS), self._faults)
        self.keys, self._values, self._faults = [], [], {}
        return rows


def _utf8(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
