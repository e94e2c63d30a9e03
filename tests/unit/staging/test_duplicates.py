from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.model import Batch
from importer.rows.fingerprints import Hashes, fingerprints
from importer.rows.hash_sets import sorted_parts, twice
from importer.staging.duplicates import Finder, gather, two_expiries
from importer.staging.spill import Spill
from importer.staging.standings import Standing, Standings
from importer.words.language import language

say = language("en").say

BATCHES = [
    Batch("01234567891231", "B1", "271130"),
    Batch("01234567891231", "B1", "271231"),
    Batch("01234567891231", "B2", "271130"),
    Batch("04006381333931", "B1", "271130"),
]

Row = tuple[str, int]
"""Serial and group."""

ROWS = st.lists(st.tuples(st.text("AB", min_size=1, max_size=2), st.integers(0, len(BATCHES) - 1)), max_size=40)


def key(ordinal: int) -> int:
    return ordinal * 3 + 2


@contextmanager
def spilled(rows: Sequence[Row], hashes: Hashes | None = None, parts: int = 1) -> Iterator[Spill]:
    """Rows in a sealed spill, with their true hashes or those given."""
    serials = pa.array([serial for serial, _ in rows], pa.string())
    groups = np.array([group for _, group in rows], np.int32)
    keys = pa.array([key(ordinal) for ordinal in range(len(rows))], pa.int64())
    gtins = np.array([int(BATCHES[group].gtin) for _, group in rows], np.uint64)
    hashes = fingerprints(serials, gtins) if hashes is None else hashes
    spill = Spill(Path(tempfile.gettempdir()))
    try:
        for place in range(parts):
            part = slice(len(rows) * place // parts, len(rows) * (place + 1) // parts)
            spill.add(keys[part], serials[part], groups[part], hashes[part])
        spill.seal()
        yield spill
    finally:
        spill.close()


def found_in(rows: Sequence[Row], hashes: Hashes | None = None, at_once: int = 1000) -> Standings:
    with spilled(rows, hashes) as spill:
        standings = np.zeros(len(rows), np.uint8)
        fates = Standings(standings)
        wanted = twice(spill.hashes(), spill.directory)
        Finder(spill, BATCHES, standings, lambda key: {"code": "row", "row": str(key)}, at_once).within(fates, wanted)
        return fates


@dataclass
class Model:
    """The same by looking at every row: standings, repeats as (first, key), and the row that each conflict names."""

    standings: list[Standing]
    repeats: list[tuple[int, int]]
    others: dict[int, int]


def model(rows: Sequence[Row]) -> Model:
    same: dict[tuple[str, str], list[int]] = {}
    for ordinal, (serial, group) in enumerate(rows):
        same.setdefault((BATCHES[group].gtin, serial), []).append(ordinal)
    found = Model([Standing.SEND] * len(rows), [], {})
    for ordinals in same.values():
        conflict = len({rows[ordinal][1] for ordinal in ordinals}) > 1
        for ordinal in ordinals if conflict else ordinals[1:]:
            found.standings[ordinal] = Standing.CONFLICT if conflict else Standing.REPEAT
            if conflict:
                found.others[ordinal] = next(o for o in ordinals if rows[o][1] != rows[ordinal][1])
            else:
                found.repeats.append((ordinals[0], key(ordinal)))
    return found


def must_be(found: Standings, expected: Model) -> None:
    assert found.standings is not None
    assert found.standings.tolist() == expected.standings
    assert found.firsts.tolist() == sorted(first for first, _ in expected.repeats)
    assert sorted(zip(found.firsts.tolist(), found.repeat_keys.tolist(), strict=True)) == sorted(expected.repeats)
    assert found.conflicts.ordinals().tolist() == sorted(expected.others)
    for ordinal, other in expected.others.items():
        reject = found.conflicts.reject(ordinal, "SN1", 0)
        assert reject
        assert f" in row {key(other)}. " in say(reject)


@given(ROWS)
def test_repeats_and_conflicts_are_those_that_a_look_at_every_row_finds(rows: list[Row]) -> None:
    must_be(found_in(rows), model(rows))


@given(ROWS, st.integers(1, 4))
def test_serials_that_share_a_hash_are_not_taken_for_each_other(rows: list[Row], hashes: int) -> None:
    """As many hashes as told: equal serials share one, and so do others."""
    numbers = [(sum(serial.encode()) + int(BATCHES[group].gtin)) % hashes for serial, group in rows]
    must_be(found_in(rows, np.array(numbers, np.uint64)), model(rows))


@given(ROWS, st.data())
def test_gathered_rows_are_those_whose_hash_is_wanted(rows: list[Row], data: st.DataObject) -> None:
    hashes = data.draw(st.lists(st.integers(0, 2**64 - 1), min_size=len(rows), max_size=len(rows)))
    wanted = data.draw(st.sets(st.sampled_from(hashes))) if rows else set()
    with spilled(rows, np.array(hashes, np.uint64), parts=3) as spill:
        frames = list(gather(spill, np.array(sorted(wanted), np.uint64)))
    expected = [
        (key(ordinal), serial, group, ordinal)
        for ordinal, (serial, group) in enumerate(rows)
        if hashes[ordinal] in wanted
    ]
    found = [tuple(row) for frame in frames for row in frame[["key", "serial", "group", "ordinal"]].to_numpy().tolist()]
    assert found == expected


@given(ROWS, st.integers(1, 4))
def test_hashes_that_are_looked_at_a_few_at_a_time_come_to_the_same(rows: list[Row], at_once: int) -> None:
    must_be(found_in(rows, at_once=at_once), model(rows))


@pytest.mark.parametrize("groups", [[0], [0, 3], [0, 1, 2, 3]], ids=["repeats", "other-product", "conflicts"])
def test_one_serial_in_very_many_rows_is_looked_at_a_window_at_a_time(groups: list[int]) -> None:
    rows = [("A" if place % 3 else f"B{place % 7}", groups[place % len(groups)]) for place in range(150_000)]
    with spilled(rows) as spill:
        wanted = twice(spill.hashes(), spill.directory)
        assert [len(frame) for frame in gather(spill, wanted, 1)] == [len(window) for _, window in spill.windows()]
    must_be(found_in(rows, at_once=1), model(rows))


def test_a_conflict_says_what_stands_where_and_what_to_do() -> None:
    rows = [("SN1", 0), ("SN1", 2)]
    found = found_in(rows)
    rejects = [found.conflicts.reject(ordinal, *row) for ordinal, row in enumerate(rows)]
    assert [(reject.code, say(reject)) for reject in rejects if reject] == [
        (
            "conflict_in_source",
            (
                "Serial SN1 of GTIN 01234567891231 stands here with batch B1, expiry 271130, but with batch B2, expiry "
                "271130 in row 5. Nothing tells which is right. Correct or delete the wrong row."
            ),
        ),
        (
            "conflict_in_source",
            (
                "Serial SN1 of GTIN 01234567891231 stands here with batch B2, expiry 271130, but with batch B1, expiry "
                "271130 in row 2. Nothing tells which is right. Correct or delete the wrong row."
            ),
        ),
    ]


def test_a_serial_that_stands_in_the_list_ten_thousand_times_with_two_batches_is_looked_at_quickly() -> None:
    rows = [("SN1", ordinal % 2 * 2) for ordinal in range(10_000)]
    assert len(found_in(rows).conflicts.ordinals()) == 10_000


def test_a_higher_standing_is_never_lowered() -> None:
    with spilled([("A", 0)] * 3) as spill:
        standings = np.array([Standing.CONFLICT, Standing.SEND, Standing.REPEAT], np.uint8)
        finder = Finder(spill, BATCHES, standings, lambda _: {})
        finder.raise_to(np.arange(3), Standing.ALREADY)
    assert standings.tolist() == [Standing.CONFLICT, Standing.ALREADY, Standing.REPEAT]


PART = 1 << 23


@pytest.mark.parametrize("count", [0, 1, PART, PART + 1, 2 * PART + 1], ids=["none", "one", "part", "more", "three"])
def test_sorted_parts_are_all_numbers_in_ascending_order(tmp_path: Path, count: int) -> None:
    numbers = np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    parts = list(sorted_parts(numbers, tmp_path))
    assert all(len(part) < 1.1 * PART for part in parts)
    together = np.concatenate(parts)
    assert len(together) == count
    assert (together[1:] > together[:-1]).all()
    assert together.sum() == numbers.sum()


def distinct(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Those of sorted numbers; `np.unique` takes two minutes for so many that are alike."""
    found: npt.NDArray[np.uint64] = numbers[np.append(numbers[1:] != numbers[:-1], [True])]
    return found


def test_of_a_number_that_is_nearly_all_of_them_two_are_kept(tmp_path: Path) -> None:
    numbers = np.arange(5 * PART, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    numbers[::2] = 7
    parts = list(sorted_parts(numbers, tmp_path))
    assert max(map(len, parts)) < 3 * PART
    together = np.concatenate(parts)
    assert (together[1:] >= together[:-1]).all()
    assert np.array_equal(distinct(together), distinct(np.sort(numbers)))
    assert twice(numbers, tmp_path).tolist() == [7]


TWO = {
    "one_batch": ([1, 0, 0, 0], {}),
    "two_batches_of_a_product": ([1, 0, 2, 0], {}),
    "the_same_name_for_two_products": ([1, 0, 0, 1], {}),
    "second_expiry_in_rejected_rows_alone": ([5, 0, 1, 1], {}),
    "two_expiries": (
        [1, 3, 1, 1],
        dict.fromkeys(
            (0, 1),
            "Batch B1 of GTIN 01234567891231 has 2 expiry dates: 271130 in 1 row and 271231 in 3 rows. "
            "A batch has one. Correct the wrong rows.",
        ),
    ),
}


@pytest.mark.parametrize(("rows", "expected"), TWO.values(), ids=TWO.keys())
def test_a_batch_with_two_expiries_is_rejected_as_a_whole(rows: list[int], expected: dict[int, str]) -> None:
    found = two_expiries(BATCHES, np.array(rows, np.int64))
    assert {group: say(reject) for group, reject in found.items()} == expected
    assert all(reject.code == "batch_two_expiries" for reject in found.values())
