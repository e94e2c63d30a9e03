"""A night in fast time, that in which summer time ends: forty lists of all kinds arrive, slowly, half-written, twice,
hostile and under wrong names; the API is away for a while, a token ends, the process is killed three times. In the
morning every file is in its place, every row accounted for, and every list was told of once.
"""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from boxes import Box
from commands import Importer
from lists import DROPS, HEADER, packs, write_xlsx

EVENING = "2026-10-24 20:00"
MORNING = "2026-10-26 06:30"
CONFIG = """
[schedule]
windows = ["22:00-05:00"]
time_zone = "Europe/Berlin"
[watch]
look_seconds = 300
[report]
formats = ["csv"]
[limits]
requests_per_second = 0
chunk_size = 10
[notify]
on_success = "digest"
digest_at = "06:00"
webhook_url_file = "hook.url"
[profiles.acme]
tenant = "acme"
"""
FAULTS = (
    *(f"commission:503=at:{number}" for number in (12, 13, 14, 40)),
    "commission:drop_after=at:25",
    "commission:429=at:33,retry_after=0",
    "commission:revoke=at:20",
    "commission:html_before=at:50",
)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()


class Hook:
    """A web server that keeps what is told, by the id of each message."""

    def __init__(self) -> None:
        told: dict[str, dict[str, Any]] = {}
        refused = iter([503, 503])

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = next(refused, 204)
                if status < 300:
                    told[message["id"]] = message
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return None

        self.told = told
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()
    yield found
    found.close()


@dataclass
class Evening:
    """What will arrive, and where each file is expected in the morning."""

    sent: Path
    agenda: list[dict[str, Any]] = field(default_factory=list)
    expected: dict[str, str] = field(default_factory=dict)
    """`done`, `problems`, `failed` or `stays` by the name of the file."""
    rows: int = 0

    def comes(self, when: str, name: str, content: bytes, end: str, *, rows: int = 0) -> None:
        self.rows += rows
        self.expected[name] = end
        self.agenda.append(self._part("put", when, name, content))

    def grows(self, when: str, name: str, content: bytes, behind: int) -> None:
        self.agenda.append({**self._part("append", when, name, content), "behind": behind})

    def _part(self, kind: str, when: str, name: str, content: bytes) -> dict[str, Any]:
        part = self.sent / f"{len(self.agenda)}.part"
        part.write_bytes(content)
        return {"kind": kind, "at": at(when), "name": name, "part": str(part)}


def csv_of(rows: Sequence[Sequence[str]], delimiter: str = ",", header: Sequence[str] = HEADER) -> bytes:
    return "".join(f"{delimiter.join(row)}\r\n" for row in (header, *rows)).encode()


def made(write: Callable[[Path], object], path: Path) -> bytes:
    write(path)
    return path.read_bytes()


def kinds(path: Path) -> Mapping[str, bytes]:
    """The same three packs each, as different systems write them."""

    def rows(prefix: str) -> list[tuple[str, ...]]:
        return packs(3, prefix=prefix)

    table = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in (HEADER, *rows("HTM")))
    records = [dict(zip(HEADER, row, strict=True)) for row in rows("JSN")]
    archive = path / "list.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("list.csv", csv_of(rows("ZIP")))
    return {
        "semicolon.csv": csv_of(rows("SEM"), ";"),
        "tab.tsv": csv_of(rows("TAB"), "\t"),
        "utf16.txt": csv_of(rows("UNI"), "\t").decode().encode("utf-16"),
        "packed.csv.gz": gzip.compress(csv_of(rows("GZP"))),
        "packed.zip": archive.read_bytes(),
        "book.xlsx": made(lambda place: write_xlsx(place, rows("XLS")), path / "book.xlsx"),
        "table.html": f"<html><body><table>{table}</table></body></html>".encode(),
        "records.json": json.dumps(records).encode(),
        "no extension": csv_of(rows("EXT")),
        "umlaut ä ✓.csv": csv_of(rows("UML")),
        "system.dat": csv_of(rows("DAT"), "|"),
    }


def evening(tmp_path: Path) -> Evening:
    sent = tmp_path / "sent"
    sent.mkdir()
    night = Evening(sent)
    for number in range(8):
        name = f"list{number}.csv"
        night.comes(f"2026-10-24 20:{10 + number}", name, csv_of(packs(25, prefix=f"N{number}X")), "done", rows=25)
    for number, (name, content) in enumerate(kinds(tmp_path).items()):
        night.comes(f"2026-10-24 22:{10 + number}", name, content, "done", rows=3)
    for number in range(5):
        wrong = [*packs(4, prefix=f"W{number}X"), ("S#1", *packs(1)[0][1:])]
        night.comes(f"2026-10-25 01:1{number}", f"wrong{number}.csv", csv_of(wrong), "problems", rows=5)
    for number in range(3):
        name = f"acme/list{number}.csv"
        night.comes(f"2026-10-25 02:3{number}", name, csv_of(packs(5, DROPS, prefix=f"A{number}X")), "done", rows=5)
    night.comes("2026-10-25 03:00", "big.csv", csv_of(packs(300, prefix="BIG")), "done", rows=300)
    night.comes("2026-10-25 03:05", "again.csv", csv_of(packs(25, prefix="N0X")), "done")
    night.comes("2026-10-25 12:00", "late.csv", csv_of(packs(25, prefix="LAT")), "done", rows=25)
    slow = csv_of(packs(40, prefix="SLO"))
    night.comes("2026-10-24 23:00", "slow.csv", slow[:300], "done", rows=40)
    for number in range(1, 4):
        piece = slow[300 * number : 300 * number + 300 if number < 3 else None]
        night.grows(f"2026-10-24 23:00:0{2 * number}", "slow.csv", piece, 300 * number)
    half = csv_of(packs(6, prefix="HLF"))
    night.comes("2026-10-24 21:00", "half.csv", half[:-20], "done", rows=6)
    night.grows("2026-10-25 00:30", "half.csv", half[-20:], len(half) - 20)
    night.comes("2026-10-24 21:30", "cut.csv", csv_of(packs(6, prefix="CUT"))[:-20], "stays")
    hostile = {
        "deep.json": b"[" * 100_000,
        "nothing.csv": b"",
        "prose.txt": b"Dear colleagues,\r\nthe lists follow tomorrow.\r\n",
        "damaged.xlsx": b"PK\x03\x04" + bytes(range(256)) * 8,
        "zeros.csv": bytes(5000),
    }
    for number, (name, content) in enumerate(hostile.items()):
        night.comes(f"2026-10-25 00:4{number}", name, content, "failed")
    for name in ("list.csv.part", ".hidden.csv", "photo.png", "~$book.xlsx"):
        night.comes("2026-10-24 20:30", name, b"\x89PNG\r\n", "stays")
    night.agenda.append({"kind": "morning", "at": at(MORNING)})
    return night


def watched(importer: Importer, state: Path, env: Mapping[str, str], kill_after: Callable[[Counter[str]], bool]) -> int:
    """Watch until the morning, or until it is killed; the exit code."""
    program = Path(__file__).with_name("nightwatch.py")
    seen: Counter[str] = Counter()
    with subprocess.Popen(
        [sys.executable, str(program), str(state), str(importer.cwd / "inbox")],
        cwd=importer.cwd,
        env=importer.environ(env),
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stderr
        log = []
        for line in process.stderr:
            log.append(line)
            seen[json.loads(line)["event"] if line.startswith("{") else "no event"] += 1
            if kill_after(seen):
                process.kill()
        code = process.wait()
    with (state / "log").open("a", encoding="utf-8") as file:
        file.writelines(log)
    return code


def test_a_night_that_nobody_watches(
    importer: Importer, sandbox: Callable[..., Box], hook: Hook, tmp_path: Path
) -> None:
    box = sandbox(*FAULTS)
    (importer.cwd / "config.toml").write_text(CONFIG, "utf-8")
    (importer.cwd / "hook.url").write_text(hook.url, "ascii")
    night = evening(tmp_path)
    state = tmp_path / "state"
    state.mkdir()
    (state / "agenda").write_text(json.dumps(night.agenda), "utf-8")
    (state / "now").write_text(repr(at(EVENING)), "ascii")
    env = {
        **box.dynamic_env,
        "IMPORTER_NOTIFY__WEBHOOK_SECRET": "a shared secret",
        "IMPORTER_LIMITS__BACKOFF_SECONDS": "0.02",
    }
    kills: list[Callable[[Counter[str]], bool]] = [
        lambda seen: seen["staged"] == 5,
        lambda seen: seen["chunk"] == 15,
        lambda seen: seen["run"] == 12,
    ]
    codes = [watched(importer, state, env, kill) for kill in kills]
    codes.append(watched(importer, state, env, lambda _seen: False))
    assert codes == [-signal.SIGKILL] * 3 + [143], (state / "log").read_text("utf-8")[-3000:]

    everything_in_its_place(importer.cwd / "inbox", night)
    every_row_accounted_for(importer, box, night)
    each_list_told_of_once(hook, night)


def everything_in_its_place(inbox: Path, night: Evening) -> None:
    places: dict[str, str] = {}
    for path in filter(Path.is_file, inbox.rglob("*")):
        inside = path.relative_to(inbox).parts
        profile = ("acme",) if inside[0] == "acme" else ()
        room, *more = inside[len(profile) :]
        name = "/".join((*profile, path.name))
        if name in night.expected:
            places[name] = room if more else "stays"
    assert places == night.expected
    assert [path for path in inbox.rglob("working/*/*") if not path.name.startswith(".")] == []
    for name, end in night.expected.items():
        if end == "failed":
            assert (inbox / "failed" / f"{name}.report.txt").exists()


def every_row_accounted_for(importer: Importer, box: Box, night: Evening) -> None:
    outcomes: Counter[str] = Counter()
    runs = importer("runs", "--json").json
    for run in runs:
        summary = json.loads((importer.cwd / "reports" / run["run"] / "summary.json").read_bytes())
        assert summary["identity_holds"]
        outcomes.update(summary["outcomes"])
    assert sum(outcomes.values()) == night.rows
    assert outcomes["rejected"] == 5
    assert outcomes["assigned"] == night.rows - 5 == len(box.commissioned())
    assert len(runs) == sum(end in ("done", "problems") for end in night.expected.values()) - 1  # one was seen before


def each_list_told_of_once(hook: Hook, night: Evening) -> None:
    told = Counter(file["file"] for message in hook.told.values() for file in message["files"])
    imported = {name for name, end in night.expected.items() if end in ("done", "problems", "failed")}
    # Both lists that were cut are told of as such, each once; one of them was completed later.
    assert told == Counter(imported) + Counter(["half.csv", "cut.csv"])
    assert {message["kind"] for message in hook.told.values()} == {"rejects", "failure", "digest"}
