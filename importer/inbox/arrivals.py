"""Which lists of an inbox are complete: of one that is still being written, half would be imported.

Size and time must have stood still for a while, and no process may have the file open; or a marker or an atomic rename
says so, where that is configured. On a network share only size and time can tell.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from importer.config.night import Complete

try:
    import fcntl
except ImportError:  # pragma: no cover  a system without them has no leases either
    fcntl = None  # type: ignore[assignment]

LISTS = frozenset(
    {".csv", ".txt", ".tsv", ".tab", ".gz", ".zip", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".fods"}
    | {".xml", ".json", ".jsonld", ".htm", ".html", ".mht", ".mhtml", ".slk"}
)
MARKERS = (".ok", ".done")
_HALF_WRITTEN = frozenset(
    {".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download", ".upload", ".writing", ".swp"}
)
"""What senders call a file that is still on its way."""
SECOND_LOOK = 1.0
"""Seconds between two looks at a file whose time says that it has been quiet: a share's clock may be wrong."""
_PROCESSES = Path("/proc")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes when a file is written to, or replaced by another one."""

    size: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Stamp | None:
        """None: the file has gone."""
        try:
            status = path.stat()
        except OSError:
            return None
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A list that is not taken yet, and why: `changing`, `open` (by process `by`), `future` or `marker`."""

    path: Path
    why: str
    by: int = 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """What is no list, and why: `hidden`, `half_written`, `directory`, `link`, `special` or `marker_alone`."""

    path: Path
    why: str


@dataclass(slots=True)
class Arrivals:
    """Looks at one inbox again and again. `wall` is the time of day, `clock` never jumps; both in seconds.

    `own` are the names of directories in it that mean something: others are named as skipped.
    """

    inbox: Path
    complete: Complete = "quiet"
    quiet_seconds: float = 10.0
    wall: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    own: Collection[str] = ()
    skipped: list[Skipped] = field(default_factory=list)
    """What the last look found that is no list."""
    complete_ones: list[Path] = field(default_factory=list)
    """What the last look has found."""
    waiting: list[Waiting] = field(default_factory=list)
    """The lists that the last look found and did not take."""
    look_again_in: float | None = None
    """Seconds after which another look may find more complete lists; None: nothing is about to be."""
    _since: dict[Path, tuple[Stamp, float]] = field(default_factory=dict)
    """Each list's stamp, and since when it has been seen so."""

    def look(self) -> list[Path]:
        """The complete files that may be lists, oldest first. One without a list's extension may be something else."""
        self.waiting, self.skipped, self.look_again_in = [], [], None
        stamps = {path: stamp for path in self._candidates() if (stamp := Stamp.of(path)) is not None}
        self._since = {path: self._seen(path, stamp) for path, stamp in stamps.items()}
        found = [path for path in sorted(stamps, key=lambda path: (stamps[path].changed_ns, path)) if self._takes(path)]
        opened = holders(found) if self.complete == "quiet" else {}
        self.waiting += [Waiting(path, "open", opened[path]) for path in found if path in opened]
        self.complete_ones = [path for path in found if path not in opened]
        return self.complete_ones

    def _candidates(self) -> Iterator[Path]:
        for path in self.inbox.iterdir():
            why = self._no_list(path)
            if why is None:
                yield path
            elif why:
                self.skipped.append(Skipped(path, why))

    def _no_list(self, path: Path) -> str | None:
        """Why a file is no list; empty: it is ours, or a list's marker; None: it may be one."""
        suffix = path.suffix.lower()
        if path.is_symlink():
            return "link"
        if path.is_dir():
            return "" if path.name in self.own else "directory"
        if not path.is_file():
            return "special"
        if path.name.startswith((".", "~")):
            return "hidden"
        if suffix in _HALF_WRITTEN:
            return "half_written"
        if suffix in MARKERS:
            return "" if _has_list(path) else "marker_alone"
        return None

    def _seen(self, path: Path, stamp: Stamp) -> tuple[Stamp, float]:
        before = self._since.get(path)
        return before if before and before[0] == stamp else (stamp, self.clock())

    def _takes(self, path: Path) -> bool:
        if self.complete == "rename":
            return True
        if self.complete == "marker":
            if marker_of(path) is None:
                self.waiting.append(Waiting(path, "marker"))
            return marker_of(path) is not None
        stamp, since = self._since[path]
        stood, age = self.clock() - since, self.wall() - stamp.changed_ns / 1e9
        needed = self.quiet_seconds
        if age >= self.quiet_seconds:
            needed = min(SECOND_LOOK, self.quiet_seconds)
        if stood >= needed:
            return True
        if age < self.quiet_seconds:
            self.waiting.append(Waiting(path, "future" if age < 0 else "changing"))
        if age < 0 or age >= self.quiet_seconds:
            self.look_again_in = max(self.look_again_in or 0.0, needed - stood)
        return False


def marker_of(path: Path) -> Path | None:
    """The file that says that a list is complete: `list.csv.ok`, `list.ok`, or the same with `.done`."""
    named = (path.with_name(path.name + marker) for marker in MARKERS)
    short = (path.with_suffix(marker) for marker in MARKERS)
    return next((marker for marker in (*named, *short) if marker.is_file()), None)


def _has_list(marker: Path) -> bool:
    beside = (path for path in marker.parent.iterdir() if path != marker and path.suffix.lower() not in MARKERS)
    return any(marker.stem in (path.name, path.stem) for path in beside)


def holders(paths: Sequence[Path]) -> Mapping[Path, int]:
    """Which of these files a process has open, and its number (0: it can't be told); another user's processes can
    be seen by root only.
    """
    if not paths:
        return {}
    if not _PROCESSES.joinpath("self", "fd").exists():
        return {path: 0 for path in paths if _resists_lease(path)}
    wanted = {path.name: path for path in paths}
    found = dict[Path, int]()
    for process in _PROCESSES.iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            found |= {path: int(process.name) for path in _opened(process, wanted)}
    return found


def _opened(process: Path, wanted: Mapping[str, Path]) -> Iterator[Path]:
    try:
        descriptors = os.listdir(process / "fd")  # noqa: PTH208  one of thousands
    except OSError:
        return  # it has ended, or is another user's
    for descriptor in descriptors:
        place = f"{process}/fd/{descriptor}"
        with suppress(OSError):
            # Its name decides whether it is looked at: a file on a share that is away would block.
            path = wanted.get(os.path.basename(os.readlink(place)))  # noqa: PTH115, PTH119
            if path and os.path.samestat(os.stat(place), path.stat()):  # noqa: PTH116
                yield path


def _resists_lease(path: Path) -> bool:
    """Whether a lease on the file is refused since it is open elsewhere. Where leases are not known, it is not."""
    lease = getattr(fcntl, "F_SETLEASE", None)
    if lease is None:
        return False
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.fcntl(descriptor, lease, fcntl.F_WRLCK)
        fcntl.fcntl(descriptor, lease, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
