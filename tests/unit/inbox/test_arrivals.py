"""A list is taken from an inbox once it is complete, and not before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from importer.inbox.arrivals import Arrivals, _resists_lease, holders

NOW = 2_000_000_000.0


class Clock:
    """Both clocks of an inbox: the wall's, and one that never jumps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(tmp_path: Path, clock: Clock) -> Arrivals:
    return Arrivals(tmp_path, quiet_seconds=10, wall=lambda: NOW + clock.now, clock=clock)


def put(inbox: Arrivals, name: str = "list.csv", *, age: float = 100, text: str = "x\n") -> Path:
    path = inbox.inbox / name
    path.write_text(text, "utf-8")
    os.utime(path, (NOW - age, NOW - age))
    return path


def test_a_list_that_has_been_quiet_is_taken_at_the_second_look(inbox: Arrivals, clock: Clock) -> None:
    path = put(inbox)
    assert inbox.look() == []
    assert inbox.look_again_in == 1.0
    clock.now = 1.0
    assert inbox.look() == [path]
    assert inbox.waiting == []


def test_a_list_that_was_touched_lately_waits(inbox: Arrivals, clock: Clock) -> None:
    path = put(inbox, age=3)
    inbox.look()
    clock.now = 5.0
    assert (inbox.look(), [(one.path, one.why) for one in inbox.waiting]) == ([], [(path, "changing")])
    clock.now = 10.0
    assert inbox.look() == [path]


def test_a_list_that_grows_between_two_looks_waits_though_its_time_is_old(inbox: Arrivals, clock: Clock) -> None:
    put(inbox)
    inbox.look()
    clock.now = 1.0
    put(inbox, text="x\ny\n")  # as of a share whose clock is an hour behind
    assert inbox.look() == []
    clock.now = 2.0
    assert len(inbox.look()) == 1


def test_a_list_from_the_future_is_taken_once_it_has_stood_still(inbox: Arrivals, clock: Clock) -> None:
    path = put(inbox, age=-86_400)
    other = put(inbox, "other.csv")
    inbox.look()
    assert inbox.look_again_in == 10.0
    clock.now = 1.0
    assert inbox.look() == [other]
    clock.now = 10.0
    assert inbox.look() == [other, path]


def test_the_oldest_list_comes_first_and_what_is_no_list_is_left_alone(inbox: Arrivals, clock: Clock) -> None:
    young, old = put(inbox, "a.csv", age=50), put(inbox, "b.CSV", age=60)
    for name in (".hidden.csv", "~$open.xlsx", "notes.md", "list.csv.part"):
        put(inbox, name)
    (inbox.inbox / "done.csv").mkdir()
    inbox.look()
    clock.now = 1.0
    assert [path for path in inbox.look() if path.suffix != ".md"] == [old, young]
    assert {(one.path.name, one.why) for one in inbox.skipped} == {
        (".hidden.csv", "hidden"),
        ("~$open.xlsx", "hidden"),
        ("list.csv.part", "half_written"),
        ("done.csv", "directory"),
    }


def test_a_list_that_vanished_is_forgotten(inbox: Arrivals, clock: Clock) -> None:
    put(inbox).unlink()
    (inbox.inbox / "link.csv").symlink_to(inbox.inbox / "nowhere.csv")
    clock.now = 1.0
    assert inbox.look() == []


@pytest.mark.parametrize("name", ["list.csv.ok", "list.ok", "list.csv.done", "list.done"])
def test_a_marker_says_that_a_list_is_complete(name: str, inbox: Arrivals) -> None:
    inbox.complete = "marker"
    path = put(inbox, age=0)
    assert (inbox.look(), [one.why for one in inbox.waiting]) == ([], ["marker"])
    put(inbox, name)
    assert inbox.look() == [path]


def test_a_list_that_is_renamed_into_the_inbox_is_complete_at_once(inbox: Arrivals) -> None:
    inbox.complete = "rename"
    path = put(inbox, age=0)
    assert inbox.look() == [path]


def test_a_list_that_a_process_has_open_waits(inbox: Arrivals, clock: Clock) -> None:
    path = put(inbox)
    program = f"file = open({str(path)!r}, 'a'); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "open\n"
        inbox.look()
        clock.now = 1.0
        assert inbox.look() == []
        assert [(one.path, one.why, one.by) for one in inbox.waiting] == [(path, "open", writer.pid)]
        assert _resists_lease(path)
        writer.communicate("\n")
    assert holders([path]) == {}
    assert not _resists_lease(path)
    assert inbox.look() == [path]
