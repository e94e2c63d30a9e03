from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.model import Reject
from importer.staging.planning import Planned, Planner
from importer.staging.spill import SPILLED
from importer.staging.standings import Standing, Standings

REASON = Reject("some_code")


@dataclass(frozen=True)
class Row:
    """A row of a list; `first` is the ordinal of the row that it repeats."""

    group: int = 0
    standing: Standing = Standing.SEND
    first: int | None = None


@dataclass
class Outcome:
    """What planning came to: chunks in their order, and the rejected rows by ordinal."""

    chunks: list[Planned] = field(default_factory=list)
    rejected: list[int] = field(default_factory=list)


def serial(ordinal: int) -> str:
    return f"S{ordinal}" + "x" * (ordinal % 5)


def key(ordinal: int) -> int:
    return ordinal * 2 + 2


def window(rows: Sequence[Row], start: int, end: int) -> Any:
    ordinals = range(start, end)
    columns = [
        pa.array([key(ordinal) for ordinal in ordinals], pa.int64()),
        pa.array([serial(ordinal) for ordinal in ordinals], pa.string()),
        pa.array([rows[ordinal].group for ordinal in ordinals], pa.int32()),
        pa.array([ordinal * 1000 for ordinal in ordinals], pa.uint64()),
    ]
    return pa.record_batch(columns, schema=SPILLED)


def fates_of(rows: Sequence[Row], bad_groups: Sequence[int] = ()) -> Standings:
    repeats = sorted((row.first, key(ordinal)) for ordinal, row in enumerate(rows) if row.first is not None)
    return Standings(
        np.array([row.standing for row in rows], np.uint8),
        np.array([first for first, _ in repeats], np.int64),
        np.array([repeat for _, repeat in repeats], np.int64),
        groups=dict.fromkeys(bad_groups, REASON),
    )


def plan(
    rows: Sequence[Row],
    size: int,
    cuts: Sequence[int] = (),
    fates: Standings | None = None,
    most_waiting: int = 1 << 20,
    most_open: int = 1 << 20,
) -> Outcome:
    """Plan rows that come in windows which end at `cuts`."""
    found = Outcome()

    def reject(ordinal: int, rejected: Any, places: npt.NDArray[np.intp]) -> None:
        assert [rejected["key"][place].as_py() for place in places.tolist()] == [key(ordinal + p) for p in places]
        found.rejected += (ordinal + places).tolist()

    standings = fates or fates_of(rows)
    planner = Planner(size, standings, found.chunks.append, reject, most_waiting=most_waiting, most_open=most_open)
    ends = [*cuts, len(rows)]
    for start, end in zip([0, *ends], ends, strict=False):
        if start < end:
            planner.add(start, window(rows, start, end))
    planner.close()
    return found


def serials(chunk: Planned) -> list[str]:
    assert chunk.text.endswith(b"\n")
    return chunk.text.decode().split("\n")[:-1]


@st.composite
def lists(draw: st.DrawFn) -> tuple[list[Row], list[int]]:
    """Rows with any standings, of which some repeat an earlier one of their group; and groups that are bad."""
    groups = draw(st.integers(1, 4))
    rows: list[Row] = []
    for ordinal in range(draw(st.integers(0, 60))):
        group = draw(st.integers(0, groups - 1))
        firsts = [o for o in range(ordinal) if rows[o].group == group and rows[o].first is None]
        repeats = draw(st.booleans())
        if firsts and repeats:
            first = draw(st.sampled_from(firsts))
            conflict = rows[first].standing is Standing.CONFLICT
            rows.append(Row(group, Standing.CONFLICT if conflict else Standing.REPEAT, None if conflict else first))
        else:
            own = st.sampled_from([s for s in Standing if s is not Standing.REPEAT])
            rows.append(Row(group, draw(own)))
    return rows, draw(st.lists(st.integers(0, groups - 1), max_size=1))


@given(lists(), st.integers(1, 7), st.lists(st.integers(0, 60), max_size=5))
def test_each_row_comes_out_once_as_a_serial_a_repeat_or_a_reject(
    given_rows: tuple[list[Row], list[int]], size: int, cuts: list[int]
) -> None:
    rows, bad = given_rows
    found = plan(rows, size, sorted(c for c in cuts if c <= len(rows)), fates_of(rows, bad))
    rejected = [o for o, row in enumerate(rows) if row.standing is Standing.CONFLICT or row.group in bad]
    assert sorted(found.rejected) == rejected
    out = Counter(int(k) for chunk in found.chunks for k in [*chunk.keys, *chunk.repeat_keys])
    assert out == Counter(key(o) for o in range(len(rows)) if o not in set(rejected))


@given(lists(), st.integers(1, 7), st.lists(st.integers(0, 60), max_size=5))
def test_chunks_are_of_one_batch_and_standing_no_larger_than_allowed_and_in_the_order_of_the_source(
    given_rows: tuple[list[Row], list[int]], size: int, cuts: list[int]
) -> None:
    rows, bad = given_rows
    found = plan(rows, size, sorted(c for c in cuts if c <= len(rows)), fates_of(rows, bad))
    last: dict[tuple[int, Standing], int] = {}
    for chunk in found.chunks:
        ordinals = [(k - 2) // 2 for k in chunk.keys.tolist()]
        label = (chunk.group, chunk.standing)
        assert 1 <= len(ordinals) <= size
        assert {(rows[o].group, rows[o].standing) for o in ordinals} == {label}
        assert ordinals == sorted(ordinals)
        assert last.get(label, -1) < ordinals[0]
        assert serials(chunk) == [serial(o) for o in ordinals]
        assert chunk.hashes.tolist() == [o * 1000 for o in ordinals]
        last[label] = ordinals[-1]


@given(lists(), st.integers(1, 7), st.lists(st.integers(0, 60), max_size=5))
def test_a_repeat_goes_with_the_serial_that_it_repeats(
    given_rows: tuple[list[Row], list[int]], size: int, cuts: list[int]
) -> None:
    rows, bad = given_rows
    found = plan(rows, size, sorted(c for c in cuts if c <= len(rows)), fates_of(rows, bad))
    for chunk in found.chunks:
        for place, repeat in zip(chunk.repeat_of.tolist(), chunk.repeat_keys.tolist(), strict=True):
            assert key(rows[(repeat - 2) // 2].first or 0) == chunk.keys[place]


@given(lists(), st.integers(1, 7), st.lists(st.integers(0, 60), max_size=5))
def test_as_few_chunks_come_out_as_can_be(given_rows: tuple[list[Row], list[int]], size: int, cuts: list[int]) -> None:
    rows, _ = given_rows
    found = plan(rows, size, sorted(c for c in cuts if c <= len(rows)))
    sent = Counter((r.group, r.standing) for r in rows if r.standing not in {Standing.REPEAT, Standing.CONFLICT})
    assert Counter((c.group, c.standing) for c in found.chunks) == {k: -(-n // size) for k, n in sent.items()}


def groups_of(found: Outcome) -> Iterator[tuple[int, list[int]]]:
    for chunk in found.chunks:
        yield chunk.group, chunk.keys.tolist()


def test_a_list_sorted_by_batch_is_sent_in_its_order() -> None:
    rows = [Row(group) for group in (0, 0, 0, 0, 1, 1, 2, 2)]
    assert list(groups_of(plan(rows, 2))) == [(0, [2, 4]), (0, [6, 8]), (1, [10, 12]), (2, [14, 16])]


def test_a_shuffled_list_is_sent_as_its_chunks_fill_up() -> None:
    rows = [Row(group) for group in (0, 1, 0, 1, 1)]
    assert list(groups_of(plan(rows, 2, cuts=[3]))) == [(0, [2, 6]), (1, [4, 8]), (1, [10])]


ALONE = {
    "conflicts": [Row(standing=Standing.CONFLICT)] * 3,
    "repeats_of_an_earlier_window": [Row(), Row(standing=Standing.REPEAT, first=0), Row(0, Standing.REPEAT, 0)],
}


@pytest.mark.parametrize("rows", ALONE.values(), ids=ALONE.keys())
def test_a_window_of_which_nothing_is_sent_leaves_no_chunk(rows: list[Row]) -> None:
    found = plan(rows, 2, cuts=[1])
    assert sum(len(chunk.keys) + len(chunk.repeat_keys) for chunk in found.chunks) + len(found.rejected) == 3


def test_very_many_batches_are_told_apart() -> None:
    rows = [Row(group) for group in (70_000, 5, 13_108, 70_000, 5)]
    assert sorted(groups_of(plan(rows, 9))) == [(5, [4, 10]), (13_108, [6]), (70_000, [2, 8])]


def test_no_standings_mean_that_all_is_sent() -> None:
    (chunk,) = plan([Row(), Row()], 9, fates=Standings()).chunks
    assert (chunk.standing, chunk.keys.tolist()) == (Standing.SEND, [2, 4])


def test_a_slice_of_a_window_is_planned_as_its_rows_are() -> None:
    rows = [Row(group) for group in (0, 1, 0, 1)]
    chunks: list[Planned] = []
    planner = Planner(9, Standings(), chunks.append, lambda *_: None)
    planner.add(0, window(rows, 0, 4).slice(1, 2))
    planner.close()
    assert [(chunk.group, serials(chunk)) for chunk in chunks] == [(0, [serial(2)]), (1, [serial(1)])]


def test_what_waits_goes_out_before_it_fills_the_memory() -> None:
    rows = [Row(group) for group in (0, 1, 2, 3, 0, 1)]
    assert [group for group, _ in groups_of(plan(rows, 9, cuts=[2, 4], most_waiting=3))] == [0, 1, 2, 3, 0, 1]


def test_no_more_chunks_are_open_than_memory_has_room_for() -> None:
    rows = [Row(group) for group in (0, 1, 2, 3, 0, 1)]
    assert [group for group, _ in groups_of(plan(rows, 9, cuts=[2, 3, 5], most_open=2))] == [0, 1, 2, 0, 3, 1]


def test_what_is_held_back_is_rejected_and_so_is_what_repeats_it() -> None:
    rows = [Row()] * 3
    fates = Standings(
        standings=np.array([Standing.SEND, Standing.REPEAT, Standing.SEND], np.uint8),
        firsts=np.array([0], np.int64),
        repeat_keys=np.array([key(1)], np.int64),
    )
    sent: list[Planned] = []
    rejected: list[int] = []
    planner = Planner(
        10, fates, sent.append, lambda _, __, places: rejected.extend(places.tolist()), held=lambda _: np.array([0, 1])
    )
    planner.add(0, window(rows, 0, 3))
    planner.close()
    assert rejected == [0, 1]
    assert [(chunk.keys.tolist(), chunk.repeat_keys.tolist()) for chunk in sent] == [([key(2)], [])]
