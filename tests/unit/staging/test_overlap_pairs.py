from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from importer.ledger.history import _common, _same_hash
from importer.rows.hash_sets import Sieve

# Near the ends of a slot's bits, so that many share one and few are equal.
HASHES = st.lists(st.sampled_from([0, 1, 2**22, 2**22 + 1, 2**23, 2**40, 2**40 + 2**22, 2**64 - 1]), max_size=12)


@given(HASHES, HASHES)
def test_equal_hashes_are_paired_each_with_each(ours: list[int], theirs: list[int]) -> None:
    rounds = _same_hash(np.array(ours, np.uint64), np.array(theirs, np.uint64))
    pairs = sorted((int(a), int(b)) for here, there in rounds for a, b in zip(here, there, strict=True))
    assert pairs == [(a, b) for a, one in enumerate(ours) for b, other in enumerate(theirs) if one == other]


@given(st.sets(st.integers(0, 2**40 - 1), min_size=1), st.sets(st.integers(0, 2**40 - 1)), st.data())
def test_common_fingerprints_are_those_of_both_sides(ours: set[int], theirs: set[int], data: st.DataObject) -> None:
    theirs |= data.draw(st.sets(st.sampled_from(sorted(ours))))
    ordered = sorted(ours)
    common = _common(np.array(ordered, np.uint64), np.array(sorted(theirs), np.uint64))
    assert common.tolist() == [number in theirs for number in ordered]


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_a_sieve_lets_through_all_that_is_wanted(wanted: list[int]) -> None:
    numbers = np.array(wanted, np.uint64)
    assert Sieve(numbers)(numbers).all()
