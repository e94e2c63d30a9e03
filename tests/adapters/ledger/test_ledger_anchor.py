"""A ledger that is not the latest state is neither read nor written, until a person says to go on; what it may have
forgotten is in doubt then.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_builders import ASSIGNED, REFUSED, chunks_of, looking, new_run, planned, rows_of, send, staged_run
from saying import refused

from importer.errors import LedgerDamaged, NoLedger
from importer.ledger.sqlite import opening
from importer.ledger.sqlite.ledger import SqliteLedger
from importer.ledger.sqlite.place import SqlitePlace
from importer.model import Doubt


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "importer.db"


def beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def copied(path: Path, to: Path) -> Path:
    """The files of a ledger as a kill would leave them: SQLite does not close them."""
    to.mkdir()
    for file in path.parent.glob(f"{path.name}*"):
        if file.is_file() and not file.name.endswith((".lock", "-shm")):
            shutil.copy(file, to / file.name)
    return to / path.name


async def killed(path: Path, to: Path) -> Path:
    """A ledger whose process was killed when of three chunks one was assigned."""
    with SqliteLedger(path) as ledger:
        run = staged_run(ledger, *(planned(rows_of([f"S{n}"], 2 + n)) for n in range(3)))
        await ledger.running(run, "unknown")
        await send(ledger, run, chunks_of(path, run)[0], ASSIGNED)
        return copied(path, to)


def read_and_write(path: Path) -> list[Callable[[], object]]:
    return [lambda: looking(path).__enter__(), lambda: SqliteLedger(path)]


async def test_a_kill_leaves_a_ledger_that_its_anchor_knows(path: Path, tmp_path: Path) -> None:
    left = await killed(path, tmp_path / "left")
    with looking(left) as view:
        assert [run.state for run in view.runs()] == ["running"]
    SqliteLedger(left).close()


async def test_a_writer_that_begins_while_a_reader_opens_is_no_damage(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqliteLedger(path).close()
    connect = opening._connect_anywhere
    writers: list[SqliteLedger] = []

    def begin_and_connect(path: Path) -> sqlite3.Connection:
        writers.append(SqliteLedger(path))
        return connect(path)

    monkeypatch.setattr(opening, "_connect_anywhere", begin_and_connect)
    with looking(path) as view:
        assert view.runs() == []
    writers[0].close()


@pytest.mark.parametrize("cut", [lambda log: log.unlink(), lambda log: log.write_bytes(log.read_bytes()[:-9000])])
async def test_a_log_that_is_gone_or_cut_is_noticed(path: Path, tmp_path: Path, cut: Callable[[Path], object]) -> None:
    left = await killed(path, tmp_path / "left")
    cut(beside(left, "-wal"))
    for opened in read_and_write(left):
        with refused(LedgerDamaged, r"is not the latest state: it has lost \d+ commits.*resume --accept-loss"):
            opened()


async def test_a_log_and_an_anchor_that_are_gone_are_noticed(path: Path, tmp_path: Path) -> None:
    left = await killed(path, tmp_path / "left")
    for end in ("-wal", "-anchor"):
        beside(left, end).unlink()
    for opened in read_and_write(left):
        with refused(LedgerDamaged, r"was not closed, and both its -wal file and its anchor \S+ are gone"):
            opened()


async def test_an_anchor_alone_that_is_gone_or_damaged_stops_nothing(path: Path, tmp_path: Path) -> None:
    left = await killed(path, tmp_path / "left")
    beside(left, "-anchor").write_bytes(b"\0" * 2000)
    SqliteLedger(left).close()
    beside(left, "-anchor").unlink()
    SqliteLedger(left).close()
    assert beside(left, "-anchor").exists()


async def test_one_damaged_record_of_the_anchor_leaves_the_other(path: Path, tmp_path: Path) -> None:
    left = await killed(path, tmp_path / "left")
    data = bytearray(beside(left, "-anchor").read_bytes())
    data[:512] = b"\0" * 512
    beside(left, "-anchor").write_bytes(data)
    SqliteLedger(left).close()


def test_an_old_copy_that_was_put_back_is_noticed(path: Path, tmp_path: Path) -> None:
    with SqliteLedger(path) as ledger:
        staged_run(ledger)
    shutil.copy(path, tmp_path / "old")
    with SqliteLedger(path) as ledger:
        ledger.forget_half_staged()
    shutil.copy(tmp_path / "old", path)
    for opened in read_and_write(path):
        with refused(LedgerDamaged, "is not the latest state"):
            opened()


@pytest.mark.parametrize("make", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_a_ledger_that_is_gone_is_not_taken_for_a_new_one(path: Path, make: Callable[[Path], object]) -> None:
    SqliteLedger(path).close()
    make(path)
    assert SqlitePlace(path).exists()
    for opened in read_and_write(path):
        with refused(LedgerDamaged, "is gone, or empty, but there was one"):
            opened()


def test_a_ledger_of_another_place_is_noticed(path: Path, tmp_path: Path) -> None:
    SqliteLedger(path).close()
    SqliteLedger(tmp_path / "other.db").close()
    shutil.copy(tmp_path / "other.db", path)
    with refused(LedgerDamaged, "is not the one that was last used here"):
        SqliteLedger(path)


async def test_a_ledger_that_was_left_open_under_another_name_is_noticed(path: Path, tmp_path: Path) -> None:
    with SqliteLedger(path) as ledger:
        staged_run(ledger)
    other = tmp_path / "other.db"
    other.hardlink_to(path)
    with SqliteLedger(other) as ledger:
        staged_run(ledger, number=2)
        left = copied(path, tmp_path / "left")
    with refused(LedgerDamaged, "was last used under another name"):
        SqliteLedger(left)


def test_a_ledger_that_was_used_and_closed_elsewhere_is_the_latest_state(path: Path, tmp_path: Path) -> None:
    SqliteLedger(path).close()
    away = tmp_path / "away.db"
    shutil.copy(path, away)
    with SqliteLedger(away) as ledger:
        staged_run(ledger)
    shutil.copy(away, path)
    SqliteLedger(path).close()


def test_a_header_that_is_not_the_one_that_was_written_is_damage(path: Path) -> None:
    SqliteLedger(path).close()
    with path.open("r+b") as file:
        file.seek(68)
        file.write(b"\0\0\0\0")
    for opened in read_and_write(path):
        with refused(LedgerDamaged, "its header is not the one that was written"):
            opened()


async def test_what_may_have_been_sent_is_in_doubt_once_a_loss_is_accepted(path: Path, tmp_path: Path) -> None:
    with SqliteLedger(path) as ledger:
        run = staged_run(ledger, *(planned(rows_of([f"S{n}"], 2 + n)) for n in range(3)))
        await ledger.running(run, "unknown")
        await send(ledger, run, chunks_of(path, run)[0], ASSIGNED)
        await send(ledger, run, chunks_of(path, run)[0], REFUSED)
        old = copied(path, tmp_path / "old")
        await send(ledger, run, chunks_of(path, run)[0], ASSIGNED)
        lost = staged_run(ledger, number=2)
        await ledger.running(lost, "unknown")
    shutil.copy(beside(path, "-anchor"), beside(old, "-anchor"))
    loss = SqlitePlace(old).accept_loss()
    assert (loss.doubted, loss.all_known) == (1, True)
    assert loss.lost == ((new_run(2).id, "list.csv"),)
    with SqliteLedger(old) as ledger, looking(old) as view:
        said = [(chunk.fate.outcome if chunk.fate else None, chunk.doubt) for chunk in view.chunks_by_key(run)]
        assert said == [("assigned", Doubt.NONE), ("refused", Doubt.NONE), (None, Doubt.THIS_RUN)]
        again = staged_run(ledger, number=3)
        assert [chunk.doubt for chunk in view.chunks_by_key(again)] == [Doubt.EARLIER_RUN]
    assert SqlitePlace(old).accept_loss().doubted == 0


async def test_a_run_that_was_retried_after_the_last_state_is_in_doubt_with_all_that_was_not_assigned(
    path: Path, tmp_path: Path
) -> None:
    with SqliteLedger(path) as ledger:
        run = staged_run(ledger, *(planned(rows_of([f"S{n}"], 2 + n)) for n in range(2)))
        first, second = chunks_of(path, run)
        await send(ledger, run, first, ASSIGNED)
        await send(ledger, run, second, REFUSED)
        await ledger.ended(run, "finished", 3, None, 1.0)  # type: ignore[arg-type]
        old = copied(path, tmp_path / "old")
        await ledger.renew(run)
        await ledger.running(run, "unknown")
    shutil.copy(beside(path, "-anchor"), beside(old, "-anchor"))
    assert SqlitePlace(old).accept_loss().doubted == 1
    with looking(old) as view:
        said = [(chunk.fate.outcome if chunk.fate else None, chunk.doubt) for chunk in view.chunks_by_key(run)]
    assert said == [("assigned", Doubt.NONE), ("unknown", Doubt.THIS_RUN)]


def test_a_ledger_without_an_anchor_that_never_was_is_none(path: Path) -> None:
    assert not SqlitePlace(path).exists()
    with pytest.raises(NoLedger):
        SqlitePlace(path).view()
