from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.gs1.characters import CSET_82
from importer.rows.fingerprints import SHORT_BITS, Hashes, fingerprints, shorten

GTIN, OTHER = 1234567891231, 4006381333931

ROWS = st.lists(st.tuples(st.text(CSET_82, min_size=1, max_size=20), st.integers(0, 10**14 - 1)), max_size=50)

PINNED = {
    "one_character": ("A", GTIN, 0x30E5C8FE1F7DDBA3),
    "twenty_characters": ("DI8U86IYQI9KS4G87WGI", GTIN, 0xE4414924F3DBF69C),
    "same_serial_of_another_gtin": ("DI8U86IYQI9KS4G87WGI", OTHER, 0x86705C2F9D2DFA31),
    "leading_zeros": ("00012", GTIN, 0xF14135AAD932024C),
    "without_them": ("12", GTIN, 0xEB26D378F5A6A7D2),
    "comma": ("a,b", GTIN, 0x76A46852A43EA548),
    "two_words": ("aaaaaaaaaaaaaaaa", GTIN, 0xBFCC5D0AAEF3ABF6),
    "just_over_two_words": ("aaaaaaaaaaaaaaaaa", GTIN, 0xBEDD37D3F659EB3E),
    "largest_gtin": ("A", 99999999999997, 0x802DBC229D45DFEA),
}


def hashes(rows: list[tuple[str, int]]) -> Hashes:
    serials = pa.array([serial for serial, _ in rows], pa.string())
    return fingerprints(serials, np.array([gtin for _, gtin in rows], np.uint64))


@pytest.mark.parametrize(("serial", "gtin", "expected"), PINNED.values(), ids=PINNED.keys())
def test_a_hash_is_what_ledgers_have_kept_of_it(serial: str, gtin: int, expected: int) -> None:
    assert hashes([(serial, gtin)]).tolist() == [expected]


@given(ROWS)
def test_a_hash_depends_on_its_own_row_alone(rows: list[tuple[str, int]]) -> None:
    assert hashes(rows).tolist() == [hashes([row])[0] for row in rows]


@given(ROWS, st.data())
def test_a_slice_of_a_column_has_the_hashes_of_its_rows(rows: list[tuple[str, int]], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(rows)))
    end = data.draw(st.integers(start, len(rows)))
    serials = pa.array([serial for serial, _ in rows], pa.string()).slice(start, end - start)
    gtins = np.array([gtin for _, gtin in rows], np.uint64)[start:end]
    assert fingerprints(serials, gtins).tolist() == hashes(rows)[start:end].tolist()


def test_no_rows_have_no_hashes() -> None:
    assert hashes([]).tolist() == []


def test_a_hundred_thousand_serials_that_count_up_share_no_hash() -> None:
    rows = [(f"{number:012}", gtin) for number in range(50_000) for gtin in (GTIN, OTHER)]
    assert len(np.unique(hashes(rows))) == len(rows)


def test_the_upper_bits_of_serials_that_count_up_spread_evenly() -> None:
    upper = hashes([(f"{number:012}", GTIN) for number in range(64_000)]) >> np.uint64(58)
    counts = np.bincount(upper.astype(np.int64), minlength=64)
    assert counts.min() > 800
    assert counts.max() < 1200


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1))
def test_shortened_hashes_keep_the_order_and_fit_into_their_bits(numbers: list[int]) -> None:
    short = shorten(np.sort(np.array(numbers, np.uint64)))
    assert short.tolist() == sorted(number >> (64 - SHORT_BITS) for number in numbers)
    assert max(short.tolist()) < 1 << SHORT_BITS
