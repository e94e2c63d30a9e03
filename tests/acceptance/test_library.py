"""From a program: the functions do what the commands do, typed and awaited, and rows come as records and as frames."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from boxes import Box
from commands import Importer
from lists import packs, write_csv

import importer as library
from importer import (
    ConfigError,
    ImporterError,
    LedgerBusy,
    Outcome,
    Progress,
    SourceError,
    check,
    decommission,
    explain,
    result,
    resume,
    retry,
    run,
    runs,
)

ROOT = Path(__file__).parents[2]
ROWS = [*packs(5), packs(1)[0], ("#", *packs(1)[0][1:])]
"""Five packs, a repeat, and one that is wrong."""


def settings_of(box: Box, tmp_path: Path, **limits: object) -> Mapping[str, Mapping[str, Any]]:
    env = box.env
    api = {name: env[f"IMPORTER_API__{name.upper()}"] for name in ("base_url", "channel_key", "token")}
    return {
        "api": api,
        "ledger": {"path": tmp_path / "importer.db"},
        "report": {"dir": tmp_path / "reports"},
        "limits": {"requests_per_second": 0, "quota_dir": tmp_path, **limits},
    }


async def test_a_run_gives_its_rows_as_records_and_as_a_frame(box: Box, tmp_path: Path) -> None:
    settings = settings_of(box, tmp_path)
    done = await run(write_csv(tmp_path / "list.csv", ROWS), settings=settings)
    assert (done.exit_code, done.ok, done.rows, done.identity_holds) == (3, False, 7, True)
    assert (done.outcomes["assigned"], done.codes) == (5, {"serial_character": 1})
    assert [row.outcome for row in done] == [Outcome.ASSIGNED] * 5 + [Outcome.DUPLICATE, Outcome.REJECTED]
    assert [row.good for row in done] == [True] * 6 + [False]
    first = next(iter(done))
    assert (first.row, first.serial, first.batch, first.attempts) == (2, "S00001", "B1", 1)
    frame = done.frame()
    assert list(frame["serial"]) == ["S00001", "S00002", "S00003", "S00004", "S00005", "S00001", "#"]
    assert list(frame["row"]) == [2, 3, 4, 5, 6, 7, 8]
    assert list(done.frame(problems=True)["code"]) == ["serial_character"]
    assert sum(len(part) for part in done.frames()) == 7
    assert done.report is not None
    assert (done.report / "report.html").exists()
    assert len(box.commissioned()) == 5


async def test_it_is_the_ledger_of_the_command(box: Box, tmp_path: Path, importer: Importer) -> None:
    settings = {**settings_of(box, tmp_path), "ledger": {"path": importer.cwd / "importer.db"}}
    source = write_csv(tmp_path / "list.csv", ROWS)
    done = await run(source, settings=settings)
    assert (
        [one["run"] for one in importer("runs", "--json").json]
        == [done.run]
        == [one.run for one in runs(settings=settings)]
    )
    command = importer("run", source, "--json", env=box.env)
    assert command.json["outcomes"]["already_assigned"] == 5
    assert dict(result(command.json["run"], settings=settings).outcomes) == command.json["outcomes"]


async def test_a_check_sends_nothing_and_keeps_nothing(tmp_path: Path) -> None:
    place: Mapping[str, Mapping[str, Any]] = {"ledger": {"path": tmp_path / "importer.db"}}
    found = await check(write_csv(tmp_path / "list.csv", ROWS), settings=place)
    assert (found.rows, found.to_send, found.requests, found.clean) == (7, 5, 1, False)
    assert found.problems == {"serial_character": 1}
    assert found.batches().to_dict("records")[0]["duplicate"] == 1
    assert list(found.examples()["row"]) == [8]
    assert not (tmp_path / "importer.db").exists()
    assert runs(settings=place) == []


async def test_progress_is_told_in_its_order(box: Box, tmp_path: Path) -> None:
    told: list[Progress] = []
    settings = settings_of(box, tmp_path, chunk_size=2)
    done = await run(write_csv(tmp_path / "list.csv", packs(6)), settings=settings, progress=told.append)
    stages = [one.stage for one in told]
    assert stages == sorted(stages, key=["reading", "sending", "reporting"].index)
    assert [(one.done, one.total) for one in told if one.stage == "sending"] == [(0, 6), (2, 6), (4, 6), (6, 6)]
    assert {one.run for one in told if one.stage == "sending"} == {done.run}


async def test_how_a_list_is_read_can_be_said(box: Box, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "list.csv", [(serial,) for serial, *_ in packs(3)], ["Pack no"])
    gtin, batch, expiry = packs(1)[0][1:]
    done = await run(
        source,
        settings=settings_of(box, tmp_path),
        columns={"Pack no": "serial"},
        gtin=gtin,
        batch=batch,
        expiry=expiry,
    )
    assert done.ok


async def test_what_is_cancelled_can_be_resumed(box: Box, tmp_path: Path) -> None:
    settings = settings_of(box, tmp_path, chunk_size=1, max_in_flight=1)
    source = write_csv(tmp_path / "list.csv", packs(30))
    begun = asyncio.Event()

    def sent(progress: Progress) -> None:
        if progress.stage == "sending" and progress.done:
            begun.set()

    task = asyncio.create_task(run(source, settings=settings, progress=sent))
    await begun.wait()
    with pytest.raises(LedgerBusy):
        await run(source, settings=settings)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (one,) = runs(settings=settings)
    assert one.state == "stopped"
    assert one.to_send > 0
    done = await resume("last", settings=settings)
    assert (done.run, done.outcomes["assigned"]) == (one.run, 30)
    assert (await retry(done.run, settings=settings)).ok


async def test_taking_back_needs_the_number(box: Box, tmp_path: Path) -> None:
    settings = settings_of(box, tmp_path)
    done = await run(write_csv(tmp_path / "list.csv", packs(4)), settings=settings)
    with pytest.raises(ConfigError) as caught:
        await decommission(done.run, expected=5, settings=settings)
    assert "4 serials" in explain(caught.value)
    back = await decommission(done.run, expected=4, settings=settings)
    assert back.outcomes["decommissioned"] == 4


async def test_errors_are_those_of_the_command(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        await check(tmp_path / "none.csv")
    assert isinstance(caught.value, ImporterError)
    assert (caught.value.exit_code, "none.csv" in explain(caught.value)) == (2, True)
    with pytest.raises(ConfigError):
        await run(tmp_path / "none.csv", settings={"limits": {"chunk_sice": 5}})


def test_to_import_the_package_loads_nothing_heavy() -> None:
    heavy = "('importer.', 'pandas', 'pyarrow')"
    code = f"import importer, sys; print(sorted(m for m in sys.modules if m.startswith({heavy})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"
    assert set(library._HOMES) <= set(dir(library))
    assert all(inspect.iscoroutinefunction(getattr(library, name)) for name in ("check", "run", "resume", "retry"))


def test_the_example_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "sample_data" / "notebook.py"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
        env={"PATH": "", "IMPORTER_LIMITS__QUOTA_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 3, done.stderr
    assert "586 rows, 563 serials to send in 4 requests" in done.stdout
    assert "100% of 563 serials" in done.stdout
    assert "sum right: True" in done.stdout
