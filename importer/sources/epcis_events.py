"""What one event of an EPCIS document says, whatever its notation, and what an EPC names. Knows no document.

EPCIS 1.2 section 7.4 and 2.0 section 7.4; CBV 1.2 and 2.0 for steps, dispositions and the names of lot and expiry.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, BinaryIO

from importer.errors import SourceError
from importer.gs1.scans import Scan, gtin_of, read_scan
from importer.model import Reject
from importer.sources.headers import role_of

KINDS = frozenset(
    {"ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent", "AssociationEvent", "QuantityEvent"}
)
_MOST_BETWEEN = 256 << 20
"""Bytes without the end of an event, from where on they are no document: a few packed ones unpack to any number."""
_ENDING_STEPS = frozenset({"destroying", "decommissioning", "disposing"})
_ENDING_DISPOSITIONS = frozenset({"destroyed", "disposed", "inactive"})
_NAMES = {"batch": "lotnumber", "expiry": "itemexpirationdate"}
"""How CBV calls them; where another name of the same role says something else, these win."""
_PLAIN = "urn:epc:id:sgtin:"
_SGTIN = re.compile(r"urn:epc:(?:id:sgtin:|tag:sgtin-)|https?://.*/(?:01|gtin)/", re.IGNORECASE)
_CLASS = re.compile(r"urn:epc:(?:idpat:sgtin|class:lgtin|pat:sgtin|raw)", re.IGNORECASE)
_OTHER_URN = re.compile(r"urn:epc:(?:id|tag|idpat|pat|class):([a-z]+)|urn:(\w+):", re.IGNORECASE)
_OTHER_LINK = re.compile(r"https?://.*/(00|253|255|401|402|414|415|417|8003|8004|8006|8010|8017|8018)/")
_SSCC = re.compile(r"\(?00\)?\d{18}")
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T00:00(?::00(?:\.0+)?)?)?(?:Z|[+-]\d{2}:?\d{2})?")


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
            raise TooLongError("event_too_long", name=self._name, most=self._most)
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
    disposition: str = ""
    time: str = ""
    #: `eventID`, or empty.
    id: str = ""
    #: What `epcList` names; each of them is a row where the event commissions.
    epcs: Sequence[str] = ()
    #: What other lists name: children of an aggregation, outputs of a transformation.
    others: Sequence[str] = ()
    #: What a transformation used up.
    inputs: Sequence[str] = ()
    #: How many elements of quantity lists it has: amounts of a class, without serials.
    quantities: int = 0
    #: Names and values of the instance or lot master data (ilmd), then of the event's own extensions.
    data: list[tuple[str, str]] = field(default_factory=list)
    #: It carries an errorDeclaration: it repeats an earlier event and says that this was wrong.
    declares_error: bool = False
    #: The events that correct what it declares wrong.
    corrected_by: Sequence[str] = ()

    @property
    def commissions(self) -> bool:
        return self.kind == "ObjectEvent" and self.action.upper() == "ADD" and self.step.lower() == "commissioning"

    @property
    def ends(self) -> bool:
        """Whether its packs do not exist any more after it: destroyed, decommissioned, or said to be gone (DELETE)."""
        return self.kind == "ObjectEvent" and (
            self.action.upper() == "DELETE"
            or self.step.lower() in _ENDING_STEPS
            or (self.disposition.lower() in _ENDING_DISPOSITIONS and not self.commissions)
        )

    @property
    def gone(self) -> Sequence[str]:
        """The EPCs that don't exist any more after it."""
        return self.epcs if self.ends else self.inputs

    @property
    def moment(self) -> datetime | None:
        """When it happened, where its time says so with its zone."""
        try:
            found = datetime.fromisoformat(self.time)
        except ValueError:
            return None
        return found if found.tzinfo else None

    @property
    def lots_and_expiries(self) -> list[tuple[str, str]]:
        """All that it says of lot and expiry, by role."""
        return [(role, value) for name, value in self.data if (role := _role(name)) in _NAMES and role and value]

    def told(self, role: str) -> list[str]:
        """What it says of a batch or expiry: nothing, one value, or several that contradict each other."""
        found = [(local(name).casefold(), value) for name, value in self.data if value and _role(name) == role]
        plain = [value for name, value in found if name == _NAMES[role]] or [value for _, value in found]
        return list(dict.fromkeys(map(_day, plain) if role == "expiry" else plain))


@lru_cache(4096)
def local(name: str) -> str:
    """A name without namespace, prefix or the path of a vocabulary: urn:epcglobal:cbv:bizstep:commissioning."""
    return re.split(r"[}:/#]|BizStep-|Disp-", name.strip())[-1]


def _role(name: str) -> str | None:
    plain = local(name)
    return "expiry" if plain.casefold() == _NAMES["expiry"] else role_of(plain)


def _day(text: str) -> str:
    """A day with a time zone or its midnight; another time of day is left to the grammar of dates."""
    day = _DAY.fullmatch(text)
    return day[1] if day else text


def pack_of(epc: str) -> Scan | Reject | str:
    """What an EPC names: a pack; no pack, by the name of its scheme; or nothing that can be read."""
    plain = plain_pack(epc)
    if plain:
        return Scan(plain[1], plain[0])
    if _SGTIN.match(epc) or _CLASS.match(epc):
        return read_scan(epc)
    urn = _OTHER_URN.match(epc)
    if urn:
        return (urn[1] or urn[2]).lower()
    if _SSCC.fullmatch(epc):
        return "sscc"
    link = _OTHER_LINK.match(epc)
    if link:
        return f"({link[1]})"
    return read_scan(epc)


def plain_pack(epc: str) -> tuple[str, str] | None:
    """Serial and GTIN of an EPC that is written as nearly all are: 0.8 µs instead of 3."""
    if not epc.startswith(_PLAIN) or "%" in epc:
        return None
    prefix, _, rest = epc[len(_PLAIN) :].partition(".")
    item, _, serial = rest.partition(".")
    gtin = gtin_of(prefix, item)
    return (serial, gtin) if gtin and serial else None


def packs_of(epcs: Iterable[str]) -> Iterable[tuple[str, str]]:
    """GTIN and serial of those EPCs that are packs."""
    return ((p.gtin, p.serial) for p in map(pack_of, epcs) if isinstance(p, Scan))
