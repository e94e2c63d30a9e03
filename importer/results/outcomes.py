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
from importer.ledger.view import PackedChunk, Run, StoredChunk, View
from importer.model import Batch, Fate, Outcome
from importer.results.fate import GOOD, fate_of, repeat_of
from importer.rows.tables import OUTCOMES, place_of
from importer.words.language import Language
from importer.words.recording import restored

_WINDOW = 1 << 16

Label = tuple[str, str, str, str, str, str, str, str, str, str]
"""What the columns between `serial` and `good` hold for a row; many rows share one."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """Some rows: their keys and serials, and for each the place of its label in `labels`."""

    keys: npt.NDArray[np.int64]
    serials: Any
    places: npt.NDArray[np.int32]
    labels: Sequence[Label]
    good: npt.NDArray[np.bool_]

    def filter(self, mask: npt.NDArray[np.bool_]) -> _Frame:
        serials = self.serials.filter(pa.array(mask))
        return _Frame(self.keys[mask], serials, self.places[mask], self.labels, self.good[mask])


def windows(view: View, run: Run, sheet_names: Sequence[str], language: Language | None = None) -> Iterator[Any]:
    """Record batches of tables.OUTCOMES that together are all rows of the run, with messages in a language, if any."""
    reader = _Reader(view, run, sheet_names, language)
    waiting: list[_Frame] = []
    plain: list[PackedChunk] = []
    count, enough = 0, _WINDOW
    for first_key, item in reader.items():
        if count >= enough:
            done, waiting = _divide([*waiting, *reader.plain(plain)], first_key)
            plain = []
            if done:
                yield _window(done)
            count = sum(len(frame.keys) for frame in waiting)
            enough = count + _WINDOW
        if isinstance(item, PackedChunk) and not (item.exceptional or item.repeats):
            plain.append(item)
            count += item.serials
        else:
            waiting.append(reader.frame(item))
            count += len(waiting[-1].keys)
    waiting += reader.plain(plain)
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


def _window(frames: list[_Frame]) -> Any:
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
    """Turns the ledger's chunks and rejects into frames."""

    def __init__(self, view: View, run: Run, sheet_names: Sequence[str], language: Language | None) -> None:
        self._language = language
        self._view = view
        self._run = run
        self._batches = view.batches(run.num)
        self._sheet_names = sheet_names

    def items(self) -> Iterator[tuple[int, PackedChunk | bytes]]:
        chunks = ((kept.first_key, kept) for kept in self._view.chunks_by_key(self._run.num))
        rejects = ((first, rows) for first, _, rows in self._view.rejects(self._run.num))
        return heapq.merge(chunks, rejects, key=lambda item: item[0])

    def frame(self, item: PackedChunk | bytes) -> _Frame:
        return self._chunk(item) if isinstance(item, PackedChunk) else self._rejects(item)

    def plain(self, chunks: Sequence[PackedChunk]) -> list[_Frame]:
        """Chunks, if any, of which each is of one fate and repeats nothing: together one frame."""
        if not chunks:
            return []
        rows = self._view.columns(chunks)
        fates = [fate_of(chunk, self._run) for chunk in chunks]
        labels = [
            self._label(self._batches[chunk.batch], fate, chunk) for chunk, fate in zip(chunks, fates, strict=True)
        ]
        places = np.repeat(np.arange(len(chunks), dtype=np.int32), [chunk.serials for chunk in chunks])
        good = np.array([fate.outcome in GOOD for fate in fates], np.bool_)
        return [_Frame(rows.keys, rows.serials, places, labels, good[places])]

    def _chunk(self, kept: PackedChunk) -> _Frame:
        rows = self._view.columns([kept])
        batch = self._batches[kept.batch]
        fates: list[Fate] = [fate_of(kept, self._run)]
        places = np.zeros(len(rows.serials), np.int32)
        moved = np.zeros(len(rows.serials), np.bool_)
        for place, fate in self._view.exceptions(kept.id) if kept.fate and kept.exceptional else ():
            moved[place] = fate is None
            places[place] = len(fates)
            fates.append(fate or fates[0])
        labels = [self._label(batch, fate, kept) for fate in fates]
        good = np.array([fate.outcome in GOOD for fate in fates], np.bool_)
        frame = _Frame(rows.keys, rows.serials, places, labels, good[places])
        if len(rows.repeat_keys):
            frame = self._with_repeats(frame, rows, kept, batch, fates)
            moved = np.concatenate([moved, moved[rows.repeat_of]])
        return frame.filter(~moved) if moved.any() else frame

    def _with_repeats(self, frame: _Frame, rows: Columns, kept: StoredChunk, batch: Batch, fates: list[Fate]) -> _Frame:
        repeated, which = np.unique(rows.repeat_of, return_inverse=True)
        first = (place_of(int(rows.keys[of]), self._sheet_names) for of in repeated.tolist())
        repeats = [
            repeat_of(place, fates[frame.places[of]]) for place, of in zip(first, repeated.tolist(), strict=True)
        ]
        places = which.astype(np.int32) + np.int32(len(frame.labels))
        labels = [*frame.labels, *(self._label(batch, fate, kept) for fate in repeats)]
        return _Frame(
            np.concatenate([frame.keys, rows.repeat_keys]),
            pa.concat_arrays([frame.serials, frame.serials.take(pa.array(rows.repeat_of))]),
            np.concatenate([frame.places, places]),
            labels,
            np.concatenate([frame.good, frame.good[rows.repeat_of]]),
        )

    def _rejects(self, blob: bytes) -> _Frame:
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

    def _label(self, batch: Batch, fate: Fate, kept: StoredChunk) -> Label:
        sent = kept.seq if kept.attempts else ""
        at = kept.recorded_at or self._run.ended_at or self._run.staged_at or ""
        message = self._language.fate(fate) if self._language else ""
        fields = (batch.gtin, batch.batch, batch.expiry, fate.outcome.value, fate.code, "", message)
        return (*fields, str(sent), str(kept.attempts), at)
