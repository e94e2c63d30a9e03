"""The work itself: taking serials and taking them back, and what is said of each. Never awaits: one step."""

import random
from collections.abc import Sequence
from typing import Any

from importer.sandbox.registry import Entry
from importer.sandbox.rules import Order, naming
from importer.sandbox.settings import Settings

ASSIGNED = "Assigned"
DECOMMISSIONED = "Decommissioned"


class Desk:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._order = random.Random(f"{settings.seed}/shuffle")  # noqa: S311  a seeded chance is the point

    def commission(self, order: Order, entries: Sequence[Entry]) -> list[dict[str, str]]:
        """The answer's `data`; raises a refusal with nothing taken."""
        settings, seed = self._settings, self._settings.seed
        self._refuse_whole(order, entries)
        refused = settings.refused.among(order.serials, f"{seed}/refused")
        lost = settings.lost.among(order.serials, f"{seed}/lost")
        hidden = lost | settings.missing.among(order.serials, f"{seed}/missing")
        twofold = settings.contradicted.among(order.serials, f"{seed}/contradicted")
        data = []
        for entry in entries:
            if entry.serial in refused:
                status = settings.refused_status
            elif entry.serial not in lost:
                status = self._take(order, entry)
            if entry.serial not in hidden:
                data.append({"serial_number": entry.serial, "status": status})
            if entry.serial in twofold:
                data.append({"serial_number": entry.serial, "status": settings.refused_status})
        return self._disguised(data)

    def decommission(self, order: Order, entries: Sequence[Entry]) -> list[dict[str, str]]:
        """The answer's `data`. A serial that was never taken refuses the whole request; so do the faults of some."""
        settings, seed = self._settings, self._settings.seed
        poison = settings.poison.among(order.serials, f"{seed}/poison")
        if bad := [one for one in order.serials if one in poison]:
            raise naming(settings, "is not valid", bad)
        if settings.never_taken == "error" and (bad := [one.serial for one in entries if not one.commissioned]):
            raise naming(settings, "does not exist", bad)
        again = [one.serial for one in entries if one.decommissioned]
        if again and settings.taken_back == "error":
            raise naming(settings, "is already decommissioned", again)
        said = dict.fromkeys(order.serials, DECOMMISSIONED)
        if settings.taken_back == "status":
            said.update(dict.fromkeys(again, settings.taken_back_status))
        refused = settings.refused.among(order.serials, f"{seed}/refused")
        said.update(dict.fromkeys(refused, settings.refused_status))
        hidden = settings.missing.among(order.serials, f"{seed}/missing")
        for entry in entries:
            entry.decommissioned += said[entry.serial] == DECOMMISSIONED
        return self._disguised([{"serial_number": one, "status": s} for one, s in said.items() if one not in hidden])

    def _refuse_whole(self, order: Order, entries: Sequence[Entry]) -> None:
        settings = self._settings
        poison = settings.poison.among(order.serials, f"{settings.seed}/poison")
        if bad := [one for one in order.serials if one in poison]:
            raise naming(settings, "is not valid", bad)
        if bad := [one.serial for one in entries if one.commissioned and self._again(order, one) == "error"]:
            raise naming(settings, "already exists", bad)

    def _take(self, order: Order, entry: Entry) -> str:
        """Its status. A serial that was taken before keeps its batch."""
        if entry.commissioned:
            entry.conflicts += _differs(order, entry)
            if self._again(order, entry) == "status":
                return self._settings.twice_status
        else:
            entry.batch, entry.expiry = order.batch, order.expiry
        entry.commissioned += 1
        return ASSIGNED

    def _again(self, order: Order, entry: Entry) -> str:
        other = self._settings.twice_other
        return other if other is not None and _differs(order, entry) else self._settings.twice

    def _disguised(self, data: list[dict[str, str]]) -> list[dict[str, str]]:
        data.extend({"serial_number": f"EXTRA-{n}", "status": ASSIGNED} for n in range(self._settings.extra))
        if self._settings.shuffle:
            self._order.shuffle(data)
        return data


def confirm(entries: Sequence[Entry], data: Sequence[dict[str, Any]]) -> None:
    """Counts what an answer says plainly: the serials that it calls Assigned, and nothing else beside."""
    said: dict[str, str] = {}
    for one in data:
        first = said.setdefault(one["serial_number"], one["status"])
        if first != one["status"]:
            said[one["serial_number"]] = ""
    for entry in entries:
        entry.confirmed += said.get(entry.serial) == ASSIGNED


def _differs(order: Order, entry: Entry) -> bool:
    return (order.batch, order.expiry) != (entry.batch, entry.expiry)
