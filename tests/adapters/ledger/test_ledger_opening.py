from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_builders import looking, planned, rows_of, staged_run
from ledger_model import read
from saying import refused, said

from importer.errors import LedgerError
from importer.ledger.sqlite import opening
from importer.ledger.sqlite.ledger import SqliteLedger
from importer.ledger.sqlite.view import SqliteView

KNOWN = opening.SCHEMA_VERSION


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "importer.db"


def alter(path: Path, sql: str) -> None:
    db = sqlite3.connect(path)
    try:
        with db:
            db.execute(sql)
    finally:
        db.close()


def older(path: Path) -> None:
    opening.create(path)
    alter(path, f"PRAGMA user_version = {KNOWN - 1}")


def newer(path: Path) -> None:
    SqliteLedger(path).close()
    alter(path, f"PRAGMA user_version = {KNOWN + 1}")


def foreign(path: Path) -> None:
    alter(path, "CREATE TABLE music (title TEXT)")


def text(path: Path) -> None:
    path.write_text("SerialNumber,GTIN,Batch,ExpirationDate\n" * 50)


def directory(path: Path) -> None:
    path.mkdir()


def damaged(path: Path) -> None:
    with SqliteLedger(path) as ledger:
        staged_run(ledger)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)


def truncated(path: Path) -> None:
    with SqliteLedger(path) as ledger:
        staged_run(ledger)
    os.truncate(path, 3 * 4096)


NO_LEDGERS = {
    "older_version": (
        older,
        rf"^Ledger \S+ was written by an older importer \(schema {KNOWN - 1}, this one knows {KNOWN}\). Begin a new",
    ),
    "newer_version": (
        newer,
        rf"^Ledger \S+ was written by a newer importer \(schema {KNOWN + 1}, this one knows {KNOWN}\). Update the",
    ),
    "foreign_database": (
        foreign,
        r"is an SQLite file, but no ledger of this importer. Choose another with --ledger\.$",
    ),
    "text_file": (
        text,
        r"is damaged, or no ledger at all \(file is not a database\): nothing of it is shown or sent\. Put back",
    ),
    "directory": (directory, r"^Ledger \S+ can't be opened: Is a directory. Choose a path that can be written"),
    "damaged": (
        damaged,
        r"is damaged, or no ledger at all \(.*malformed.*\): nothing of it is shown or sent\. Put back a backup",
    ),
    "truncated": (
        truncated,
        r"is damaged, or no ledger at all \(.*malformed.*\): nothing of it is shown or sent\. Put back a backup",
    ),
}


@pytest.mark.parametrize(("make", "message"), NO_LEDGERS.values(), ids=NO_LEDGERS.keys())
def test_what_is_no_whole_ledger_is_refused_and_given_free(
    path: Path, make: Callable[[Path], None], message: str
) -> None:
    make(path)
    for _ in range(2):
        with refused(LedgerError, message) as caught:
            SqliteLedger(path)
        assert "\n" not in said(caught.value)


def test_a_foreign_database_is_left_as_it_is(path: Path) -> None:
    foreign(path)
    before = path.read_bytes()
    with pytest.raises(LedgerError):
        SqliteLedger(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("make", [newer, foreign, text, directory], ids=lambda make: make.__name__)
def test_what_is_no_ledger_is_not_read_either(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    with pytest.raises(LedgerError):
        SqliteView(path)


def test_a_ledger_that_is_not_there_says_so_to_readers(path: Path) -> None:
    with refused(
        LedgerError, r"^There is no ledger at \S+: nothing was imported from here\. Import something, or give"
    ):
        SqliteView(path)


def test_a_ledger_that_was_never_finished_says_so_to_readers(path: Path) -> None:
    path.touch()
    with refused(
        LedgerError, r"^The ledger at \S+ is empty: nothing was imported from here\. Import something, or give"
    ):
        SqliteView(path)


def test_an_empty_file_becomes_a_ledger(path: Path) -> None:
    path.touch()
    with SqliteLedger(path), looking(path) as view:
        assert view.runs() == []


def test_a_missing_directory_is_made(tmp_path: Path) -> None:
    SqliteLedger(tmp_path / "a" / "b" / "importer.db").close()
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_a_directory_that_can_not_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with refused(LedgerError, r"its directory can't be made: Not a directory. Choose another path"):
        SqliteLedger(tmp_path / "file" / "below" / "importer.db")


@pytest.mark.parametrize(
    ("sqlite_says", "hint"),
    [
        pytest.param("database or disk is full", "the disk is full. Free some space", id="disk_full"),
        pytest.param("attempt to write a readonly database", "it can't be written", id="read_only"),
        pytest.param("unable to open database file", "it can't be written", id="path_vanished"),
        pytest.param("database is locked", "another program has it open", id="locked"),
        pytest.param("disk I/O error", "Check the disk", id="io_error"),
    ],
)
def test_what_sqlite_says_comes_with_what_to_do(sqlite_says: str, hint: str) -> None:
    explained = opening.explain(sqlite3.OperationalError(sqlite_says), Path("importer.db"))
    assert said(explained).startswith(f"Ledger importer.db: {sqlite_says}")
    assert hint in said(explained)


def test_a_full_disk_is_a_clear_error_and_what_was_recorded_is_kept(path: Path) -> None:
    with SqliteLedger(path) as ledger:
        run = staged_run(ledger)
        pages = ledger._writer.do(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
        ledger._writer.do(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchone())
        with refused(LedgerError, r"disk is full; the disk is full. Free some space; what was recorded is"):
            ledger.post_chunks(run, 9, [planned(rows_of([os.urandom(9).hex() for _ in range(5000)]))]).result()
    assert set(read(path)[run]) == set("ABC")


def test_only_the_owner_may_read_anything_of_a_ledger(path: Path) -> None:
    old = os.umask(0)
    try:
        with SqliteLedger(path) as ledger:
            staged_run(ledger)
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(old)
    assert modes == dict.fromkeys((f"importer.db{end}" for end in ("", "-wal", "-shm", "-anchor", ".lock")), 0o600)


def test_a_path_with_odd_characters_is_opened_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "100% #1 ?mode=ro é.db"
    with SqliteLedger(path) as ledger:
        run = staged_run(ledger)
    assert path.exists()
    assert set(read(path)[run]) == set("ABC")


def test_a_commit_survives_a_power_cut(path: Path) -> None:
    with SqliteLedger(path) as ledger:
        full = 2
        assert ledger._writer.do(lambda db: db.execute("PRAGMA synchronous").fetchone()[0]) == full
        assert ledger._writer.do(lambda db: db.execute("PRAGMA journal_mode").fetchone()[0]) == "wal"


def test_who_opens_a_ledger_beside_another_reader_holds_it_against_other_programs(path: Path) -> None:
    """SQLite's lock is the process's: to close the file anywhere lets go of it, and another program that closes the
    file then takes the -wal away.
    """
    SqliteLedger(path).close()
    with looking(path), SqliteLedger(path) as ledger:
        staged_run(ledger)
        other = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('SELECT * FROM run'); db.close()"
        subprocess.run([sys.executable, "-c", other, path], check=True)
        assert path.with_name(f"{path.name}-wal").exists()


def test_a_ledger_behind_a_link_is_missed_with_its_wal(tmp_path: Path, path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with SqliteLedger(link) as ledger:
        staged_run(ledger)
        path.with_name(f"{path.name}-wal").unlink()
        with refused(LedgerError, "removed or replaced"):
            ledger.forget_half_staged()


def test_a_new_ledger_waits_for_a_program_that_holds_its_file_for_a_moment(path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, other.execute, ("ROLLBACK",)).start()
    SqliteLedger(path).close()
    other.close()


def test_a_ledger_that_another_program_has_locked_is_worth_another_try() -> None:
    explained = opening.explain(sqlite3.OperationalError("database is locked"), Path("importer.db"))
    assert explained.exit_code == 75
