"""What a reader hands over comes back as it was, and nothing else comes back."""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from importer.model import Message, Reading, Reject, Sheet
from importer.readers import handover
from importer.readers.frames import BrokenFrameError
from importer.readers.handover import Failed, RowsChecked
from importer.rows.tables import ROLES, ROWS, ErrorValue, Original, OriginalSheet, Rows


def rows(keys: Sequence[int], text: str = "v", **more: Any) -> Rows:
    columns = [pa.array([f"{text}{role}{key}" for key in keys], pa.string()) for role in ROLES]
    return Rows(pa.table([pa.array(keys, pa.int64()), *columns], schema=ROWS), **more)


def payload(parts: Sequence[Any]) -> memoryview:
    return memoryview(b"".join(bytes(part) for part in parts))


def one(given: Rows) -> memoryview:
    (parts,) = handover.payloads_of_rows(given)
    return payload(parts)


def frame(batch: pa.RecordBatch, faults: Sequence[Any] = (), notes: Mapping[str, bytes] | None = None) -> memoryview:
    told = handover.packed({"faults": faults, "notes": notes or {}})
    gap = bytes(-(4 + len(told)) % 64)
    return payload([struct.pack("<I", len(told)), told, gap, batch.serialize()])


def test_rows_come_back_with_their_faults_and_notes() -> None:
    faults = {1: Reject("row_width", "", {"fields": 3, "begins": "a;b"})}
    notes = {"formula_wrapper": np.array([True, False, True])}
    given = rows([2, 3, 5], faults=faults, notes=notes)
    back = RowsChecked(1).rows(one(given))
    assert back.table.equals(given.table)
    assert back.faults == faults
    assert {code: mask.tolist() for code, mask in back.notes.items()} == {"formula_wrapper": [True, False, True]}


def test_many_bytes_of_rows_go_in_several_payloads() -> None:
    given = rows(range(1, 41), "x" * (1 << 20), faults={39: Reject("row_width")}, notes={"n": np.arange(40) == 21})
    checked = RowsChecked(1)
    back = [checked.rows(payload(parts)) for parts in handover.payloads_of_rows(given)]
    assert len(back) > 10
    assert pa.concat_tables([b.table for b in back]).equals(given.table)
    assert [len(b.faults) for b in back][-1] == 1
    assert sum(int(b.notes["n"].sum()) for b in back) == 1


def test_no_rows_make_no_payload() -> None:
    assert list(handover.payloads_of_rows(rows([]))) == []


def batch(keys: Sequence[int | None], serials: pa.Array | None = None) -> pa.RecordBatch:
    values = serials if serials is not None else pa.array(["S"] * len(keys))
    others = [pa.array(["x"] * len(keys))] * 3
    return pa.record_batch([pa.array(keys, pa.int64()), values, *others], schema=ROWS)


def crooked(data: bytes, places: Sequence[int]) -> pa.Array:
    buffers = [None, pa.py_buffer(np.array(places, np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(places) - 1, buffers)


def compressed() -> memoryview:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, ROWS, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_batch(batch([1] * 1000, pa.array(["S" * 100] * 1000)))
    reader = pa.ipc.MessageReader.open_stream(sink.getvalue())
    reader.read_next_message()
    message = reader.read_next_message()
    told = handover.packed({"faults": [], "notes": {}})
    return payload([struct.pack("<I", len(told)), told, bytes(-(4 + len(told)) % 64), message.serialize()])


FALSE: Mapping[str, memoryview] = {
    "nothing": memoryview(b""),
    "a head that is longer than all": payload([struct.pack("<I", 1 << 30), b"abc"]),
    "no record batch": payload([struct.pack("<I", 2), b"{}"]),
    "keys that fall": frame(batch([5, 4])),
    "a key twice": frame(batch([5, 5])),
    "a key below zero": frame(batch([-5])),
    "row 0": frame(batch([1 << 32])),
    "a sheet that there is not": frame(batch([1, 1 << 32 | 1])),
    "no rows": frame(batch([])),
    "a key that is missing": frame(batch([1, None])),
    "a serial that is missing": frame(batch([1, 2], pa.array(["S", None]))),
    "text that is no UTF-8": frame(batch([1], crooked(b"\xff\xfe", [0, 2]))),
    "places past the end of the text": payload(
        [bytes(frame(batch([1], pa.array(["seven.."])))).replace(struct.pack("<ii", 0, 7), struct.pack("<ii", 0, 7000))]
    ),
    "places that fall": frame(batch([1, 2], crooked(b"abcdef", [0, 5, 3]))),
    "another schema": frame(pa.record_batch([pa.array([1], pa.int64())], names=["key"])),
    "packed buffers": compressed(),
    "a fault of no row": frame(batch([1]), [(1, Reject("a"))]),
    "two faults of a row": frame(batch([1]), [(0, Reject("a")), (0, Reject("c"))]),
    "a code that is a sentence": frame(batch([1]), [(0, Reject("A sentence."))]),
    "a fault without a code": frame(batch([1]), [(0, {"role": "serial"})]),
    "a fault of a cell that there is not": frame(batch([1]), [(0, Reject("a", "colour"))]),
    "bits for more rows": frame(batch([1]), notes={"n": b"\x80\x00"}),
    "a note without a name": frame(batch([1]), notes={"": b"\x80"}),
}


@pytest.mark.parametrize("name", FALSE)
def test_rows_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(BrokenFrameError):
        RowsChecked(1).rows(FALSE[name])


@pytest.mark.parametrize("seed", range(40))
def test_rows_with_wrong_bytes_are_refused_or_are_rows(seed: int) -> None:
    dice = np.random.default_rng(seed)
    good = one(rows([2, 3, 5], faults={1: Reject("row_width")}))
    wrong = np.frombuffer(good, np.uint8).copy()
    wrong[dice.integers(0, len(wrong), 3)] = dice.integers(0, 256, 3)
    try:
        back = RowsChecked(1).rows(memoryview(wrong.tobytes()))
    except BrokenFrameError:
        return
    assert back.table.schema == ROWS
    back.table.validate(full=True)


def test_keys_rise_from_payload_to_payload() -> None:
    checked = RowsChecked(2)
    checked.rows(one(rows([5, 6])))
    with pytest.raises(BrokenFrameError):
        checked.rows(one(rows([6, 7])))


def test_every_kind_of_cell_comes_back() -> None:
    cells = [
        "text", "", None, True, 1, -(2**62), 1.5, dt.date(2027, 11, 30), dt.datetime(2027, 11, 30, 1, 2, 3),  # noqa: DTZ001
        dt.time(1, 2, 3), dt.timedelta(days=2, seconds=5), ErrorValue("#N/A"),
    ]  # fmt: skip
    (parts,) = handover.payloads_of_cells(3, iter([(7, cells)]))
    sheet, back = handover.cells_of(payload(parts))
    assert (sheet, back) == (3, [(7, cells)])
    assert [type(value) for value in back[0][1]] == [type(value) for value in cells]


def test_cells_go_some_hundred_rows_at_a_time() -> None:
    given = [(row, ["x"]) for row in range(1, 2001)]
    back = [handover.cells_of(payload(parts)) for parts in handover.payloads_of_cells(0, iter(given))]
    assert len(back) > 1
    assert [row for _, some in back for row in some] == given


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(struct.pack("<I", 0) + handover.packed([(1, [{"a": 1}])]), id="a cell of another kind"),
        pytest.param(struct.pack("<I", 0) + handover.packed([(1, [["date", "no day"]])]), id="a date that is none"),
        pytest.param(struct.pack("<I", 0) + handover.packed([(1, [["span", "inf"]])]), id="a span without end"),
    ],
)
def test_cells_that_are_none_are_refused(sent: bytes) -> None:
    with pytest.raises(BrokenFrameError):
        handover.cells_of(memoryview(sent))


def test_a_reading_comes_back() -> None:
    reading = Reading(
        "xlsx",
        sheets=(Sheet("S", 1, {"serial": "SN"}, ["SN", "x"]),),
        remarks=(Message("one", "", {"n": 1}), Message("two")),
    )
    back = handover.frozen(handover.unpacked(handover.packed(reading), Reading))
    assert back == reading


def test_a_list_as_it_stands_comes_back_without_its_rows() -> None:
    found = Original([OriginalSheet("S", True, None, 0, {"serial": 2}, lambda: iter(()))], ";", ("a", "b"))
    back = handover.unpacked(handover.packed(handover.original_of(found)), handover.OriginalOpened)
    assert (back.sheets[0].name, back.sheets[0].hidden, back.sheets[0].number) == ("S", True, None)
    assert (back.sheets[0].positions, back.delimiter, back.headers) == ({"serial": 2}, ";", ["a", "b"])


def test_a_name_that_is_no_text_is_shown_by_its_bytes() -> None:
    back = handover.unpacked(
        handover.packed(Failed("list", "", Message("list_empty", "", {"name": "caf\udce9.csv"}))), Failed
    )
    assert back.said == Message("list_empty", "", {"name": "caf\\udce9.csv"})
