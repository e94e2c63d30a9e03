"""Lists that mean harm, through the whole command: one line each, exit code 2, and the next list has its turn."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from commands import Importer
from webserver import Browser, Server

ROOT = Path(__file__).parents[2]
CLEAN = ROOT / "sample_data" / "clean.csv"
_MOST_MEMORY = 400 << 10
"""kB of one process."""
_MEASURED = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""
"""In a small process of its own: a child's peak begins with its parent's."""
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def archive(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in members.items():
            file.writestr(name.replace("__", "/").replace("_dot_", "."), text)
    return out.getvalue()


def far_cell() -> bytes:
    package = "http://schemas.openxmlformats.org/package/2006"
    related = f'<Relationships xmlns="{package}/relationships"><Relationship Id="r" Type="{_OFFICE}'
    return archive(
        _rels___dot_rels=f'{related}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        xl__workbook_dot_xml=f'<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="r"/>'
        "</sheets></workbook>",
        xl___rels__workbook_dot_xml_dot_rels=f'{related}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        xl__worksheets__sheet1_dot_xml=f'<worksheet {_MAIN}><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="3"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>',
    )


def unclosed() -> bytes:
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    names = f'xmlns:office="{urn}:office:1.0" xmlns:table="{urn}:table:1.0"'
    return archive(
        mimetype="application/vnd.oasis.opendocument.spreadsheet",
        content_dot_xml=f"<office:document-content {names}><office:body><office:spreadsheet><table:table>",
        META__INF__manifest_dot_xml="<manifest/>",
    ).replace(b"META/INF", b"META-INF")


HOSTILE: Mapping[str, bytes] = {
    "deep.json": b'{"epcis":' + b"[" * 20_000,
    "far_cell.xlsx": far_cell(),
    "long_number.json": b'{"epcis":' + b"9" * 4301 + b"}",
    "unclosed_table.ods": unclosed(),
    "unknown_encoding.xml": b'<?xml version="1.0" encoding="rot13"?><EPCISDocument/>',
}


@pytest.fixture
def lists(tmp_path: Path) -> list[str]:
    """The hostile ones, and behind them a sound one."""
    directory = tmp_path / "work"
    directory.mkdir()
    for name, data in HOSTILE.items():
        (directory / name).write_bytes(data)
    shutil.copy(CLEAN, directory / "sound.csv")
    return [*HOSTILE, "sound.csv"]


@pytest.fixture
def importer(tmp_path: Path) -> Importer:
    return Importer(tmp_path / "work")


def test_check_refuses_each_in_one_line_and_shows_the_next(lists: list[str], importer: Importer) -> None:
    done = importer("check", *lists)
    assert done.code == 2
    assert [line.partition(" ")[0].rstrip(":") for line in done.errors] == list(HOSTILE)
    assert "sound.csv: 2,400 rows" in done.out


def test_run_refuses_each_in_one_line_and_imports_the_next(lists: list[str], importer: Importer) -> None:
    done = importer("run", "--sandbox", *lists)
    assert done.code == 2
    assert "Traceback" not in done.err
    for name in HOSTILE:
        assert sum(name in line for line in done.errors) == 1
    runs = importer("runs", "--json").json
    assert [(run["source"], run["outcomes"]["assigned"]) for run in runs] == [("sound.csv", 2400)]


def test_watch_puts_each_away_and_imports_the_next(lists: list[str], importer: Importer) -> None:
    inbox = importer.cwd / "inbox"
    inbox.mkdir()
    for age, name in enumerate(lists):
        taken = inbox / (name if name != "unknown_encoding.xml" and not name.endswith(".json") else f"{name}.gz")
        (importer.cwd / name).rename(taken)
        os.utime(taken, (1_700_000_000 + age, 1_700_000_000 + age))
    importer("watch", "--once", "--sandbox", inbox)
    (done,) = (inbox / "done").iterdir()
    assert (done / "sound.csv").exists()
    failed = [path for path in (inbox / "failed").iterdir() if not path.name.endswith(".report.txt")]
    assert len(failed) == len(HOSTILE)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Landlock and seccomp are Linux's")
def test_doctor_says_what_keeps_readers_to_their_lists(importer: Importer, lists: list[str]) -> None:
    _ = lists
    findings = importer("doctor", "--json").json["findings"]
    assert [one["state"] for one in findings if one["code"].startswith("doctor_readers")] == ["right"]


def test_a_name_that_would_break_or_colour_a_line_does_not(importer: Importer, lists: list[str]) -> None:
    _ = lists
    (importer.cwd / "a\n\x1b[31m\udce9.csv").write_bytes(b"x\n")
    for command in (["check"], ["run", "--sandbox"]):
        (line,) = importer(*command, "a\n\x1b[31m\udce9.csv").errors
        assert line.startswith("a ␛[31m\\udce9.csv: ")
        assert line.isprintable()


async def test_the_page_says_why_and_goes_on(server: Server) -> None:
    async with Browser(server) as planner:
        for name, data in HOSTILE.items():
            found = await planner.preview(await planner.upload(data, name))
            assert found["state"] == "failed"
            assert name in str(found["error"])
        found = await planner.preview(await planner.upload(CLEAN.read_bytes(), "sound.csv"))
    assert found["preview"]["to_send"] == 2400


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems hold no process to its memory")
def test_no_process_of_a_check_takes_much_memory(lists: list[str], importer: Importer) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, sys.executable, "-m", "importer", "check", *lists],
        cwd=importer.cwd, env=importer.environ(None), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    status, kilobytes = map(int, done.stdout.split()[-2:])
    assert status == 2
    assert kilobytes < _MOST_MEMORY
