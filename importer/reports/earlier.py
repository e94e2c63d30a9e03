"""What a report replaces is kept: the files of each earlier one stand in `report-1`, `report-2` … beside those of the
current one, as they were, also where a person has changed them. The manifest says which follows which.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import zipfile
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from importer.reports.manifest import MANIFEST, Follows, read_manifest
from importer.reports.publishing import Draft, explained, sync

_NAME = re.compile(r"report-([1-9][0-9]*)")
_DRAFT = ".report-earlier"
_BLOCK = 1 << 20
_CREATED = "docProps/core.xml"
"""Says when a workbook was made."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The report that stands in a directory before another one is written."""

    directory: Path
    manifest: bytes

    def is_same(self, drafts: Collection[Draft]) -> bool:
        """Whether it has just the files that are drafted, and they say the same."""
        with suppress(msgspec.MsgspecError, OSError):
            names = [entry.name for entry in read_manifest(self.manifest).files]
            drafted = {draft.name: draft.path for draft in drafts}
            return {*names} == {*drafted} and all(same_file(self.directory / name, drafted[name]) for name in names)
        return False

    def keep(self, names: Collection[str]) -> Follows:
        """Keep those of these files that are there, and the manifest; return which report the next one follows. Where
        the last one that was kept is this one, since writing the next was cut short, nothing is kept twice.
        """
        number, kept = _last(self.directory)
        follows = Follows(f"report-{number}", hashlib.sha256(self.manifest).hexdigest())
        if kept and _read(kept / MANIFEST) == self.manifest:
            return follows
        follows = Follows(f"report-{number + 1}", follows.manifest_sha256)
        with explained(self.directory):
            draft = self.directory / _DRAFT
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(mode=0o700)
            for name in {*names, MANIFEST}:
                with suppress(FileNotFoundError):
                    _second_name(self.directory / name, draft / name)
            sync(draft)
            draft.rename(self.directory / follows.directory)
            sync(self.directory)
        return follows


def earlier(directory: Path) -> Earlier | None:
    """The report that stands in `directory`; None where no whole one does."""
    manifest = _read(directory / MANIFEST)
    return None if manifest is None else Earlier(directory, manifest)


def _last(directory: Path) -> tuple[int, Path | None]:
    """The number and place of the report that was kept last; 0 and None: none was."""
    kept = ((int(found[1]), path) for path in directory.iterdir() if (found := _NAME.fullmatch(path.name)))
    return max(kept, default=(0, None), key=lambda one: one[0])


def _second_name(path: Path, other: Path) -> None:
    """One file under two names: publishing replaces names and changes no file. A copy where a disk can't do that."""
    try:
        os.link(path, other)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copy2(path, other)


def _read(path: Path) -> bytes | None:
    with suppress(OSError):
        return path.read_bytes()
    return None


def same_file(one: Path, other: Path) -> bool:
    """Whether two files of reports say the same: a workbook's parts do, whenever it was packed. Raises OSError."""
    if one.suffix == ".xlsx":
        return _parts(one) == _parts(other)
    with one.open("rb") as first, other.open("rb") as second:
        while block := first.read(_BLOCK):
            if block != second.read(_BLOCK):
                return False
        return not second.read(1)


def _parts(workbook: Path) -> dict[str, int] | None:
    """The parts of a workbook by name, each with its checksum; None where it is none."""
    try:
        with zipfile.ZipFile(workbook) as file:
            return {part.filename: part.CRC for part in file.infolist() if part.filename != _CREATED}
    except zipfile.BadZipFile:
        return None
