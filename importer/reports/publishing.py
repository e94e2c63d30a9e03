"""A report's directory: files are drafted under temporary names, hashed as they are written, and published by renaming.
Knows nothing of what stands in them.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from filelock import FileLock

from importer.errors import ImporterError
from importer.reports.summary import FileEntry

_PARTIAL = ".partial"
_LARGE = 1 << 16
"""Bytes."""


@contextmanager
def explained(directory: Path) -> Iterator[None]:
    """Turn a failure of the disk into the one line that a planner gets."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImporterError("report_not_written", path=str(directory), reason=reason, run=directory.name) from error


class Draft:
    """One file of the report while it is being written. Offers what a binary stream that can't seek offers, so that
    size and SHA-256 are those of the bytes on disk without reading them again.

    Large pieces are hashed and written by `thread`, one at a time, while the next is made; the caller may change none.
    """

    def __init__(self, directory: Path, name: str, thread: ThreadPoolExecutor) -> None:
        self.name = name
        self.path = directory / f".{name}{_PARTIAL}"
        self.rows: int | None = None
        self._directory = directory
        self._size = 0
        self._sha256 = hashlib.sha256()
        self._thread = thread
        self._written: Future[None] | None = None
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with explained(directory):
            self._file = os.fdopen(os.open(self.path, flags, 0o600), "wb", buffering=1 << 20)

    def write(self, data: Any) -> int:
        """Append `data`, anything with a buffer."""
        view = memoryview(data).cast("B")
        self._size += len(view)
        self._wait()
        if len(view) < _LARGE:
            self._write(view)
        else:
            self._written = self._thread.submit(self._write, view)
        return len(view)

    def _write(self, view: memoryview) -> None:
        self._sha256.update(view)
        with explained(self._directory):
            self._file.write(view)

    def _wait(self) -> None:
        written, self._written = self._written, None
        if written:
            written.result()

    def flush(self) -> None:
        """Nothing: what counts is the one fsync of `finish`."""

    def finish(self) -> FileEntry:
        """Make the draft durable under its temporary name."""
        self._wait()
        with explained(self._directory), self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
        return FileEntry(self.name, self._size, self.rows, self._sha256.hexdigest())

    def discard(self) -> None:
        """Drop the draft, finished or not."""
        with suppress(OSError, ImporterError):
            self._wait()
        with suppress(OSError):
            self._file.close()
        self.path.unlink(missing_ok=True)


class Drafts:
    """All drafts of one report, and the right to write it: one writer at a time, a second one waits.

    The directory is the owner's alone. Leaving without `publish` drops the drafts and leaves an older report as it was;
    what a killed writer has left is dropped on entering.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._drafts: list[Draft] = []
        self._scratch: list[BinaryIO] = []
        self._thread = ThreadPoolExecutor(1, "report")
        self._lock = FileLock(directory / ".lock", mode=0o600, fallback_to_soft=False)

    def __enter__(self) -> Self:
        with explained(self.directory):
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.directory.chmod(0o700)
            self._lock.acquire()
            for leftover in self.directory.glob(f".*{_PARTIAL}"):
                leftover.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for draft in self._drafts:
            draft.discard()
        for file in self._scratch:
            with suppress(OSError):
                file.close()
        self._thread.shutdown()
        self._lock.release()

    @property
    def finished(self) -> Sequence[Draft]:
        """What was begun and not given up."""
        return self._drafts

    def open(self, name: str) -> Draft:
        """Begin the file `name`."""
        draft = Draft(self.directory, name, self._thread)
        self._drafts.append(draft)
        return draft

    def drop(self, draft: Draft) -> None:
        """Give up a file that was begun."""
        self._drafts.remove(draft)
        draft.discard()

    def scratch(self) -> BinaryIO:
        """A nameless file on the report's disk, the owner's alone; it ends with the drafts, or with the process."""
        with explained(self.directory):
            file = tempfile.TemporaryFile(dir=self.directory)  # noqa: SIM115  closed by __exit__
        self._scratch.append(file)
        return file

    def publish(self, unwanted: set[str]) -> None:
        """Give every draft its name, in the order in which they were opened, and remove the files named `unwanted`.
        All drafts are finished. What was opened last is renamed last, after all else is on disk.
        """
        *others, last = self._drafts
        with explained(self.directory):
            for draft in others:
                draft.path.replace(self.directory / draft.name)
            for name in unwanted:
                (self.directory / name).unlink(missing_ok=True)
            sync(self.directory)
            last.path.replace(self.directory / last.name)
            sync(self.directory)
            sync(self.directory.parent)


def sync(directory: Path) -> None:
    """Make renames in `directory` survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
