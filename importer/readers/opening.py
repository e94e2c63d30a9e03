"""Opens lists for everyone else: by a reader in a process of its own, whose rows are checked before they count."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from importer.errors import ImporterError, SourceError
from importer.model import Reading
from importer.readers import endings, frames, handover
from importer.readers.frames import BrokenFrameError, Frame
from importer.readers.handover import Failed, Opened, OriginalHead, OriginalOpened
from importer.readers.job import Job, Task, written
from importer.readers.limits import MAGIC, allowance, in_force
from importer.readers.protection import Protection
from importer.readers.starting import Ended, NotStartedError, Reader, start
from importer.rows.tables import HeadSheet, Original, OriginalSheet, Rows, Source
from importer.sources.options import SourceOptions
from importer.sources.regular import opened

_LOOKS_EACH = 1.0
_GRACE = 2.0
"""Seconds that a reader has to end by itself after its last frame."""
_LAST = (Frame.END, Frame.FAILED)


OnEnd = Callable[[str, Ended], None]
_listeners: list[OnEnd] = []


@contextmanager
def heard_of_ends(on_end: OnEnd) -> Iterator[None]:
    """Within, `on_end` gets the name of each list that was read and how its reader ended: for measurements."""
    _listeners.append(on_end)
    try:
        yield
    finally:
        _listeners.remove(on_end)


def open_source(path: Path, options: SourceOptions) -> Source:
    """Find out what the file is and where its list stands. Its rows come while they are asked for.

    Raises SourceError where it can't be read, or only by guessing; whatever the file does to its reader.
    """
    source = _ReadRows(_begin(path, options, Task.ROWS))
    if options.edits:
        from importer.sources.corrections import Edited  # noqa: PLC0415  heavy

        return Edited(source, options.edits)
    return source


def open_original(path: Path, options: SourceOptions) -> Original:
    """The list as it stands in its file, with the corrections of a person in their cells. Sheet by sheet, in order, the
    rows of each once. Raises SourceError, also while rows are read.
    """
    from importer.sources.noise import followed  # noqa: PLC0415  seldom needed

    found = _original(_begin(path, options, Task.ORIGINAL))
    found = replace(found, sheets=[followed(sheet, options.columns) for sheet in found.sheets])
    if options.edits:
        from importer.sources.corrections import corrected  # noqa: PLC0415  heavy

        return corrected(found, options.edits)
    return found


def open_head(path: Path, options: SourceOptions) -> list[HeadSheet]:
    """The first rows of every sheet, whether a list is found in them or not. Raises SourceError."""
    reading = _begin(path, options, Task.HEAD)
    kind, payload = reading.next()
    if kind is not Frame.END:
        raise reading.nonsense(f"frame {kind}")
    found: handover.Head = _understood(reading, payload, handover.Head)
    return found.sheets


def holds() -> Protection:
    """What keeps a reader to its file on this system, tried by one. Raises ImporterError where none can be started."""
    job = Job(Task.PROTECTION, os.fsencode(Path(__file__)), {}, allowance(in_force(), b"", 0))
    reading = _Reading("a list", job)
    kind, payload = reading.next()
    if kind is not Frame.END:
        raise reading.nonsense(f"frame {kind}")
    found: Protection = handover.unpacked(payload, Protection)
    return found


def _begin(path: Path, options: SourceOptions, task: Task) -> _Reading:
    with opened(path) as file:
        head, size = file.read(MAGIC) or b"", os.fstat(file.fileno()).st_size
    plain = {f.name: getattr(options, f.name) for f in fields(options) if f.name != "edits"}
    plain["columns"] = dict(options.columns)
    job = Job(task, os.fsencode(path.absolute()), plain, allowance(in_force(), head, size))
    return _Reading(path.name, job)


class _Reading:
    """One reader at work: its frames, and what went wrong with it as a SourceError."""

    def __init__(self, name: str, job: Job) -> None:
        self._name = name
        self._allowed = job.allowed
        try:
            self._reader = start()
        except NotStartedError as error:
            raise ImporterError("reader_not_started", name=name, reason=str(error)) from error
        self._watch = _Watch(self._reader, job.allowed.progress)
        self._forgotten = weakref.finalize(self, _close, self._reader, self._watch)
        with suppress(BrokenPipeError):  # it has ended: its frames, or their lack, will tell
            self._reader.tell(written(job))

    def next(self) -> tuple[Frame, memoryview]:
        """The next frame; after the last one there is none. Raises SourceError where the list can't be read."""
        try:
            with self._watch:
                frame = frames.receive(self._reader.frames)
        except BrokenFrameError as error:
            raise self._ended(str(error)) from error
        except BaseException:
            self.close()
            raise
        if frame is None:
            raise self._ended("no frame")
        kind, payload = frame
        if kind is Frame.FAILED:
            raise self._failed(payload)
        if kind is Frame.END:
            self.close(_GRACE)
        return kind, payload

    def nonsense(self, what: str) -> SourceError:
        """Its frames are not what they must be."""
        self.close()
        return endings.error("reader_nonsense", self._name, fault=what[:100])

    def close(self, grace: float = 0.0) -> None:
        """End the reader, whatever it is at."""
        if self._forgotten.detach():
            ended = _close(self._reader, self._watch, grace)
            for on_end in _listeners:
                on_end(self._name, ended)

    def _ended(self, what: str) -> SourceError:
        """It ended in the middle of a frame, or where a frame should begin."""
        how = self._reader.end(_GRACE)
        self.close()
        if self._watch.stuck:
            return endings.error("reader_stuck", self._name, seconds=round(self._allowed.progress))
        if how.status == 0:
            return endings.error("reader_nonsense", self._name, fault=what)
        return endings.ended(self._name, how, self._allowed)

    def _failed(self, payload: memoryview) -> SourceError:
        try:
            why: Failed = handover.unpacked(payload, Failed)
        except BrokenFrameError as error:
            return self.nonsense(str(error))
        self.close(_GRACE)
        if why.kind == "list":
            return handover.refused(why) or self.nonsense("no message")
        if why.kind == "memory":
            return endings.error("reader_memory", self._name, megabytes=self._allowed.megabytes)
        return endings.error("reader_fault", self._name, fault=" ".join(f"{why.where} {why.message}".split())[:120])


def _close(reader: Reader, watch: _Watch, grace: float = 0.0) -> Ended:
    watch.end()
    ended = reader.end(grace)
    os.close(reader.frames)
    return ended


class _Watch:
    """Ends a reader that neither hands over nor reads anything for too long, while it is waited for (`with`)."""

    def __init__(self, reader: Reader, seconds: float) -> None:
        self._reader = reader
        self._seconds = seconds
        self._since: float | None = None
        self._read = 0
        self._over = threading.Event()
        self.stuck = False
        self._thread = threading.Thread(target=self._look, name="watch a reader", daemon=True)
        self._thread.start()

    def __enter__(self) -> None:
        self._since = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._since = None

    def end(self) -> None:
        self._over.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(min(_LOOKS_EACH, self._seconds / 4)):
            since, read = self._since, _read_by(self._reader.pid)
            if since is None or read > self._read:
                self._read = read
                self._since = since and time.monotonic()
            elif time.monotonic() - since >= self._seconds:
                self.stuck = True
                self._reader.end(0)
                return


def _read_by(pid: int) -> int:
    """How many bytes a process has read, from any file; 0 where the system does not tell."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/io").read_bytes().split()[1])
    return 0


class _ReadRows:
    """A `Source` (see tables.py)."""

    def __init__(self, reading: _Reading) -> None:
        self._frames = reading
        kind, payload = reading.next()
        if kind is not Frame.OPENED:
            raise reading.nonsense(f"frame {kind}")
        opened: Opened = _understood(reading, payload, Opened)
        self.reading: Reading = handover.frozen(opened.reading)
        self.sheet_names: Sequence[str] = tuple(opened.sheet_names)

    def __iter__(self) -> Iterator[Rows]:
        checked = handover.RowsChecked(len(self.sheet_names))
        try:
            while True:
                kind, payload = self._frames.next()
                if kind is Frame.ROWS:
                    yield _rows(self._frames, checked, payload)
                elif kind is Frame.END:
                    self.reading = handover.frozen(_understood(self._frames, payload, Reading))
                    return
                elif kind is not Frame.TICK:
                    raise self._frames.nonsense(f"frame {kind}")
        finally:
            self._frames.close()


def _understood(reading: _Reading, payload: memoryview, kind: type[Any]) -> Any:
    try:
        return handover.unpacked(payload, kind)
    except BrokenFrameError as error:
        raise reading.nonsense(str(error)) from error


def _rows(reading: _Reading, checked: handover.RowsChecked, payload: memoryview) -> Rows:
    try:
        return checked.rows(payload)
    except BrokenFrameError as error:
        raise reading.nonsense(str(error)) from error


def _original(reading: _Reading) -> Original:
    kind, payload = reading.next()
    if kind is not Frame.OPENED:
        raise reading.nonsense(f"frame {kind}")
    found: OriginalOpened = _understood(reading, payload, OriginalOpened)
    cells = _Cells(reading)
    sheets = [_sheet(cells, number, head) for number, head in enumerate(found.sheets)]
    return Original(sheets, found.delimiter, tuple(found.headers))


def _sheet(cells: _Cells, number: int, head: OriginalHead) -> OriginalSheet:
    return OriginalSheet(
        head.name, head.hidden, head.number, head.header_row, head.positions, partial(cells.of, number)
    )


class _Cells:
    """The rows of all sheets, one sheet after the other, as they come."""

    def __init__(self, reading: _Reading) -> None:
        self._frames = reading
        self._waiting: tuple[int, list[tuple[int, list[Any]]]] | None = None
        self._over = False

    def of(self, sheet: int) -> Iterator[tuple[int, Sequence[Any]]]:
        """Those of one sheet; those of sheets before it are passed over."""
        while (some := self._next()) is not None and some[0] <= sheet:
            self._waiting = None
            if some[0] == sheet:
                yield from some[1]

    def _next(self) -> tuple[int, list[tuple[int, list[Any]]]] | None:
        if self._waiting is None and not self._over:
            kind, payload = self._frames.next()
            if kind is Frame.CELLS:
                try:
                    self._waiting = handover.cells_of(payload)
                except BrokenFrameError as error:
                    raise self._frames.nonsense(str(error)) from error
            elif kind is Frame.END:
                self._over = True
            elif kind is not Frame.TICK:
                raise self._frames.nonsense(f"frame {kind}")
        return self._waiting
