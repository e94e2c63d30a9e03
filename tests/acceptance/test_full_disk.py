"""A file system that is really full: a clear error, nothing lost, and another command goes on once there is room."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agreement import FAST, differences
from commands import COMMAND, Importer
from conftest import StartBox
from lists import packs, write_csv
from readback import Report

SLOW = ("commission:latency=1,seconds=0.3",)
ONE = {**FAST, "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1"}
MEGABYTE = 1 << 20


class Disk:
    """A file system of two megabytes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, leave: int = 0) -> None:
        """Take all room, or all but some bytes."""
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                file.truncate(max(0, file.tell() - leave))

    def free(self) -> None:
        self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", path], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"only who may mount can have a small disk: {mounted.stderr.strip()}")
    yield Disk(path)
    subprocess.run(["umount", "--lazy", path], check=True)


def only_line(errors: list[str]) -> str:
    (line,) = (line for line in errors if line)
    return line


def test_a_ledger_on_a_full_disk_ends_the_run_and_resume_goes_on(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], disk: Disk
) -> None:
    box = sandbox(*SLOW)
    env = {**box.env, **ONE, "IMPORTER_LEDGER__PATH": str(disk.path / "importer.db")}
    with importer.start("run", write_csv(importer.cwd / "list.csv", packs(40)), env=env) as running:
        running.wait_for("chunk")
        disk.fill()
        stopped = running.ended()
    assert stopped.code == 1
    assert "the disk is full. Free some space; what was recorded is kept, then `importer resume`" in only_line(
        stopped.errors
    )
    disk.free()
    assert importer("resume", env=env).code == 0
    assert report().outcomes == {"assigned": 40}
    assert differences(box, report()) == []
    assert {entry.received for (_, serial), entry in box.ledger().items() if serial <= "S00004"} == {1}
    assert importer("verify", report().run, env=env).code == 0


@pytest.mark.parametrize("room", [300_000, MEGABYTE])
def test_a_list_that_has_no_room_is_not_begun(importer: Importer, sandbox: StartBox, disk: Disk, room: int) -> None:
    box = sandbox()
    env = {**box.env, "IMPORTER_LEDGER__PATH": str(disk.path / "importer.db")}
    source = write_csv(importer.cwd / "list.csv", packs(60_000))
    disk.fill(leave=room)
    stopped = importer("run", source, env=env)
    assert stopped.code == 1
    assert "Free some space" in only_line(stopped.errors)
    assert box.requests() == []
    assert sorted(path.suffix for path in disk.path.iterdir() if path.name.startswith(".importer-")) == []
    disk.free()
    assert importer("runs", "--json", env=env).json == []
    assert importer("run", write_csv(source, packs(8)), env=env).code == 0


def test_a_report_that_has_no_room_leaves_the_outcomes_and_is_written_later(
    importer: Importer, sandbox: StartBox, disk: Disk
) -> None:
    box = sandbox()
    env = {**box.env, "IMPORTER_REPORT__DIR": str(disk.path / "reports"), "IMPORTER_LIMITS__CHUNK_SIZE": "5000"}
    disk.fill(leave=100_000)
    stopped = importer("run", write_csv(importer.cwd / "list.csv", packs(3000)), env=env)
    assert stopped.code == 1
    assert "No space left on device. Nothing of the import is lost" in only_line(stopped.errors)
    (run,) = importer("runs", "--json", env=env).json
    assert run["state"] == "finished"
    assert [path.name for path in (disk.path / "reports").rglob("*.csv")] == []
    disk.free()
    assert importer("report", run["run"], env=env).code == 0
    assert importer("verify", run["run"], env=env).code == 0
    assert len(box.requests()) == 1


def test_a_log_that_has_no_room_costs_lines_and_not_the_run(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("refused=S00001")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "run", write_csv(importer.cwd / "list.csv", packs(8))],
            cwd=importer.cwd,
            env=importer.environ({**box.env, **FAST}),
            stdout=subprocess.PIPE,
            stderr=full,
            check=False,
        )
    assert (done.returncode, report().outcomes) == (3, {"assigned": 7, "refused": 1})


def test_output_that_has_no_room_is_a_clear_error(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox()
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "run", "--json", write_csv(importer.cwd / "list.csv", packs(8))],
            cwd=importer.cwd,
            env=importer.environ({**box.env, **FAST}),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("importer: No space left on device: free some space.")
    assert [run["state"] for run in importer("runs", "--json").json] == ["finished"]
