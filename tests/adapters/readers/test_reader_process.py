"""Lists are read in a process of their own: the same rows, and nothing shared but a pipe."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from saying import refused

from importer.errors import SourceError
from importer.readers import frames, limits, opening, starting
from importer.readers.frames import Frame
from importer.readers.job import Job, Task, written
from importer.readers.limits import ReaderLimits, allowance
from importer.readers.starting import Ended
from importer.rows.tables import Rows, Source
from importer.sources import opening as in_process
from importer.sources import original
from importer.sources.options import SourceOptions

ROOT = Path(__file__).parents[3]
SAMPLES = sorted(p for p in (ROOT / "sample_data").iterdir() if p.suffix in (".csv", ".xlsx"))
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Landlock and seccomp are Linux's")


@pytest.fixture(autouse=True)
def ends() -> Iterator[list[tuple[str, Ended]]]:
    """How the readers of a test ended."""
    found: list[tuple[str, Ended]] = []
    with opening.heard_of_ends(lambda name, ended: found.append((name, ended))):
        yield found
    limits.use(ReaderLimits())


def all_rows(source: Source) -> list[Rows]:
    return list(source)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_list_is_read_as_in_this_process(path: Path) -> None:
    here, there = (module.open_source(path, SourceOptions()) for module in (in_process, opening))
    assert (there.reading, tuple(there.sheet_names)) == (here.reading, tuple(here.sheet_names))
    for mine, others in zip(all_rows(here), all_rows(there), strict=True):
        assert others.table.equals(mine.table)
        assert others.faults == mine.faults
        assert {c: m.tolist() for c, m in others.notes.items()} == {c: m.tolist() for c, m in mine.notes.items()}
    assert there.reading == here.reading


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_list_is_given_back_as_in_this_process(path: Path) -> None:
    here, there = original.read_original(path, SourceOptions()), opening.open_original(path, SourceOptions())
    assert (there.delimiter, tuple(there.headers)) == (here.delimiter, tuple(here.headers))
    for mine, others in zip(here.sheets, there.sheets, strict=True):
        assert (others.name, others.number, others.positions) == (mine.name, mine.number, mine.positions)
        assert [(row, list(cells)) for row, cells in others.rows()] == [(r, list(c)) for r, c in mine.rows()]


def test_corrections_are_laid_over_what_the_reader_hands_over() -> None:
    path = ROOT / "sample_data" / "clean.csv"
    options = SourceOptions(edits={"2": {"serial": "MENDED"}})
    first = next(iter(opening.open_source(path, options)))
    assert first.table["serial"][0].as_py() == "MENDED"


def test_a_file_whose_name_is_no_text_is_read(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    shutil.copy(ROOT / "sample_data" / "clean.csv", path)
    assert sum(rows.table.num_rows for rows in opening.open_source(path, SourceOptions())) == 2400


def test_a_list_of_nothing_but_a_header_says_so(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("SerialNumber,GTIN,Batch,ExpirationDate\n")
    with refused(SourceError, "has a header and no rows"):
        all_rows(opening.open_source(path, SourceOptions()))


def test_a_file_whose_columns_have_to_be_chosen_tells_its_headers(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("GTIN,Batch,ExpirationDate,Code\n09520001010019,B,271130,S1\n")
    with pytest.raises(SourceError) as found:
        opening.open_source(path, SourceOptions())
    assert found.value.headers == ("GTIN", "Batch", "ExpirationDate", "Code")


@LINUX
def test_a_reader_can_do_nothing_but_read_its_file() -> None:
    held = opening.holds()
    assert held.whole
    assert held.locks.no_new_privileges
    assert held.locks.seccomp
    assert held.locks.landlock


@LINUX
def test_no_secret_reaches_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "from importer.readers import starting\nr = starting.start()\nprint(r.pid, flush=True)\ninput()"
    monkeypatch.setenv("IMPORTER_API__TOKEN", "s3cret-s3cret")
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        parent.communicate("\n")
    assert b"PATH=" in environment
    assert b"IMPORTER" not in environment


def _gone(pid: int, within: float = 5.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        os.sched_yield()
    return False


@LINUX
def test_a_reader_ends_with_its_parent_however_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"SerialNumber,GTIN,Batch,ExpirationDate\n" + b"S,09520001010019,B,271130\n" * 400_000)
    program = textwrap.dedent(f"""
        from pathlib import Path
        from importer.readers import opening
        from importer.sources.options import SourceOptions
        source = opening.open_source(Path({str(path)!r}), SourceOptions())
        rows = iter(source)
        next(rows)
        print(source._frames._reader.pid, flush=True)
        input()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert not _gone(pid, 0.1)
        parent.kill()
        parent.wait()
    assert _gone(pid)


def test_a_reader_whose_rows_are_not_wanted_any_more_ends(tmp_path: Path, ends: list[tuple[str, Ended]]) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"SerialNumber,GTIN,Batch,ExpirationDate\n" + b"S,09520001010019,B,271130\n" * 400_000)
    rows = iter(opening.open_source(path, SourceOptions()))
    next(rows)
    rows.close()
    assert [name for name, _ in ends] == ["list.csv"]


def test_the_next_list_is_read_when_the_helper_was_killed() -> None:
    path = ROOT / "sample_data" / "clean.csv"
    all_rows(opening.open_source(path, SourceOptions()))
    helper = starting._helper._process
    if helper:  # where readers are forked
        helper.kill()
        helper.wait()
    assert sum(rows.table.num_rows for rows in opening.open_source(path, SourceOptions())) == 2400


@LINUX
def test_the_helper_is_one_thread_so_that_what_locks_a_reader_up_covers_all_of_it() -> None:
    all_rows(opening.open_source(ROOT / "sample_data" / "clean.csv", SourceOptions()))
    helper = starting._helper._process
    assert helper
    assert len(list(Path(f"/proc/{helper.pid}/task").iterdir())) == 1


def test_several_lists_are_read_at_the_same_time() -> None:
    path = ROOT / "sample_data" / "clean.csv"
    counts: list[int] = []

    def read() -> None:
        counts.append(sum(rows.table.num_rows for rows in opening.open_source(path, SourceOptions())))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [2400] * 8


def test_a_reader_that_is_started_for_one_list_reads_it_too() -> None:
    path = ROOT / "sample_data" / "clean.csv"
    reader = starting.start(forked=False)
    reader.tell(written(Job(Task.ROWS, os.fsencode(path), {}, allowance(ReaderLimits(), b"", 0))))
    kinds = []
    while frame := frames.receive(reader.frames):
        kinds.append(frame[0])
    os.close(reader.frames)
    assert kinds[0] is Frame.OPENED
    assert kinds[-1] is Frame.END
    assert reader.end(5).status == 0


@LINUX
def test_a_reader_that_gets_nowhere_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"SerialNumber,GTIN,Batch,ExpirationDate\n" + b"S,09520001010019,B,271130\n" * 400_000)
    limits.use(ReaderLimits(progress_seconds=1.0))
    source = opening.open_source(path, SourceOptions())
    rows = iter(source)
    next(rows)
    os.kill(source._frames._reader.pid, signal.SIGSTOP)  # type: ignore[attr-defined]
    with refused(SourceError, "for 1 seconds nothing came of it"):
        for _ in rows:
            pass


@LINUX
def test_a_reader_that_the_system_kills_is_an_error_of_the_list(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"SerialNumber,GTIN,Batch,ExpirationDate\n" + b"S,09520001010019,B,271130\n" * 400_000)
    source = opening.open_source(path, SourceOptions())
    rows = iter(source)
    next(rows)
    os.kill(source._frames._reader.pid, signal.SIGKILL)  # type: ignore[attr-defined]
    with refused(SourceError, "the system ended its reader"):
        for _ in rows:
            pass


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(_fifo, "is a pipe", id="pipe"),
        pytest.param(_socket, "is a socket", id="socket"),
        pytest.param(_device, "is a device", id="device"),
        pytest.param(Path.mkdir, "is a directory", id="directory"),
        pytest.param(_loop, "can't be read", id="link to itself"),
        pytest.param(lambda _path: None, "does not exist", id="nothing"),
    ],
)
def test_what_is_no_regular_file_is_refused_before_it_is_opened(tmp_path: Path, make: object, says: str) -> None:
    path = tmp_path / "list.csv"
    make(path)  # type: ignore[operator]
    with refused(SourceError, says):
        opening.open_source(path, SourceOptions())
