"""What people corrected in an upload, on the disk: nothing is lost, each author is known, all can be taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from importer.web.changes import YES, Cell, Changes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "changes.jsonl"


def two_persons(path: Path) -> Changes:
    changes = Changes(path)
    changes.make("cells", "anna", [Cell("2", "serial", "S 1", "S1")])
    changes.make("fill", "bert", [Cell("2", "batch", "", "B1"), Cell("3", "batch", "", "B1")], {"value": "B1"})
    changes.make("cells", "anna", [Cell("2", "batch", "B1", "B2"), Cell("4", "left_out", None, YES)])
    return changes


def test_what_holds_is_the_same_after_a_restart(path: Path) -> None:
    before = two_persons(path)
    after = Changes(path)
    assert (
        after.edits
        == before.edits
        == {"2": {"serial": "S1", "batch": "B2"}, "3": {"batch": "B1"}, "4": {"left_out": YES}}
    )
    assert [change.by for change in after.all] == ["anna", "bert", "anna"]


def test_each_corrected_cell_knows_what_was_read_and_who_set_it_last(path: Path) -> None:
    found = {(one.key, one.role): (one.old, one.new, one.change.by) for one in two_persons(path).corrected()}
    assert found == {
        ("2", "serial"): ("S 1", "S1", "anna"),
        ("2", "batch"): ("", "B2", "anna"),
        ("3", "batch"): ("", "B1", "bert"),
        ("4", "left_out"): (None, YES, "anna"),
    }


def test_a_change_is_taken_back_whatever_came_after_it(path: Path) -> None:
    changes = two_persons(path)
    (undone,) = changes.undo([2], "carl")
    assert changes.edits == {"2": {"serial": "S1", "batch": "B2"}, "4": {"left_out": YES}}
    assert undone.undone_by == "carl"
    assert Changes(path).edits == changes.edits
    assert changes.undo([2], "carl") == []


def test_a_cell_that_is_given_back_is_no_correction(path: Path) -> None:
    changes = two_persons(path)
    changes.make("cells", "bert", [Cell("3", "batch", "B1", None), Cell("4", "left_out", YES, None)])
    assert changes.edits == {"2": {"serial": "S1", "batch": "B2"}}
    assert {one.key for one in changes.corrected()} == {"2"}


def test_a_line_that_a_crash_cut_off_was_never_made(path: Path) -> None:
    two_persons(path)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"type":"Made","change":{"number":4')
    changes = Changes(path)
    changes.make("cells", "anna", [Cell("9", "serial", "", "S9")])
    assert [change.number for change in Changes(path).all] == [1, 2, 3, 4]
    assert Changes(path).edits["9"] == {"serial": "S9"}
