"""What people corrected in an upload, change by change: who, when, which cells, from what to what. Nothing is ever
removed from the file; what was taken back says by whom. What holds now is folded from the changes that stand.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from importer.ledger.records import now
from importer.web.durable import private

Kind = Literal["cells", "fill", "replace", "suggested", "align", "leave_out", "confirm", "accept"]
"""`accept` changes no cell: its values are the codes of suspect values that were accepted, or not any more."""
MARKS = ("left_out", "confirmed")
YES = "yes"


class Cell(Struct, frozen=True, array_like=True):
    """`role` is serial, gtin, batch or expiry; or left_out or confirmed, with the values "yes" and None.

    `old` is what held before this change, None where that is not known. `new` None: as it was read.
    """

    key: str
    role: str
    old: str | None
    new: str | None


class Change(Struct, omit_defaults=True):
    """What one person did at once; to one cell or to 40,000."""

    number: int
    at: str
    """UTC, ISO 8601."""
    by: str
    kind: Kind
    cells: list[Cell]
    values: dict[str, Any] = {}
    """What its sentence shows, beside the number of rows."""
    undone_at: str = ""
    undone_by: str = ""

    @property
    def stands(self) -> bool:
        return not self.undone_at

    @property
    def rows(self) -> int:
        return len({cell.key for cell in self.cells})


class Undone(Struct, tag=True):
    """A line of the file: these changes were taken back."""

    numbers: list[int]
    at: str
    by: str


class Made(Struct, tag=True):
    """A line of the file: this change was made."""

    change: Change


class Corrected(Struct, frozen=True):
    """A cell that is corrected now: the value as read (None where that is not known), the value that is sent, and the
    last change that set it.
    """

    key: str
    role: str
    old: str | None
    new: str
    change: Change


_DECODER = msgspec.json.Decoder(Made | Undone)
_ENCODER = msgspec.json.Encoder()


class Changes:
    """The changes of one upload. A change is on the disk when `make` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.all: list[Change] = []
        self.edits: dict[str, dict[str, str]] = {}
        """What holds now, as `sources.corrections` takes it."""
        with suppress(FileNotFoundError):
            whole = self._whole_lines(path.read_bytes())
            for line in whole:
                self._take_in(_DECODER.decode(line))
        self._fold()

    def _whole_lines(self, data: bytes) -> list[bytes]:
        """A line that was cut off by a crash was never answered: it is cut from the file, too."""
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(self._path, len(whole))
        return whole.splitlines()

    def make(self, kind: Kind, by: str, cells: Sequence[Cell], values: Mapping[str, Any] | None = None) -> Change:
        """Raises OSError where the disk takes nothing more."""
        change = Change(len(self.all) + 1, now(), by, kind, list(cells), dict(values or {}))
        self._append(Made(change))
        self._apply(change)
        return change

    def undo(self, numbers: Sequence[int], by: str) -> list[Change]:
        """Take changes back, whichever came after them; give those that stood till now."""
        wanted = set(numbers)
        undone = [change for change in self.all if change.number in wanted and change.stands]
        if undone:
            self._append(Undone([change.number for change in undone], now(), by))
            self._fold()
        return undone

    def standing(self) -> list[Change]:
        return [change for change in self.all if change.stands]

    def corrected(self) -> Iterator[Corrected]:
        """Every cell that is corrected now, by row and role, with who did it and when."""
        found: dict[tuple[str, str], Corrected] = {}
        for change in self.standing():
            for cell in change.cells:
                before = found.pop((cell.key, cell.role), None)
                if cell.new is not None:
                    old = before.old if before else cell.old
                    found[cell.key, cell.role] = Corrected(cell.key, cell.role, old, cell.new, change)
        yield from (found[place] for place in sorted(found, key=lambda place: (int(place[0]), place[1])))

    def _append(self, line: Made | Undone) -> None:
        with open(self._path, "ab", opener=private) as file:
            start = file.tell()
            try:
                file.write(_ENCODER.encode(line) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    os.truncate(self._path, start)
                raise
        self._take_in(line)

    def _take_in(self, line: Made | Undone) -> None:
        if isinstance(line, Made):
            self.all.append(line.change)
            return
        wanted = set(line.numbers)
        for change in self.all:
            if change.number in wanted and change.stands:
                change.undone_at, change.undone_by = line.at, line.by

    def _fold(self) -> None:
        self.edits = {}
        for change in self.standing():
            self._apply(change)

    def _apply(self, change: Change) -> None:
        """The edit of a row is replaced, never changed: a check that has begun may still read it."""
        for cell in change.cells:
            edit = {role: value for role, value in self.edits.pop(cell.key, {}).items() if role != cell.role}
            if cell.new is not None:
                edit[cell.role] = cell.new
            if edit:
                self.edits[cell.key] = edit
