from __future__ import annotations

import errno
import os
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ledger_builders import ASSIGNED, chunks_of, looking, new_run, planned, rows_of, send, staged_run
from ledger_model import read
from saying import refused, said

from importer.errors import LedgerBusy, LedgerDamaged, NoLedger
from importer.ledger.sqlite.ledger import SqliteLedger
from importer.model import Doubt

HOLDER = """
import sys
from pathlib import Path
from importer.ledger.sqlite.ledger import SqliteLedger
ledger = SqliteLedger(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "importer.db"


@contextmanager
def held_by_a_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def alter(path: Path, sql: str) -> None:
    db = sqlite3.connect(path)
    try:
        with db:
            db.execute(sql)
    finally:
        db.close()


def test_a_second_importer_hears_at_once_who_holds_the_ledger(path: Path) -> None:
    with held_by_a_process(path) as process, pytest.raises(LedgerBusy) as caught:
        SqliteLedger(path)
    since = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    host = re.escape(socket.gethostname())
    assert re.fullmatch(
        rf"Ledger .+ is in use by process {process.pid} on {host} since {since}\. Try again when that one has ended\.",
        said(caught.value),
    )


def test_a_second_opener_in_the_same_process_is_refused_too(path: Path) -> None:
    with SqliteLedger(path), refused(LedgerBusy, rf"process {os.getpid()} on"):
        SqliteLedger(path)


def test_a_ledger_cannot_be_opened_twice_by_another_name(path: Path) -> None:
    other = path.with_name("link.db")
    other.symlink_to(path)
    with SqliteLedger(path), pytest.raises(LedgerBusy):
        SqliteLedger(other)


def test_the_ledger_is_free_once_its_holder_was_killed(path: Path) -> None:
    with held_by_a_process(path) as process:
        process.kill()
        process.wait()
        SqliteLedger(path).close()


def test_a_second_importer_is_refused_though_the_lock_file_was_deleted(path: Path) -> None:
    with held_by_a_process(path) as process:
        Path(f"{path}.lock").unlink()
        with pytest.raises(LedgerBusy) as caught:
            SqliteLedger(path)
        assert caught.value.message.values["holder"]["pid"] == str(process.pid)
        process.kill()
        process.wait()
        SqliteLedger(path).close()


def test_a_ledger_is_not_held_where_the_disk_knows_no_locks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(NoLedger) as caught:
        SqliteLedger(path)
    assert caught.value.message.code == "ledger_not_locked"
    assert not path.exists()


def test_a_closed_ledger_can_be_opened_again(path: Path) -> None:
    for _ in range(2):
        SqliteLedger(path).close()


def test_closing_twice_is_harmless(path: Path) -> None:
    with SqliteLedger(path) as ledger:
        ledger.close()


def test_a_ledger_that_can_not_be_recovered_is_given_free(path: Path) -> None:
    SqliteLedger(path).close()
    alter(path, "ALTER TABLE chunk RENAME TO gone")
    for _ in range(2):
        with refused(LedgerDamaged, "is damaged: parts of it"):
            SqliteLedger(path)


def test_a_run_whose_staging_was_cut_short_is_forgotten_with_all_that_belongs_to_it(path: Path) -> None:
    with SqliteLedger(path) as ledger:
        kept = staged_run(ledger)
        run = ledger.begin(new_run(2))
        ledger.post_chunks(run, 1, [planned(rows_of(["A"]))]).result()
        ledger.add_rejects(run, 2, 2, 1, b"")
        ledger.add_fingerprints(run, [(1, 2, b"entries")])
    with SqliteLedger(path) as ledger, looking(path) as view:
        assert ledger.forgotten == 1
        assert [found.num for found in view.runs()] == [kept]
    db = sqlite3.connect(path)
    counts = {
        table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("run", "chunk", "chunk_rows", "reject", "fingerprint", "batch")
    }
    db.close()
    assert counts == {"run": 1, "chunk": 1, "chunk_rows": 1, "reject": 0, "fingerprint": 0, "batch": 2}


async def test_a_request_whose_answer_was_lost_with_its_process_is_in_doubt_and_pending(path: Path) -> None:
    with SqliteLedger(path) as ledger:
        run = staged_run(ledger, planned(rows_of(["A"])), planned(rows_of(["B"], 3)))
        first, second = chunks_of(path, run)
        await send(ledger, run, first, ASSIGNED)
        await ledger.mark(run, second)
    with SqliteLedger(path) as ledger:
        assert read(path)[run] == {"A": ("assigned", Doubt.NONE, ()), "B": ("PENDING", Doubt.THIS_RUN, ())}
        (chunk,) = chunks_of(path, run)
        assert chunk.doubt


def test_a_ledger_that_is_held_under_one_name_is_busy_under_another(path: Path, tmp_path: Path) -> None:
    SqliteLedger(path).close()
    (tmp_path / "hard.db").hardlink_to(path)
    (tmp_path / "soft.db").symlink_to(path)
    with held_by_a_process(path):
        for name in ("hard.db", "soft.db"):
            with pytest.raises(LedgerBusy):
                SqliteLedger(tmp_path / name)
    SqliteLedger(path).close()
    for name in ("hard.db", "soft.db"):
        SqliteLedger(tmp_path / name).close()
