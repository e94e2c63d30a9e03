"""Files that were dropped on the page, each in a directory of its own with what is known of it beside.

The directory's name is random. The file keeps its own name, made harmless, since messages and reports show it.
"""

from __future__ import annotations

import re
import secrets
import shutil
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from importer.ledger.records import now
from importer.web.changes import Cell, Change, Changes, Kind
from importer.web.durable import make_private, read_json, write_json

_ID = re.compile(r"[0-9a-f]{20}")
_LONGEST = 200
"""Bytes of a name; a file system takes 255, and the marked list has a longer one."""


@dataclass(slots=True)
class Upload:
    """`options` and `changes` say how it is to be read. `run` is the id that its run will have, or has. `version` grows
    with every change. `fault` says why an import of it came to nothing.
    """

    id: str
    name: str
    bytes: int
    sha256: str
    by: str
    at: str
    run: str
    changes: Changes
    """What people corrected; kept in a file of its own."""
    options: dict[str, Any] = field(default_factory=dict)
    version: int = 1
    imported: bool = False
    fault: dict[str, Any] = field(default_factory=dict)
    discarded_at: str = ""
    """Empty unless it was discarded, which can be taken back for a while."""
    discarded_by: str = ""
    follows: str = ""
    """The run whose rejected rows it holds."""
    touched_by: list[str] = field(default_factory=list)
    """Who has changed how it is read, or corrected it."""

    @property
    def hands(self) -> set[str]:
        """All whose work is in it: who releases it is none of them where four eyes are demanded."""
        return {self.by, *self.touched_by, *(change.by for change in self.changes.all)}

    @property
    def edits(self) -> dict[str, dict[str, str]]:
        """The corrections that hold now, by the key of the row."""
        return self.changes.edits


_CHANGES = "changes.jsonl"
_KEPT = tuple(one.name for one in fields(Upload) if one.name != "changes")


_RESERVED = frozenset('<>:"|?*')
"""What no name of a file may hold on Windows, where the marked list is opened."""
_LONGEST_END = 10


def harmless(name: str) -> str:
    """A name for people, as whole as can be, that is also one part of a path and nothing else."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    kept = "".join("_" if c in _RESERVED or not c.isprintable() else c for c in last).strip(" .")
    stem, dot, end = kept.rpartition(".")
    if not dot or len(end) > _LONGEST_END:
        stem, end = kept, ""
    while len(f"{stem}{dot and end and '.'}{end}".encode()) > _LONGEST:
        stem = stem[:-1]
    return (f"{stem}.{end}" if end else stem) or "list"


class Uploads:
    """All uploads, read once from the disk; one server uses the directory at a time."""

    def __init__(self, directory: Path, new_run_id: Callable[[], str]) -> None:
        self._directory = directory
        self._new_run_id = new_run_id
        make_private(directory)
        self._known: dict[str, Upload] = {}
        for path in sorted(directory.iterdir()):
            if _ID.fullmatch(path.name):
                self._take_in(path)

    def _take_in(self, path: Path) -> None:
        values = read_json(path / "upload.json")
        if not isinstance(values, dict):
            shutil.rmtree(path, ignore_errors=True)  # cut off while it arrived
            return
        known = {name: value for name, value in values.items() if name in _KEPT}
        upload = Upload(**known, changes=Changes(path / _CHANGES))
        self._known[upload.id] = upload

    def begin(self, name: str) -> tuple[str, Path]:
        """An id, and where the bytes are to go. Unless `arrived` is called, it has never been."""
        number = secrets.token_hex(10)
        path = self._directory / number / "source" / harmless(name)
        make_private(path.parent)
        return number, path

    def arrived(self, number: str, path: Path, size: int, sha256: str, by: str, *, follows: str = "") -> Upload:
        changes = Changes(self._directory / number / _CHANGES)
        upload = Upload(number, path.name, size, sha256, by, now(), self._new_run_id(), changes, follows=follows)
        self.save(upload)
        self._known[number] = upload
        return upload

    def save(self, upload: Upload) -> None:
        write_json(self._directory / upload.id / "upload.json", {name: getattr(upload, name) for name in _KEPT})

    def read_differently(self, upload: Upload, options: Mapping[str, Any], by: str) -> None:
        """Read it in another way from now on."""
        upload.options = dict(options)
        self._changed(upload, by)

    def correct(
        self, upload: Upload, kind: Kind, by: str, cells: Sequence[Cell], values: Mapping[str, Any] | None = None
    ) -> Change:
        change = upload.changes.make(kind, by, cells, values)
        self._changed(upload, by)
        return change

    def take_back(self, upload: Upload, numbers: Sequence[int], by: str) -> list[Change]:
        """Undo changes of these numbers; give those that stood till now."""
        undone = upload.changes.undo(numbers, by)
        if undone:
            self._changed(upload, by)
        return undone

    def _changed(self, upload: Upload, by: str) -> None:
        if by not in upload.touched_by:
            upload.touched_by.append(by)
        upload.version += 1
        upload.fault = {}
        self.save(upload)

    def discard(self, upload: Upload, by: str) -> None:
        """It can be restored until it is removed."""
        upload.discarded_at, upload.discarded_by = now(), by
        self.save(upload)

    def restore(self, upload: Upload) -> None:
        upload.discarded_at = upload.discarded_by = ""
        self.save(upload)

    def discarded(self) -> list[Upload]:
        """The one that was discarded last, first."""
        found = [one for one in self._known.values() if one.discarded_at]
        return sorted(found, key=lambda one: one.discarded_at, reverse=True)

    def remove(self, number: str) -> None:
        self._known.pop(number, None)
        shutil.rmtree(self._directory / number, ignore_errors=True)

    def get(self, number: str) -> Upload | None:
        return self._known.get(number)

    def path(self, upload: Upload) -> Path:
        return self._directory / upload.id / "source" / upload.name

    def of_run(self, run: str) -> Upload | None:
        return next((one for one in self._known.values() if one.run == run), None)

    def all(self) -> list[Upload]:
        return list(self._known.values())

    def changed_at(self, upload: Upload) -> datetime:
        """When it arrived, was read differently, corrected or imported last."""
        try:
            return datetime.fromtimestamp((self._directory / upload.id / "upload.json").stat().st_mtime, UTC)
        except OSError:  # somebody has removed it behind our back
            return datetime.fromisoformat(upload.at)

    def not_imported(self) -> list[Upload]:
        """Those that wait, youngest first."""
        found = [one for one in self._known.values() if not one.imported and not one.discarded_at]
        return sorted(found, key=lambda one: one.at, reverse=True)
