from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.model import Batch
from importer.staging.batches import Groups

A = Batch("01234567891231", "B1", "271130")
B = Batch("01234567891231", "B1", "271231")
C = Batch("04006381333931", "B1", "271130")

BATCHES = st.builds(
    Batch,
    st.sampled_from(["01234567891231", "04006381333931"]),
    st.sampled_from("PQR"),
    st.sampled_from(["271130", ""]),
)


def columns(batches: list[Batch]) -> tuple[Any, Any, Any]:
    gtin, batch, expiry = (
        pa.array([getattr(found, name) for found in batches], pa.string()).dictionary_encode()
        for name in ("gtin", "batch", "expiry")
    )
    return gtin, batch, expiry


def numbered(groups: Groups, batches: list[Batch]) -> list[Batch]:
    return [groups.batches[number] for number in groups.of(*columns(batches)).tolist()]


@given(st.lists(st.lists(BATCHES, max_size=20), max_size=4))
def test_rows_have_the_number_of_their_batch_in_the_order_in_which_batches_turn_up(parts: list[list[Batch]]) -> None:
    groups = Groups()
    for part in parts:
        assert numbered(groups, part) == part
    assert groups.batches == list(dict.fromkeys(batch for part in parts for batch in part))
    assert groups.gtins.tolist() == [int(batch.gtin) for batch in groups.batches]


def test_batches_of_one_name_are_told_apart_by_product_and_expiry() -> None:
    groups = Groups()
    assert groups.of(*columns([A, B, C, A])).tolist() == [0, 1, 2, 0]


def test_so_many_combinations_that_no_table_holds_them_are_numbered_alike() -> None:
    values = [Batch(f"{i:014}", f"B{i}", f"{i % 300:06}") for i in range(300)]
    groups = Groups()
    shuffled = [values[i * 7 % 300] for i in range(600)]
    assert numbered(groups, shuffled) == shuffled
    assert groups.batches == shuffled[:300]


def test_a_value_that_stands_twice_in_a_dictionary_makes_one_batch() -> None:
    gtin, _, expiry = columns([A, A])
    twice = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), pa.array(["B1", "B1"]))
    groups = Groups()
    assert groups.of(gtin, twice, expiry).tolist() == [0, 0]
    assert groups.batches == [A]


def test_a_value_that_no_row_has_makes_no_batch() -> None:
    gtin, _, expiry = columns([A, A])
    spare = pa.DictionaryArray.from_arrays(pa.array([1, 1], pa.int32()), pa.array(["B0", "B1", "B2"]))
    groups = Groups()
    assert groups.of(gtin, spare, expiry).tolist() == [0, 0]
    assert groups.batches == [A]


@pytest.mark.parametrize("start", [0, 1, 3])
def test_a_slice_is_numbered_as_its_rows_are(start: int) -> None:
    rows = [A, B, C, A]
    groups = Groups()
    numbers = groups.of(*(column.slice(start) for column in columns(rows)))
    assert [groups.batches[number] for number in numbers.tolist()] == rows[start:]


def test_a_batch_numbered_by_hand_keeps_its_number() -> None:
    groups = Groups()
    assert groups.number(B) == 0
    assert groups.of(*columns([A, B])).tolist() == [1, 0]
    assert groups.gtins.dtype == np.uint64
