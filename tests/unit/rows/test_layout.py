from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.rows.layout import block, laid_out

TEXTS = st.lists(st.text("aé", max_size=3), max_size=20)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(["ab", "cd"], [b"ab", b"cd"], id="one-width"),
        pytest.param(["ab"], [b"ab"], id="one-value"),
        pytest.param(["é", "ab"], ["é".encode(), b"ab"], id="bytes-count"),
        pytest.param(["", ""], [b"", b""], id="empty-ones"),
        pytest.param(["ab", "c"], None, id="two-widths"),
        pytest.param([], None, id="none"),
    ],
)
def test_values_of_one_width_are_a_block(values: list[str], expected: list[bytes] | None) -> None:
    found = block(pa.array(values, pa.string()))
    assert (None if found is None else [bytes(row) for row in found]) == expected


@given(TEXTS, st.integers(0, 20), st.integers(0, 20))
def test_a_slice_is_looked_at_alone(values: list[str], start: int, length: int) -> None:
    part = pa.array(values, pa.string()).slice(min(start, len(values)), length)
    encoded = [text.encode() for text in part.to_pylist()]
    data, places = laid_out(part)
    assert [bytes(data[a:b]) for a, b in pairwise(places.tolist())] == encoded
    found = block(part)
    if found is not None:
        assert [bytes(row) for row in found] == encoded
    assert (found is None) == (len({len(text) for text in encoded}) != 1)
