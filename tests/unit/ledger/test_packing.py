from __future__ import annotations

import string
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.gs1.characters import CSET_82
from importer.ledger.packing import Damaged, Rows, pack, pack_rows, seal, unpack, unpack_columns, unpack_serials, unseal
from importer.rows.layout import column, lines

KEPT = (
    "e3a566c34200000028b52ffd2042c50100e4020103000000020000000d00000041310a622c320a30303031320a0200010100"
    "29010100040003fcffffff010000000310000313c3e004"
)
"""Rows as version 1 packs them."""

SERIALS = st.lists(st.text(CSET_82, min_size=1, max_size=20), max_size=40)
KEYS = st.integers(0, (1 << 40) - 1)


def rows(serials: list[str], keys: list[int], repeat_of: list[int], repeat_keys: list[int]) -> Rows:
    return Rows(serials, np.array(keys, np.int64), np.array(repeat_of, np.int32), np.array(repeat_keys, np.int64))


@st.composite
def any_rows(draw: st.DrawFn, least: int = 0) -> Rows:
    serials = draw(SERIALS.filter(lambda found: len(found) >= least))
    keys = draw(st.lists(KEYS, min_size=len(serials), max_size=len(serials)))
    places = st.integers(0, len(serials) - 1) if serials else st.nothing()
    repeats = draw(st.lists(st.tuples(places, KEYS), max_size=10)) if serials else []
    return rows(serials, keys, [place for place, _ in repeats], [key for _, key in repeats])


def plain(found: Rows) -> tuple[list[str], list[int], list[int], list[int]]:
    return found.serials, found.keys.tolist(), found.repeat_of.tolist(), found.repeat_keys.tolist()


@given(any_rows())
def test_what_is_packed_is_unpacked(given_rows: Rows) -> None:
    blob = pack_rows(given_rows)
    assert plain(unpack(blob)) == plain(given_rows)
    assert list(unpack_serials(blob)) == given_rows.serials


ALIKE = st.integers(1, 20).flatmap(lambda n: st.lists(st.text(CSET_82, min_size=n, max_size=n), max_size=40))


@given(st.lists(any_rows(), min_size=1, max_size=5))
def test_chunks_that_are_unpacked_together_follow_each_other(chunks: list[Rows]) -> None:
    together = unpack_columns(*map(pack_rows, chunks))
    assert together.serials.to_pylist() == [serial for chunk in chunks for serial in chunk.serials]
    assert together.keys.tolist() == [key for chunk in chunks for key in chunk.keys.tolist()]
    repeats = [
        (chunk.serials[of], key) for chunk in chunks for of, key in zip(chunk.repeat_of, chunk.repeat_keys, strict=True)
    ]
    found = zip(together.serials.take(together.repeat_of).to_pylist(), together.repeat_keys.tolist(), strict=True)
    assert list(found) == repeats


@given(ALIKE)
def test_serials_of_one_length_come_back(serials: list[str]) -> None:
    packed = pack_rows(rows(serials, list(range(len(serials))), [], []))
    found = unpack_columns(packed).serials
    found.validate(full=True)
    assert found.to_pylist() == serials


@given(SERIALS | ALIKE, st.integers(0, 5))
def test_a_column_becomes_a_text_and_a_column_again(serials: list[str], start: int) -> None:
    part = pa.array(serials, pa.string()).slice(min(start, len(serials)))
    text, places = lines(part)
    assert [text[a : b - 1].decode() for a, b in pairwise(places.tolist())] == part.to_pylist()
    assert column(text, len(part)).equals(part)


STEPS = {
    "one_row": [2],
    "consecutive": [2, 3, 4, 5],
    "a_step_of_127": [2, 129],
    "a_step_of_128": [2, 130],
    "a_step_of_32768": [2, 32770],
    "another_sheet": [2, (1 << 32) + 2],
    "backwards": [(1 << 40), 2, (1 << 33)],
}


@pytest.mark.parametrize("keys", STEPS.values(), ids=STEPS.keys())
def test_keys_come_back_whatever_their_steps(keys: list[int]) -> None:
    packed = pack_rows(rows([f"S{i}" for i in range(len(keys))], keys, [], []))
    assert unpack(packed).keys.tolist() == keys


@given(any_rows(least=1), st.data())
def test_a_selection_keeps_order_keys_and_repeats(given_rows: Rows, data: st.DataObject) -> None:
    every = range(len(given_rows.serials))
    places = sorted(data.draw(st.sets(st.sampled_from(every))))
    part = given_rows.select(np.array(places, np.intp))
    assert part.serials == [given_rows.serials[place] for place in places]
    assert part.keys.tolist() == [given_rows.keys[place] for place in places]
    expected = [
        (places.index(of), key)
        for of, key in zip(given_rows.repeat_of.tolist(), given_rows.repeat_keys.tolist(), strict=True)
        if of in places
    ]
    assert list(zip(part.repeat_of.tolist(), part.repeat_keys.tolist(), strict=True)) == expected


def test_a_thousand_random_serials_of_one_batch_take_at_most_their_own_size() -> None:
    random = np.random.default_rng(7)
    letters = np.array(list(string.ascii_uppercase + string.digits))
    serials = ["".join(random.choice(letters, 20)) for _ in range(1000)]
    assert len(pack_rows(rows(serials, list(range(2, 1002)), [], []))) < 20_000


@given(any_rows(), st.data())
def test_a_flipped_bit_is_noticed(given_rows: Rows, data: st.DataObject) -> None:
    blob = bytearray(pack_rows(given_rows))
    blob[data.draw(st.integers(0, len(blob) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Damaged, match="its checksum is"):
        unpack(bytes(blob))


@given(any_rows(), st.data())
def test_a_missing_end_is_noticed(given_rows: Rows, data: st.DataObject) -> None:
    blob = pack_rows(given_rows)
    with pytest.raises(Damaged):
        unpack_serials(blob[: data.draw(st.integers(0, len(blob) - 1))])


def test_rows_of_another_version_are_named_as_such() -> None:
    body = bytearray(unseal(pack_rows(rows(["A"], [2], [], []))))
    body[0] = 9
    with pytest.raises(Damaged, match=r"^it is packed in version 9, this importer knows 1$"):
        unpack(seal(bytes(body)))


def test_rows_whose_text_and_count_disagree_are_noticed() -> None:
    none = np.empty(0, np.int64)
    blob = pack(b"A\nB\n", np.array([2], np.int64), none.astype(np.int32), none)
    with pytest.raises(Damaged, match=r"^it holds 2 serials, 1 were expected$"):
        unpack(blob)


def test_a_format_that_is_kept_in_ledgers_stays_readable() -> None:
    kept = bytes.fromhex(KEPT)
    assert plain(unpack(kept)) == (["A1", "b,2", "00012"], [2, 3, 300], [1, 1], [4, 1 << 33])
