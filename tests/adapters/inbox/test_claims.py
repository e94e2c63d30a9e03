"""A list is taken by one watch alone and reaches its end whole, wherever a kill comes and whatever can't be renamed."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from importer.inbox.claims import DONE, FAILED, PROBLEMS, Box, Claim

_CALLS = ("rename", "replace", "unlink", "mkdir", "rmdir", "link")
_DEAD = 9
CONTENT = "SerialNumber,GTIN\nS1,09520001010019\n"


@pytest.fixture
def box(tmp_path: Path) -> Box:
    directory = tmp_path / "inbox"
    directory.mkdir()
    report = tmp_path / "reports" / "run-1"
    report.mkdir(parents=True)
    (report / "summary.json").write_text("{}")
    (report / "not_assigned.csv").write_text("wrong")
    return Box(directory, "ledger")


def put(box: Box, name: str = "list.csv", text: str = CONTENT) -> Path:
    path = box.directory / name
    path.write_text(text)
    return path


def claimed(box: Box, path: Path) -> Claim:
    claim = box.claim(path)
    assert claim
    return claim


def files(directory: Path) -> dict[str, str]:
    """What lies where, but for what is the importer's own."""
    return {
        path.relative_to(directory).as_posix(): path.read_text()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }


def end_of(box: Box, claim: Claim, end: str) -> Path:
    report = box.directory.parent / "reports" / "run-1"
    if end == FAILED:
        return box.end(claim, FAILED, "", None, {".report.txt": "why"})
    return box.end(claim, end, "run-1", report, {})


def taken_and_ended(box: Box, end: str) -> None:
    """What a watch does when it starts: go on with what was left, then take what is new."""
    for claim in box.left_behind():
        end_of(box, claim, end)
    for path in sorted(box.directory.glob("*.csv")):
        end_of(box, claimed(box, path), end)


@pytest.fixture
def across_devices(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let no file be renamed or linked into another directory, as between two devices or on a busy share."""

    def refuse(number: int) -> None:
        for name in ("rename", "link"):
            monkeypatch.setattr(os, name, _refusing(getattr(os, name), number))

    return refuse


def _refusing(real: Callable[..., None], number: int) -> Callable[..., None]:
    def call(one: Path, other: Path, **kinds: Any) -> None:
        if one.parent != other.parent:
            raise OSError(number, os.strerror(number))
        real(one, other, **kinds)

    return call


def in_process(work: Callable[[], None], *, dying_at: int = 0) -> bool:
    """Do work in a process of its own, which dies before that call of those that change a directory. False: it did."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        assert code in (0, _DEAD)
        return code == 0
    calls = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **kinds: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == dying_at:
                os._exit(_DEAD)
            return real(*given, **kinds)

        return call

    try:
        for name in _CALLS:
            setattr(os, name, counted(getattr(os, name)))
        work()
        os._exit(0)
    except BaseException:  # noqa: BLE001  a fork of the tests must not go on
        import traceback  # noqa: PLC0415

        traceback.print_exc()
        os._exit(1)


@pytest.mark.parametrize(
    ("end", "refused", "marker"),
    [
        pytest.param(DONE, 0, True, id="done"),
        pytest.param(PROBLEMS, errno.EBUSY, False, id="problems, renaming refused"),
        pytest.param(DONE, errno.EXDEV, True, id="done, with a marker, renaming refused"),
        pytest.param(FAILED, 0, False, id="failed"),
        pytest.param(FAILED, errno.EXDEV, False, id="failed, renaming refused"),
    ],
)
def test_a_kill_before_any_step_is_repaired_at_the_next_start(
    end: str, refused: int, marker: bool, box: Box, across_devices: Callable[[int], None]
) -> None:
    if refused:
        across_devices(refused)
    folder = f"{end}/run-1" if end != FAILED else end
    report = {f"{folder}/summary.json": "{}", f"{folder}/not_assigned.csv": "wrong"}
    expected = {
        f"{folder}/list.csv": CONTENT,
        **(report if end != FAILED else {f"{folder}/list.csv.report.txt": "why"}),
    }
    if marker:
        expected[f"{folder}/list.csv.ok"] = ""
    for step in range(1, 200):
        put(box)
        if marker:
            put(box, "list.csv.ok", "")
        whole = in_process(lambda: taken_and_ended(box, end), dying_at=step)
        assert in_process(lambda: taken_and_ended(box, end))
        # An empty room that was never of use is removed an hour later.
        there = {name: text for name, text in files(box.directory).items() if not name.endswith(".claim.json.part")}
        assert there == expected, f"killed before step {step}"
        clear(box.directory)
        if whole:
            assert step > 8
            return
    pytest.fail("it never ends")


def clear(directory: Path) -> None:
    for path in sorted(directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


@pytest.mark.parametrize("refused", [0, errno.EXDEV, errno.EBUSY], ids=["renames", "EXDEV", "EBUSY"])
def test_of_several_watches_one_takes_each_list(
    refused: int, box: Box, across_devices: Callable[[int], None], tmp_path: Path
) -> None:
    if refused:
        across_devices(refused)
    names = [f"list{number}.csv" for number in range(30)]
    for name in names:
        put(box, name, f"{name}\n" * 5000)
    begin = time.monotonic() + 0.3
    children = []
    for watch in range(4):
        child = os.fork()
        if not child:
            while time.monotonic() < begin:
                pass
            other = Box(box.directory, f"ledger {watch}")
            mine = [name for name in names if insists(other, box.directory / name)]
            (tmp_path / f"taken {watch}").write_text("\n".join(mine))
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    taken = [name for watch in range(4) for name in (tmp_path / f"taken {watch}").read_text().split()]
    assert sorted(taken) == sorted(names)
    assert {path.name for path in (box.directory / "working").rglob("*.csv")} == set(names)


def insists(box: Box, path: Path) -> bool:
    """Whether it gets the list; it looks again and again, as a watch does."""
    while path.exists():
        if box.claim(path):
            return True
    return False


def test_a_list_that_another_process_works_on_is_not_gone_on_with(box: Box) -> None:
    claim = claimed(box, put(box))
    assert in_process(lambda: no_more(box.left_behind()))
    claim.let_go()
    assert [left.name for left in box.left_behind()] == ["list.csv"]


def no_more(claims: Iterator[Claim]) -> None:
    assert list(claims) == []


def test_what_a_watch_with_another_ledger_left_is_named_and_left_alone(box: Box) -> None:
    claimed(box, put(box)).let_go()
    other = Box(box.directory, "other")
    assert list(other.left_behind()) == []
    assert {(path.name, ledger) for path, ledger in other.foreign.items()} == {("list.csv", "ledger")}


def test_a_claim_that_can_not_be_read_is_named_and_holds_up_no_other(box: Box) -> None:
    claim = claimed(box, put(box))
    claim.let_go()
    (claim.room / ".claim.json").write_bytes(b"\0\0")
    claimed(box, put(box, "other.csv")).let_go()
    assert [left.name for left in box.left_behind()] == ["other.csv"]
    assert [path.parent for path in box.foreign] == [claim.room]
    assert claim.path.exists()


def test_a_list_that_is_given_back_overwrites_none_that_has_come_meanwhile(box: Box) -> None:
    put(box, "list.csv.ok", "")
    claim = claimed(box, put(box))
    put(box, text="new")
    assert box.give_back(claim).name == "list-2.csv"
    assert files(box.directory) == {"list.csv": "new", "list-2.csv": CONTENT, "list.csv.ok": ""}


def test_a_list_named_like_a_file_of_its_report_keeps_beside_it(box: Box) -> None:
    place = end_of(box, claimed(box, put(box, "not_assigned.csv")), PROBLEMS)
    assert place.name == "not_assigned-2.csv"
    assert files(box.directory)["problems/run-1/not_assigned.csv"] == "wrong"
    assert files(box.directory)["problems/run-1/not_assigned-2.csv"] == CONTENT


def test_lists_of_one_name_fail_beside_each_other(box: Box) -> None:
    for _ in range(2):
        end_of(box, claimed(box, put(box)), FAILED)
    assert set(files(box.directory)) == {
        f"failed/{name}" for name in ("list.csv", "list.csv.report.txt", "list-2.csv", "list-2.csv.report.txt")
    }


def test_a_list_that_can_not_be_moved_stays(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(box)

    def refusing(_one: Any, _other: Any) -> None:
        raise PermissionError(errno.EPERM, "not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", refusing)
        with pytest.raises(PermissionError):
            box.claim(path)
    assert path.exists()
    assert list(box.left_behind()) == []


def test_a_disk_that_is_full_at_its_end_leaves_a_list_whole_for_the_next_time(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = claimed(box, put(box))

    def full(source: Path, target: Path) -> None:
        target.write_text(source.read_text()[:1])
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", full)
        with pytest.raises(OSError, match="no space"):
            end_of(box, claim, PROBLEMS)
    claim.let_go()
    taken_and_ended(box, PROBLEMS)
    assert files(box.directory) == {
        "problems/run-1/list.csv": CONTENT,
        "problems/run-1/not_assigned.csv": "wrong",
        "problems/run-1/summary.json": "{}",
    }
