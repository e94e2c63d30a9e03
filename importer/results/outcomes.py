"""What became of every row, in the order of the source, from the ledger alone; a window of rows at a time.

Chunks come in the order of their first rows. As soon as enough rows are gathered, those before the first row of the
next chunk are complete: they are sorted and go out, the others wait. So nothing is sorted as a whole.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from importer.ledger.packing import Columns
from importer.ledger.ports import View
from importer.ledger.records import PackedChunk, Run
from importer.model import Fate, Outcome
from importer.reconcile import GOOD
from importer.results.fate import fate_of, repeat_of
from importer.rows.tables import OUTCOMES, place_of
from importer.words.language import Language
from importer.words.recording import restored

_WINDOW = 1 << 16

Label = tuple[str, str, str, str, str, str, str, str, str, str]
"""What the columns between `serial` and `good` hold for a row; many rows share one."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """Some rows of a run, with what became of them."""

    keys: npt.NDArray[np.int64]
    serials: Any
    places: npt.NDArray[np.int32]
    """Of each row's label in `labels`."""
    labels: Sequence[Label]
    good: npt.NDArray[np.bool_]

    def filter(self, mask: npt.NDArray[np.bool_]) -> _Frame:
        serials = self.serials.filter(pa.array(mask))
        return _Frame(self.keys[mask], serials, self.places[mask], self.labels, self.good[mask])


def windows(view: View, run: Run, sheet_names: Sequence[str], language: Language | None = None) -> Iterator[Any]:
    """Record batches of tables.OUTCOMES that together are all rows of the run, with messages in a language, if any."""
    reader = _Reader(view, run, sheet_names, language)
    waiting: list[_Frame] = []
    chunks: list[PackedChunk] = []
    count, enough = 0, _WINDOW
    for first_key, item in reader.items():
        if count >= enough:
            done, waiting = _divide([*waiting, *reader.of_chunks(chunks)], first_key)
            chunks = []
            if done:
                yield _window(done)
            count = sum(len(frame.keys) for frame in waiting)
            enough = count + _WINDOW
        if isinstance(item, PackedChunk):
            chunks.append(item)
            count += item.serials + item.repeats
        else:
            waiting.append(reader.of_rejects(item))
            count += len(waiting[-1].keys)
    waiting += reader.of_chunks(chunks)
    if waiting:
        yield _window(waiting)


def _divide(frames: list[_Frame], key: int) -> tuple[list[_Frame], list[_Frame]]:
    """What comes before a key, and the rest."""
    before, after = [], []
    for frame in frames:
        mask = frame.keys < key
        if mask.all():
            before.append(frame)
        elif mask.any():
            before.append(frame.filter(mask))
            after.append(frame.filter(~mask))
        else:
            after.append(frame)
    return before, after


def _window(frames: Sequence[_Frame]) -> Any:
    """Rows in the order of the source, a record batch of tables.OUTCOMES."""
    keys = np.concatenate([frame.keys for frame in frames])
    serials = pa.concat_arrays([frame.serials for frame in frames])
    starts = np.cumsum([0, *(len(frame.labels) for frame in frames[:-1])])
    places = np.concatenate([frame.places + start for frame, start in zip(frames, starts, strict=True)])
    good = np.concatenate([frame.good for frame in frames])
    if (keys[1:] < keys[:-1]).any():
        order = np.argsort(keys, kind="stable")
        keys, places, good = keys[order], places[order], good[order]
        serials = serials.take(pa.array(order))
    labels = zip(*(label for frame in frames for label in frame.labels), strict=True)
    columns = [_few(values, places) for values in labels]
    return pa.RecordBatch.from_arrays([pa.array(keys), serials, *columns, pa.array(good)], schema=OUTCOMES)


def _few(values: Sequence[str], places: npt.NDArray[np.int64]) -> Any:
    """A dictionary column of `values[places]`, in which no value stands twice."""
    distinct: dict[str, int] = {}
    codes = np.array([distinct.setdefault(value, len(distinct)) for value in values], np.int32)
    indices = codes[places] if len(distinct) > 1 else np.zeros(len(places), np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(list(distinct), pa.string()))


class _Reader:
    """Turns the ledger's chunks and rejects into rows with what became of them."""

    def __init__(self, view: View, run: Run, sheet_names: Sequence[str], language: Language | None) -> None:
        self._language = language
        self._view = view
        self._run = run
        self._batches = view.batches(run.num)
        self._sheet_names = sheet_names

    def items(self) -> Iterator[tuple[int, PackedChunk | bytes]]:
        """The run's chunks, and its rejects in pieces, in the order of their first rows, with the keys of these."""
        chunks = ((chunk.first_key, chunk) for chunk in self._view.chunks_by_key(self._run.num))
        rejects = ((first, rows) for first, _, rows in self._view.rejects(self._run.num))
        return heapq.merge(chunks, rejects, key=lambda item: item[0])

    def of_chunks(self, chunks: Sequence[PackedChunk]) -> list[_Frame]:
        """The rows of some chunks, if any, and those that repeat one of them."""
        if not chunks:
            return []
        rows = self._view.columns(chunks)
        fates = [fate_of(chunk, self._run) for chunk in chunks]
        labels = [self._label(chunk, fate) for chunk, fate in zip(chunks, fates, strict=True)]
        places = np.repeat(np.arange(len(chunks), dtype=np.int32), [chunk.serials for chunk in chunks])
        good = np.array([fate.outcome in GOOD for fate in fates], np.bool_)
        frames = [_Frame(rows.keys, rows.serials, places, labels, good[places])]
        if len(rows.repeat_keys):
            frames.append(self._repeats(rows, chunks, fates, frames[0]))
        return frames

    def _repeats(self, rows: Columns, chunks: Sequence[PackedChunk], fates: Sequence[Fate], firsts: _Frame) -> _Frame:
        repeated, places = np.unique(rows.repeat_of, return_inverse=True)
        labels = []
        for place in repeated.tolist():
            number = firsts.places[place]
            fate = repeat_of(place_of(int(rows.keys[place]), self._sheet_names), fates[number])
            labels.append(self._label(chunks[number], fate))
        serials = rows.serials.take(pa.array(rows.repeat_of))
        return _Frame(rows.repeat_keys, serials, places.astype(np.int32), labels, firsts.good[rows.repeat_of])

    def _label(self, chunk: PackedChunk, fate: Fate) -> Label:
        batch = self._batches[chunk.batch]
        at = chunk.recorded_at or self._run.ended_at or self._run.staged_at or ""
        message = self._language.fate(fate) if self._language else ""
        fields = (batch.gtin, batch.batch, batch.expiry, fate.outcome.value, fate.code, "", message)
        return (*fields, str(chunk.sent_as or ""), str(chunk.attempts), at)

    def of_rejects(self, blob: bytes) -> _Frame:
        rows = pa.ipc.open_stream(blob).read_all()
        columns = [rows[name].to_pylist() for name in ("gtin", "batch", "expiry", "code", "details")]
        at = self._run.staged_at or ""
        labels: list[Label] = []
        for gtin, batch, expiry, code, details in zip(*columns, strict=True):
            message = restored(code, details)
            said = self._language.say(message) if self._language else ""
            labels.append((gtin, batch, expiry, Outcome.REJECTED.value, code, message.role, said, "", "0", at))
        count = len(labels)
        keys = rows["key"].to_numpy()
        serials = rows["serial"].combine_chunks()
        return _Frame(keys, serials, np.arange(count, dtype=np.int32), labels, np.zeros(count, np.bool_))
