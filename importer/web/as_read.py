"""A list's rows as they were read, kept on the disk so that a correction need not read the list again: 300,000 rows are
checked whole from there in 0.3 s, a workbook of as many takes ten times as long to read. Knows no upload and no page.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from importer.model import Reading, Reject
from importer.rows.tables import ROWS, Notes, Rows, Source
from importer.web.durable import private


class AsRead:
    """A `Source` (see tables.py) that can be read as often as wanted. The rows are mapped, not loaded."""

    def __init__(self, path: Path, reading: Reading, sheet_names: Sequence[str], beside: Sequence[_Beside]) -> None:
        self.reading = reading
        self.sheet_names = sheet_names
        self._path = path
        self._beside = beside
        self._file = pa.ipc.open_file(pa.memory_map(str(path)))
        self._firsts = [part.first_key for part in beside]

    def __iter__(self) -> Iterator[Rows]:
        for number, beside in enumerate(self._beside):
            yield Rows(self._part(number), beside.faults, beside.notes)

    def rows(self, keys: Sequence[int]) -> Rows:
        """Those of these keys that there are, in the order of the list, with what the source found wrong in them."""
        found, faults, count = [], {}, 0
        for number, wanted in self._by_part(sorted(set(keys))).items():
            part = self._part(number)
            places = np.flatnonzero(np.isin(part["key"].to_numpy(), np.array(wanted, np.int64)))
            for place in places.tolist():
                if place in self._beside[number].faults:
                    faults[count] = self._beside[number].faults[place]
                count += 1
            found.append(part.take(pa.array(places)))
        return Rows(pa.concat_tables(found) if found else ROWS.empty_table(), faults)

    def _by_part(self, keys: Sequence[int]) -> dict[int, list[int]]:
        wanted: dict[int, list[int]] = {}
        for key in keys:
            if (number := bisect_right(self._firsts, key) - 1) >= 0:
                wanted.setdefault(number, []).append(key)
        return wanted

    def _part(self, number: int) -> Any:
        return pa.Table.from_batches([self._file.get_batch(number)])

    def forget(self) -> None:
        """A check that still reads it may go on: the file vanishes when that has ended."""
        with suppress(OSError):
            self._path.unlink()


class _Beside:
    """What stands beside the columns of one part."""

    def __init__(self, first_key: int, faults: Mapping[int, Reject], notes: Notes) -> None:
        self.first_key = first_key
        self.faults = faults
        self.notes = notes


class Keeping:
    """A `Source` that is read once, and keeps what passes. `kept` is set when it was read to its end; it stays None
    where the disk took no more: nothing but speed is lost.
    """

    def __init__(self, source: Source, path: Path) -> None:
        self._source = source
        self._path = path
        self._beside: list[_Beside] = []
        self.kept: AsRead | None = None

    @property
    def reading(self) -> Reading:
        return self._source.reading

    @property
    def sheet_names(self) -> Sequence[str]:
        return self._source.sheet_names

    def __iter__(self) -> Iterator[Rows]:
        draft = self._path.with_name(f".{self._path.name}")
        writer, file = None, None
        try:
            with suppress(OSError):
                file = open(draft, "wb", opener=private)  # noqa: SIM115  open while rows pass
                writer = pa.ipc.new_file(file, ROWS)
            for rows in self._source:
                writer = self._keep(writer, rows)
                yield rows
            if writer and file:
                with suppress(OSError):
                    writer.close()
                    file.close()
                    draft.replace(self._path)
                    self.kept = AsRead(self._path, self.reading, self.sheet_names, self._beside)
        finally:
            with suppress(OSError):
                draft.unlink()

    def _keep(self, writer: Any, rows: Rows) -> Any:
        if writer is None or not rows.table.num_rows:
            return writer
        try:
            (batch,) = rows.table.combine_chunks().to_batches()
            writer.write_batch(batch)
        except OSError:
            return None
        first = rows.table["key"][0].as_py()
        self._beside.append(_Beside(first, dict(rows.faults), dict(rows.notes)))
        return writer
