"""The checked rows of a source on disk, between reading and planning, in files that die with the process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from importer.rows.fingerprints import Hashes
from importer.rows.hash_sets import Numbers, room_in

SPILLED = pa.schema([("key", pa.int64()), ("serial", pa.string()), ("group", pa.int32()), ("hash", pa.uint64())])
"""`group` is the number of the row's pharma batch within this source."""

_WINDOW = 1 << 16


@dataclass(frozen=True, slots=True)
class _Window:
    """The ordinals of some rows, and the bytes in which they stand."""

    start: int
    stop: int
    begin: int
    end: int


class Spill:
    """Rows in the order in which they were added; their number in that order is their `ordinal`.

    Raises ImporterError where the disk doesn't take them.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with room_in(directory):
            self._rows = tempfile.TemporaryFile(dir=directory, prefix=".importer-rows-")  # noqa: SIM115  closed in close()
            self._hashes = tempfile.TemporaryFile(dir=directory, prefix=".importer-hashes-")  # noqa: SIM115  likewise
        self._windows: list[_Window] = []
        self._pending: list[Any] = []
        self._pending_rows = 0
        self.rows = 0

    def add(self, keys: Any, serials: Any, groups: npt.NDArray[np.int32], hashes: Hashes) -> None:
        """Add rows, given as columns of one length."""
        if not len(keys):
            return
        batch = pa.record_batch([keys, serials, pa.array(groups), pa.array(hashes)], schema=SPILLED)
        with room_in(self.directory):
            self._hashes.write(hashes.tobytes())
        self._pending.append(batch)
        self._pending_rows += len(batch)
        self.rows += len(batch)
        if self._pending_rows >= _WINDOW:
            self._flush()

    def _flush(self) -> None:
        with room_in(self.directory):
            for batch in pa.Table.from_batches(self._pending, SPILLED).combine_chunks().to_batches():
                written = batch.serialize()
                last = self._windows[-1] if self._windows else _Window(0, 0, 0, 0)
                self._windows.append(_Window(last.stop, last.stop + len(batch), last.end, last.end + written.size))
                self._rows.write(written)
        self._pending, self._pending_rows = [], 0

    def seal(self) -> None:
        """No row is added any more; from here on it can be read, as often as wanted."""
        self._flush()
        with room_in(self.directory):
            self._rows.flush()
            self._hashes.flush()

    def windows(self) -> Iterator[tuple[int, Any]]:
        """The ordinal of its first row, and a record batch of SPILLED, again and again to the end."""
        for number, (start, _) in enumerate(self.spans()):
            yield start, self.window(number)

    def spans(self) -> list[tuple[int, int]]:
        """The ordinals at which each window starts and stops."""
        return [(window.start, window.stop) for window in self._windows]

    def window(self, number: int) -> Any:
        """The window with this number, from 0: a record batch of SPILLED."""
        at = self._windows[number]
        data = os.pread(self._rows.fileno(), at.end - at.begin, at.begin)
        return pa.ipc.read_record_batch(pa.py_buffer(data), SPILLED)

    def hashes(self) -> Numbers:
        """All hashes by ordinal."""
        return Numbers(self._hashes, self.rows)

    def close(self) -> None:
        for file in (self._rows, self._hashes):
            with suppress(OSError):  # what is left in the buffer of a full disk is not wanted any more
                file.close()


class Aside:
    """Pairs of tables that wait on disk until the whole source has been read: a million rows of them take 380 MB in
    memory. Raises ImporterError where the disk doesn't take them.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: IO[bytes] | None = None
        self._ends = [0]

    def add(self, one: Any, other: Any) -> None:
        """Record batches."""
        with room_in(self._directory):
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._directory, prefix=".importer-aside-")  # noqa: SIM115  see close
            for batch in (one, other):
                sink = pa.BufferOutputStream()
                with pa.ipc.new_stream(sink, batch.schema) as stream:
                    stream.write(batch)
                self._file.write(sink.getvalue())
                self._ends.append(self._file.tell())

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """The pairs in the order in which they were added."""
        tables = map(self._table, range(len(self._ends) - 1))
        return zip(tables, tables, strict=True)

    def _table(self, number: int) -> Any:
        assert self._file is not None
        with room_in(self._directory):
            self._file.flush()
            start, end = self._ends[number : number + 2]
            data = os.pread(self._file.fileno(), end - start, start)
        return pa.ipc.open_stream(pa.py_buffer(data)).read_next_batch()

    def close(self) -> None:
        if self._file:
            with suppress(OSError):
                self._file.close()
