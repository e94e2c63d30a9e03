from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from importer.rows.fingerprints import Hashes, fingerprints
from importer.staging.case_pairs import CasePairs

Windows = list[list[tuple[str, int]]]


def count(windows: Windows, directory: Path) -> int:
    pairs = CasePairs(directory)
    every: list[Hashes] = [np.empty(0, np.uint64)]
    for window in windows:
        serials = pa.array([serial for serial, _ in window], pa.string())
        gtins = np.array([gtin for _, gtin in window], np.uint64)
        every.append(fingerprints(serials, gtins))
        pairs.add(serials, gtins, every[-1])
    try:
        return pairs.count(np.concatenate(every))
    finally:
        pairs.close()


@pytest.mark.parametrize(
    ("windows", "rows"),
    [
        pytest.param([[("ab", 1), ("AB", 1)]], 2, id="a pair"),
        pytest.param([[("AB", 1)], [("ab", 1)]], 2, id="the large one long before"),
        pytest.param([[("ab", 1)], [("AB", 1)]], 2, id="the small one long before"),
        pytest.param([[("ab", 1), ("AB", 2)]], 0, id="of two products"),
        pytest.param([[("ab", 1), ("ab", 1)]], 0, id="the same twice"),
        pytest.param([[("ab", 1), ("aB", 1), ("AB", 1), ("ab", 1)]], 4, id="three spellings, one twice"),
        pytest.param([[("AB", 1), ("AB", 1)]], 0, id="no small letter at all"),
        pytest.param([], 0, id="no rows"),
    ],
)
def test_rows_that_differ_by_case_alone_are_counted(windows: Windows, rows: int, tmp_path: Path) -> None:
    assert count(windows, tmp_path) == rows


_ROW = st.tuples(st.text("aAbB1", min_size=1, max_size=3), st.integers(1, 2))


@runs(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(windows=st.lists(st.lists(_ROW, min_size=1, max_size=20), max_size=4))
def test_counting_agrees_with_looking_at_each_row(windows: Windows, tmp_path: Path) -> None:
    spellings = defaultdict(set)
    for serial, gtin in (row for window in windows for row in window):
        spellings[serial.upper(), gtin].add(serial)
    rows = [row for window in windows for row in window]
    assert count(windows, tmp_path) == sum(len(spellings[serial.upper(), gtin]) > 1 for serial, gtin in rows)
