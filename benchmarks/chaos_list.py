"""The list that chaos.py imports, and what an undisturbed run has to make of each of its rows."""

from __future__ import annotations

import csv
import random
import string
from dataclasses import dataclass
from pathlib import Path

HEADER = ("SerialNumber", "GTIN", "Batch", "ExpirationDate")
_LETTERS = string.ascii_uppercase + string.digits + string.ascii_lowercase
_WRONG = ("", "TWENTY-ONE-CHARACTERS", "space in it", "Zażółć", "no#good")

Key = tuple[str, str]
"""GTIN and serial."""


@dataclass(frozen=True, slots=True)
class Row:
    """`outcomes` are those that an undisturbed run can give it."""

    serial: str
    gtin: str
    batch: str
    expiry: str
    outcomes: frozenset[str]

    @property
    def key(self) -> Key:
        return self.gtin, self.serial


@dataclass(frozen=True, slots=True)
class List:
    """Row `i` stands in row i + 2 of the file. `options` tell the sandbox the fates of some serials."""

    rows: tuple[Row, ...]
    options: tuple[str, ...]

    def write(self, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEADER, *((r.serial, r.gtin, r.batch, r.expiry) for r in self.rows)])

    def sendable(self) -> dict[Key, Row]:
        """What may reach the API."""
        return {row.key: row for row in self.rows if row.outcomes.isdisjoint({"rejected", "duplicate"})}


def gtin_of(first13: str) -> str:
    total = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(first13))
    return first13 + str(-total % 10)


class _Maker:
    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.rows: list[Row] = []
        self.options: list[str] = []
        self._used: set[str] = set()

    def serial(self) -> str:
        serial = "".join(self._dice.choices(_LETTERS, k=self._dice.randint(5, 20)))
        if serial in self._used:
            return self.serial()
        self._used.add(serial)
        return serial

    def add(self, batch: tuple[str, str, str], *outcomes: str, serial: str | None = None) -> str:
        """Add a row; without a `serial` it gets one of its own."""
        serial = self.serial() if serial is None else serial
        self.rows.append(Row(serial, *batch, frozenset(outcomes)))
        return serial

    def fated(self, batch: tuple[str, str, str], fate: str) -> None:
        self.options.append(f"{fate}={self.add(batch, 'refused')}")

    def pack(self, batch: tuple[str, str, str], other: tuple[str, str, str]) -> None:
        """One row or two, mostly plain ones."""
        match self._dice.choices(("plain", "refused", "repeat", "conflict", "wrong"), (85, 5, 4, 3, 3))[0]:
            case "refused":
                self.fated(batch, "refused")
            case "wrong":
                self.add(batch, "rejected", serial=self._dice.choice(_WRONG))
            case "conflict":
                self.add(other, "rejected", serial=self.add(batch, "rejected"))
            case "repeat":
                self.add(batch, "duplicate", serial=self.add(batch, "assigned"))
            case _:
                self.add(batch, "assigned")


def make(dice: random.Random, rows: int) -> List:
    """Several products and batches, wrong rows, repeats, conflicts, refused and poisonous serials, and a product that
    is not registered.
    """
    maker = _Maker(dice)
    gtins = [gtin_of(f"09520001{number:05}") for number in dice.sample(range(100_000), 4)]
    unknown = gtins.pop()
    batches = [(gtin, f"B{number}", f"49{dice.randint(1, 12):02}28") for gtin in gtins for number in (1, 2)]
    while len(maker.rows) < rows * 0.85:
        place = dice.randrange(len(batches))
        maker.pack(batches[place], batches[place ^ 1])
    for batch in dice.sample(batches, 2):
        maker.fated(batch, "poison")
    maker.options.append(f"unregistered={unknown}")
    while len(maker.rows) < rows:
        batch = (unknown, dice.choice(("U1", "U2")), "490128")
        repeated = maker.add(batch, "refused", "unsent")
        if dice.choice((True, *[False] * 9)):
            maker.add(batch, "duplicate", serial=repeated)
    order = list(range(len(maker.rows)))
    if dice.choice((True, False)):
        dice.shuffle(order)
    return List(_repeats_last(tuple(maker.rows[place] for place in order)), tuple(maker.options))


def _repeats_last(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """A shuffled repeat may stand before what it repeats: then the two change places."""
    first: dict[Key, int] = {}
    sorted_rows = list(rows)
    for place, row in enumerate(rows):
        if "rejected" in row.outcomes:
            continue
        if row.key not in first:
            first[row.key] = place
        elif "duplicate" not in row.outcomes:
            sorted_rows[first[row.key]], sorted_rows[place] = row, rows[first[row.key]]
    return tuple(sorted_rows)
