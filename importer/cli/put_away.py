"""Lists that were taken from an inbox: moved to `done/` or `failed/`, and back again where one grew after it was read.

Its sender may have kept it open on a share, where that can't be seen: what it wrote later would be lost in `done/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from importer.cli.arrivals import Stamp, marker_of
from importer.errors import ConfigError
from importer.ledger.records import Run

DONE, FAILED = "done", "failed"
_NUMBERED = re.compile(r"-[0-9]+$")


class PutAway:
    """One inbox. `imported` gives the runs of the ledger, to know a list that grew while no `watch` was running."""

    def __init__(self, inbox: Path, imported: Callable[[], Sequence[Run]]) -> None:
        self._inbox = inbox
        self._imported = imported
        self._stamps = dict[Path, Stamp | None]()
        self._looked = False

    def put(self, path: Path, name: str) -> Path:
        """Move a list with its marker; one of the same name that is there already is kept beside it. Raises
        ConfigError where it can't be moved.
        """
        directory = path.parent / name
        marker = marker_of(path)
        try:
            directory.mkdir(exist_ok=True)
            place = path.rename(_free(directory, path.name))
            if marker:
                marker.rename(_free(directory, marker.name))
        except OSError as error:
            raise ConfigError(
                "list_not_moved", path=str(path), directory=str(directory), reason=error.strerror or str(error)
            ) from error
        self._stamps[place] = Stamp.of(place)
        return place

    def take_back(self) -> list[Path]:
        """Move those that grew since back into the inbox; returns where they are now."""
        grown = [place for place, stamp in self._stamps.items() if stamp and Stamp.of(place) not in (stamp, None)]
        if not self._looked:
            self._looked = True
            grown += self._grown_before()
        return [self._back(place) for place in grown]

    def _back(self, place: Path) -> Path:
        self._stamps.pop(place, None)
        return place.rename(_free(self._inbox, place.name))

    def _grown_before(self) -> Iterator[Path]:
        """Of the lists in `done/` those that were written to after they were moved there, and have another size than
        every run of that name has read.
        """
        done = self._inbox / DONE
        for path in done.iterdir() if done.is_dir() else ():
            status = path.stat()
            if status.st_mtime_ns != status.st_ctime_ns or not path.is_file():
                continue  # moving it was the last that happened to it
            names = {path.name, _NUMBERED.sub("", path.stem) + path.suffix}
            sizes = {run.source_bytes for run in self._imported() if run.source_name in names}
            if sizes and status.st_size not in sizes:
                yield path


def _free(directory: Path, name: str) -> Path:
    place, number = directory / name, 1
    while place.exists():
        number += 1
        place = directory / f"{Path(name).stem}-{number}{Path(name).suffix}"
    return place
