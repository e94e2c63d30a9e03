"""What a reader hands over, as payloads of frames, and back. The parent believes nothing: it checks every value."""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import msgspec
import numpy as np
import pyarrow as pa

from importer.errors import SourceError
from importer.model import Message, Reading, Reject
from importer.readers.frames import BrokenFrameError, Payload
from importer.rows.tables import ROLES, ROWS, ErrorValue, HeadSheet, Original, Rows

_TARGET = 8 << 20
"""Bytes of rows in a frame, about: what the parent holds grows with it."""
_ROWS_OF_CELLS = 512
_LONGEST_CODE = 60
_LONGEST_VALUE = 500
_SHEET_BITS = 32
_ALIGNED = 64
_SIZE = struct.Struct("<I")


class Opened(msgspec.Struct):
    """A list that could be opened. `sheets` of a list that is given back stand in `OriginalOpened`."""

    reading: Reading
    sheet_names: list[str]


class OriginalHead(msgspec.Struct):
    """One sheet of a list that is given back (see `OriginalSheet`)."""

    name: str
    hidden: bool
    number: int | None
    header_row: int
    positions: dict[str, int]


class OriginalOpened(msgspec.Struct):
    """A list that is given back as it stands (see `Original`), without its rows."""

    sheets: list[OriginalHead]
    delimiter: str
    headers: list[str]


class Head(msgspec.Struct):
    """The first rows of every sheet."""

    sheets: list[HeadSheet]


class Failed(msgspec.Struct):
    """Why a list can't be read: `list`: what the reader `said` itself; `memory`: there was not enough; `fault`: what it
    did not foresee, with its place in the code.
    """

    kind: Literal["list", "memory", "fault"]
    message: str
    said: Message | None = None
    headers: list[str] = []
    where: str = ""


class _Told(msgspec.Struct):
    """What is said of rows beside their values: faults by place, bits by note."""

    faults: list[tuple[int, Reject]]
    notes: dict[str, bytes]


class _Cell(msgspec.Struct, array_like=True):
    """A cell that is no text, number or truth value."""

    kind: Literal["date", "datetime", "time", "span", "error"]
    text: str


_Row = tuple[int, list[str | int | float | bool | _Cell | None]]


def packed(value: Any) -> bytes:
    """Any of the structures above. What is no valid text in it, such as a file's name in another encoding, is shown by
    its bytes.
    """
    try:
        return msgspec.msgpack.encode(value)
    except UnicodeEncodeError:
        return msgspec.msgpack.encode(_valid(msgspec.to_builtins(value, builtin_types=(bytes,))))


def unpacked(payload: Payload, kind: type[Any]) -> Any:
    """Raises BrokenFrameError where it isn't exactly that."""
    try:
        return msgspec.msgpack.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenFrameError(str(error)) from error


def _valid(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_valid(key): _valid(one) for key, one in value.items()}
    return [_valid(one) for one in value] if isinstance(value, (list, tuple)) else value


def frozen(reading: Reading) -> Reading:
    """What came as lists, as the tuples that it was."""
    return replace(reading, sheets=tuple(reading.sheets), remarks=tuple(reading.remarks))


def payloads_of_rows(rows: Rows) -> Iterator[list[Payload]]:
    """One payload or several: no one of them much larger than `_TARGET`, unless a single row is."""
    table = rows.table.combine_chunks()
    count = table.num_rows
    step = max(1, count * _TARGET // max(table.nbytes, _TARGET))
    for first in range(0, count, step):
        part = table.slice(first, step)
        faults = [(place - first, fault) for place, fault in rows.faults.items() if first <= place < first + step]
        notes = {code: np.packbits(mask[first : first + step]).tobytes() for code, mask in rows.notes.items()}
        told = packed(_Told(faults, notes))
        body = part.to_batches()[0].serialize()
        gap = bytes(-(_SIZE.size + len(told)) % _ALIGNED)
        yield [_SIZE.pack(len(told)), told, gap, memoryview(body)]


class RowsChecked:
    """Takes rows apart again, payload by payload, and holds them against what rows are (tables.py)."""

    def __init__(self, sheets: int) -> None:
        self._sheets = sheets
        self._last = -1

    def rows(self, payload: memoryview) -> Rows:
        """Raises BrokenFrameError where anything is not as it must be."""
        if len(payload) < _SIZE.size:
            raise BrokenFrameError("no head")
        (size,) = _SIZE.unpack_from(payload)
        begin = -(-(_SIZE.size + size) // _ALIGNED) * _ALIGNED
        told = unpacked(payload[_SIZE.size : _SIZE.size + size], _Told)
        batch = _batch(payload[begin:])
        self._check_keys(batch)
        count = batch.num_rows
        faults = {place: fault for place, fault in told.faults if 0 <= place < count and _is_known(fault)}
        if len(faults) != len(told.faults):
            raise BrokenFrameError("a fault of no row, or two of one")
        notes = {code: _bits(code, bits, count) for code, bits in told.notes.items()}
        return Rows(pa.Table.from_batches([batch]), faults, notes)

    def _check_keys(self, batch: pa.RecordBatch) -> None:
        keys = batch["key"].to_numpy()
        if not len(keys):
            raise BrokenFrameError("no rows")
        rising = keys[0] > self._last and bool((np.diff(keys) > 0).all())
        rows = keys & ((1 << _SHEET_BITS) - 1)
        if not rising or keys[-1] >> _SHEET_BITS >= self._sheets or not (rows > 0).all():
            raise BrokenFrameError("rows that are not in the order of a list")
        self._last = int(keys[-1])


def _batch(body: memoryview) -> pa.RecordBatch:
    try:
        message = pa.ipc.read_message(pa.py_buffer(body))
        if message.type != "record batch" or _is_compressed(memoryview(message.metadata)):
            raise BrokenFrameError("no plain record batch")
        batch = pa.ipc.read_record_batch(message, ROWS)
        batch.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, EOFError, struct.error) as error:
        raise BrokenFrameError(str(error)[:200]) from error
    if any(column.null_count for column in batch.columns):
        raise BrokenFrameError("a value is missing")
    return batch


def _is_compressed(metadata: memoryview) -> bool:
    """Whether a record batch says that its buffers are to be unpacked, to whatever size: we never send such a one.

    Message and RecordBatch are tables of a FlatBuffer (format/Message.fbs): field 2 of the first is the second, whose
    field 3 is the compression. Arrow looks at it only when it unpacks.
    """
    batch = _field(metadata, struct.unpack_from("<I", metadata)[0], 2)
    return batch is None or _field(metadata, batch + struct.unpack_from("<I", metadata, batch)[0], 3) is not None


def _field(data: memoryview, table: int, number: int) -> int | None:
    """Where a field of a table stands; None where it has been left out."""
    places = table - struct.unpack_from("<i", data, table)[0]
    at = 4 + 2 * number
    if places < 0 or at >= struct.unpack_from("<H", data, places)[0]:
        return None
    offset: int = struct.unpack_from("<H", data, places + at)[0]
    return table + offset if offset else None


def _is_known(fault: Reject) -> bool:
    return _is_code(fault.code) and fault.role in ("", *ROLES)


def _is_code(code: str) -> bool:
    return code.isascii() and code.replace("_", "").isalnum() and code == code.lower() and len(code) <= _LONGEST_CODE


def _bits(code: str, bits: bytes, count: int) -> Any:
    if not _is_code(code) or len(bits) != -(-count // 8):
        raise BrokenFrameError("a note that fits no rows")
    return np.unpackbits(np.frombuffer(bits, np.uint8), count=count).astype(np.bool_)


def original_of(found: Original) -> OriginalOpened:
    """A list as it stands, without its rows."""
    heads = [OriginalHead(s.name, s.hidden, s.number, s.header_row, dict(s.positions)) for s in found.sheets]
    return OriginalOpened(heads, found.delimiter, list(found.headers))


def payloads_of_cells(sheet: int, rows: Iterator[tuple[int, Sequence[Any]]]) -> Iterator[list[Payload]]:
    """The rows of the sheet with that number among all sheets, some hundred at a time."""
    some: list[_Row] = []
    size = 0
    for row, cells in rows:
        line = [_cell(value) for value in cells]
        some.append((row, line))
        size += sum(len(value) for value in line if isinstance(value, str)) + len(line)
        if len(some) >= _ROWS_OF_CELLS or size > _TARGET:
            yield [_SIZE.pack(sheet), packed(some)]
            some, size = [], 0
    if some:
        yield [_SIZE.pack(sheet), packed(some)]


def _cell(value: Any) -> Any:
    match value:
        case ErrorValue():
            return _Cell("error", value.text)
        case dt.datetime():
            return _Cell("datetime", value.isoformat())
        case dt.date():
            return _Cell("date", value.isoformat())
        case dt.time():
            return _Cell("time", value.isoformat())
        case dt.timedelta():
            return _Cell("span", repr(value.total_seconds()))
    return value


def cells_of(payload: memoryview) -> tuple[int, list[tuple[int, list[Any]]]]:
    """The sheet's place among all sheets, and its rows. Raises BrokenFrameError."""
    if len(payload) < _SIZE.size:
        raise BrokenFrameError("no head")
    rows = unpacked(payload[_SIZE.size :], list[_Row])
    try:
        plain = [(row, [_value(one) if type(one) is _Cell else one for one in cells]) for row, cells in rows]
    except (ValueError, OverflowError) as error:
        raise BrokenFrameError(str(error)) from error
    return int(_SIZE.unpack_from(payload)[0]), plain


def _value(cell: _Cell) -> Any:
    match cell.kind:
        case "error":
            return ErrorValue(cell.text)
        case "datetime":
            return dt.datetime.fromisoformat(cell.text)
        case "date":
            return dt.date.fromisoformat(cell.text)
        case "time":
            return dt.time.fromisoformat(cell.text)
        case "span":
            return dt.timedelta(seconds=float(cell.text))


def failed(error: SourceError) -> Failed:
    return Failed("list", "", error.message, list(error.headers))


def refused(why: Failed) -> SourceError | None:
    """What a reader refused a list with; None if that is no message."""
    said = why.said
    if said is None or not _is_code(said.code) or said.role not in ("", *ROLES):
        return None
    return SourceError(said.code, said.role, **_on_one_line(dict(said.values))).with_headers(why.headers)


def _on_one_line(value: Any) -> Any:
    """What may come from a file, such as the name of a part, without what would break or colour a line."""
    if isinstance(value, str):
        text = value if value.isprintable() else "".join(c if c.isprintable() else " " for c in value)
        return text[:_LONGEST_VALUE]
    if isinstance(value, dict):
        return {_on_one_line(name): _on_one_line(one) for name, one in value.items()}
    return [_on_one_line(one) for one in value] if isinstance(value, (list, tuple)) else value
