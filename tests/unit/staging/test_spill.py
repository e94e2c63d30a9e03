"""The spill against plain lists. It is pure but for its files, which are real here, too."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from saying import refused

from importer.errors import ImporterError
from importer.staging.spill import Aside, Spill

Row = tuple[int, str, int, int]

ROWS = st.lists(
    st.tuples(
        st.integers(0, 1 << 40), st.text("AB1,", min_size=1, max_size=3), st.integers(0, 9), st.integers(0, 2**64 - 1)
    ),
    max_size=30,
)


@contextmanager
def spill_in(directory: Path) -> Iterator[Spill]:
    spill = Spill(directory)
    try:
        yield spill
    finally:
        spill.close()


def add(spill: Spill, rows: list[Row]) -> None:
    keys, serials, groups, hashes = zip(*rows, strict=True) if rows else ((), (), (), ())
    spill.add(
        pa.array(keys, pa.int64()),
        pa.array(serials, pa.string()),
        np.array(groups, np.int32),
        np.array(hashes, np.uint64),
    )


def read(spill: Spill) -> list[Row]:
    return [tuple(row.values()) for _, window in spill.windows() for row in window.to_pylist()]


@given(st.lists(ROWS, max_size=5))
def test_rows_come_back_in_their_order_as_often_as_wanted(parts: list[list[Row]]) -> None:
    with spill_in(Path("/tmp")) as spill:
        for part in parts:
            add(spill, part)
        spill.seal()
        rows = [row for part in parts for row in part]
        assert spill.rows == len(rows)
        for _ in range(2):
            assert read(spill) == rows
            assert spill.hashes()[:].tolist() == [row[3] for row in rows]


def test_a_slice_of_a_column_is_kept_as_its_rows_alone(tmp_path: Path) -> None:
    keys, serials = pa.array([1, 2, 3]), pa.array(["A", "B", "C"])
    with spill_in(tmp_path) as spill:
        spill.add(keys.slice(1), serials.slice(1), np.zeros(2, np.int32), np.array([7, 8], np.uint64))
        spill.seal()
        assert read(spill) == [(2, "B", 0, 7), (3, "C", 0, 8)]


def test_each_window_says_where_it_begins(tmp_path: Path) -> None:
    many = 1 << 18
    with spill_in(tmp_path) as spill:
        for start in (0, many, 2 * many):
            count = many if start < 2 * many else 5
            keys = np.arange(start, start + count)
            spill.add(pa.array(keys), pa.array(["S"] * count), np.zeros(count, np.int32), keys.astype(np.uint64))
        spill.seal()
        found = [(ordinal, len(window), window["key"][0].as_py()) for ordinal, window in spill.windows()]
    assert found == [(0, many, 0), (many, many, many), (2 * many, 5, 2 * many)]


def test_nothing_of_it_has_a_name_on_disk(tmp_path: Path) -> None:
    with spill_in(tmp_path) as spill:
        add(spill, [(1, "A", 0, 7)])
        spill.seal()
        assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with refused(
        ImporterError, r"^The rows of the list can't be kept .+/gone: No such file or directory. Nothing was sent"
    ):
        Spill(tmp_path / "gone")


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """As if the disk were full: no file of this process may grow beyond a size."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_is_a_clear_error(tmp_path: Path) -> None:
    rows = [(key, f"SERIAL{key}", 0, key) for key in range(20_000)]
    with spill_in(tmp_path) as spill:
        add(spill, rows)
        with files_up_to(1 << 16), refused(ImporterError, "Free some space"):
            spill.seal()


def test_what_was_put_aside_comes_back_as_it_was(tmp_path: Path) -> None:
    def pair(*words: str) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        column = pa.array(words).dictionary_encode()
        return pa.record_batch({"gtin": column}), pa.record_batch({"key": list(range(len(words)))})

    pairs = [pair("A", "B", "A"), pair(), pair("C")]
    aside = Aside(tmp_path)
    for one, other in pairs:
        aside.add(one, other)
    assert list(aside) == pairs
    assert list(tmp_path.iterdir()) == []
    aside.close()


def test_nothing_that_was_put_aside_makes_no_file(tmp_path: Path) -> None:
    aside = Aside(tmp_path / "missing")
    assert list(aside) == []
    aside.close()
