from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_builders import looking, staged_run

from importer.ledger import fingerprint_index
from importer.ledger.packing import Damaged
from importer.ledger.ports import Place
from importer.rows.fingerprints import SHORT_BITS, Hashes

LARGEST = (1 << SHORT_BITS) - 1
ENTRIES = st.lists(
    st.tuples(st.integers(0, LARGEST), st.integers(0, fingerprint_index.MAX_SEQ)), min_size=1, max_size=300
)


def ordered(*pairs: tuple[int, int]) -> Hashes:
    short, seqs = np.array(pairs, np.uint64).T
    return np.sort(fingerprint_index.entries(short, seqs))


@given(ENTRIES)
def test_what_is_encoded_is_decoded(pairs: list[tuple[int, int]]) -> None:
    entries = ordered(*pairs)
    assert fingerprint_index.decode(fingerprint_index.encode(entries)).tolist() == entries.tolist()


@given(ENTRIES)
def test_an_entry_holds_its_shortened_hash_and_its_chunk(pairs: list[tuple[int, int]]) -> None:
    short, seqs = fingerprint_index.split(ordered(*pairs))
    assert sorted(zip(short.tolist(), seqs.tolist(), strict=True)) == sorted(pairs)


def test_pieces_are_all_entries_in_their_order_with_the_range_of_each() -> None:
    count = (1 << 19) + 10
    short = np.arange(count, dtype=np.uint64) // np.uint64(3) * np.uint64(5)
    entries = fingerprint_index.entries(short, np.ones(count, np.uint64))
    pieces = list(fingerprint_index.pieces(entries))
    decoded = [fingerprint_index.decode(blob) for _, _, blob in pieces]
    assert len(pieces) == 2
    assert np.concatenate(decoded).tolist() == entries.tolist()
    assert [(first, last) for first, last, _ in pieces] == [
        (int(fingerprint_index.split(piece)[0][0]), int(fingerprint_index.split(piece)[0][-1])) for piece in decoded
    ]


def test_no_entries_make_no_pieces() -> None:
    assert list(fingerprint_index.pieces(np.empty(0, np.uint64))) == []


def test_an_entry_costs_about_four_bytes() -> None:
    random = np.random.default_rng(7)
    count = 1_000_000
    short = random.integers(0, LARGEST, count, np.uint64, endpoint=True)
    seqs = np.arange(count, dtype=np.uint64) // np.uint64(1000) + np.uint64(1)
    pieces = fingerprint_index.pieces(np.sort(fingerprint_index.entries(short, seqs)))
    assert sum(len(blob) for _, _, blob in pieces) / count < 4.6


RANGES = {
    "before_all": (0, 9, []),
    "first_alone": (0, 10, [[10, 20]]),
    "within_a_piece_between_its_entries": (12, 15, [[10, 20]]),
    "end_that_two_share": (20, 20, [[10, 20], [20, 30]]),
    "all": (0, LARGEST, [[10, 20], [20, 30], [40, 40]]),
    "gap": (31, 39, []),
    "after_all": (41, LARGEST, []),
}


@pytest.mark.parametrize(("low", "high", "expected"), RANGES.values(), ids=RANGES.keys())
def test_the_pieces_that_touch_a_range_are_found(place: Place, low: int, high: int, expected: list[list[int]]) -> None:
    parts = [ordered((10, 1), (20, 1)), ordered((20, 2), (30, 1)), ordered((40, 3), (40, 4))]
    with place.open() as ledger:
        run = staged_run(ledger)
        other = staged_run(ledger, number=2)
        for part in parts:
            ledger.add_fingerprints(run, fingerprint_index.pieces(part))
        ledger.add_fingerprints(other, fingerprint_index.pieces(ordered((25, 1))))
        with looking(place) as view:
            found = [fingerprint_index.split(piece)[0].tolist() for piece in view.fingerprints(run, low, high)]
    assert [[piece[0], piece[-1]] for piece in found] == expected


@given(st.data())
def test_a_flipped_bit_is_noticed(data: st.DataObject) -> None:
    blob = bytearray(fingerprint_index.encode(ordered((1, 1), (5, 2), (LARGEST, 3))))
    blob[data.draw(st.integers(0, len(blob) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Damaged):
        fingerprint_index.decode(bytes(blob))
