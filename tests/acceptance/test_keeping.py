"""A copy of the ledger that is put back, and what is removed when its time is over."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from agreement import FAST
from boxes import Box
from commands import Importer
from conftest import StartBox
from lists import packs, write_csv
from readback import reports

from importer.ledger.sqlite.view import SqliteView


def received(box: Box) -> dict[tuple[str, str], int]:
    return {key: entry.received for key, entry in box.ledger().items()}


def test_a_backup_beside_a_running_import_is_whole_and_what_came_after_it_is_in_doubt(
    importer: Importer, sandbox: StartBox
) -> None:
    box = sandbox("commission:latency=1,seconds=0.1", "twice=error")
    env = {**box.env, **FAST, "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1"}
    first = write_csv(importer.cwd / "first.csv", packs(40))
    later = write_csv(importer.cwd / "later.csv", packs(8, prefix="L"))
    with importer.start("run", first, env=env) as running:
        running.wait_for("chunk")
        made = importer("backup", "copies/one.db", "--json", env=env)
        assert running.ended().code == 0
    copy = importer.cwd / "copies" / "one.db"
    assert made.json["sha256"] == hashlib.sha256(copy.read_bytes()).hexdigest()
    with SqliteView(copy) as view:
        known = sum(one.serials for one in view.chunks_by_key(1) if one.fate)
    assert 0 < known < 40
    assert importer("backup", copy, env=env).code == 2
    assert importer("run", later, env=env).code == 0

    before = received(box)
    for path in importer.cwd.glob("importer.db*"):
        if path.is_file() and not path.name.endswith("-anchor"):
            path.unlink()
    shutil.copy(copy, importer.cwd / "importer.db")
    for command in ("runs", "resume"):
        refused = importer(command, env=env)
        assert (refused.code, "is not the latest state" in refused.err) == (1, True)
    assert received(box) == before

    gone_on = importer("resume", "--accept-loss", env=env)
    assert "of later.csv is lost: import its list again" in gone_on.err
    assert gone_on.code == 5  # the API says of them that they exist, which may be this importer's own work
    assert importer("run", later, env=env).code == 5
    sent = {key for key, times in received(box).items() if times > before[key]}
    outcomes = [report.outcomes for report in reports(importer.cwd / "reports")]
    assert {"assigned": known, "unknown": 40 - known} in outcomes
    assert {"unknown": 8} in outcomes
    assert len(sent) == 48 - known
    assert importer("run", first, "--accept", "suspect_dates", env=env).code in {0, 5}
    assert received(box)[packs(1)[0][1], "S00001"] == 1


def test_a_backup_on_another_machine_knows_that_it_is_one(importer: Importer, sandbox: StartBox) -> None:
    env = {**sandbox().env, **FAST}
    assert importer("run", write_csv(importer.cwd / "list.csv", packs(4)), env=env).code == 0
    assert importer("backup", "other/importer.db", env=env).code == 0
    other = {**env, "IMPORTER_LEDGER__PATH": "other/importer.db"}
    assert importer("runs", "--json", env=other).json[0]["rows"] == 4
    refused = importer("run", importer.cwd / "list.csv", env=other)
    assert (refused.code, "is a backup" in refused.err) == (1, True)
    assert importer("resume", "--accept-loss", env=other).code == 0
    again = importer("run", importer.cwd / "list.csv", "--json", env=other)
    assert again.json["outcomes"]["already_assigned"] == 4


def test_what_is_past_its_retention_goes_and_what_is_assigned_is_recognised_still(
    importer: Importer, sandbox: StartBox
) -> None:
    env = {**sandbox().env, **FAST}
    past = {**env, "IMPORTER_LEDGER__KEEP_RUNS_DAYS": "0.0000001", "IMPORTER_REPORT__KEEP_DAYS": "0.0000001"}
    sound = write_csv(importer.cwd / "sound.csv", packs(4))
    assert importer("run", sound, env=env).code == 0
    assert importer("run", write_csv(importer.cwd / "wrong.csv", [("has space", *packs(1)[0][1:])]), env=env).code == 3
    assert importer("run", "--sandbox", sound, env=env).code == 0
    assert importer("prune", env=env).code == 2

    would = importer("prune", "--dry-run", "--json", env=past).json
    assert [one["what"] for one in would["removed"] if one["kind"] == "run"] == ["wrong.csv", "sound.csv"]
    assert len(importer("runs", "--json").json) == len(reports(importer.cwd / "reports")) == 3
    pruned = importer("prune", "--json", env=past).json
    assert {**pruned, "dry_run": True} == would
    assert not list((importer.cwd / "reports").iterdir())
    (kept,) = importer("runs", "--json").json
    assert kept["outcomes"]["assigned"] == 4
    assert importer("report", "last", env=env).code == 0
    assert importer("verify", "last", env=env).code == 0
    assert importer("run", sound, "--json", env=env).json["outcomes"]["already_assigned"] == 4


def test_a_backup_of_a_damaged_ledger_is_refused(importer: Importer, tmp_path: Path) -> None:
    assert importer("run", "--sandbox", write_csv(importer.cwd / "list.csv", packs(40))).code == 0
    path = importer.cwd / "importer.db"
    data = path.read_bytes()
    at = data.index(b"list.csv")
    path.write_bytes(data[:at] + b"tsil" + data[at + 4 :])
    refused = importer("backup", "copy.db")
    assert (refused.code, "is damaged: the runs" in refused.err) == (1, True)
    assert not list(importer.cwd.glob("*copy.db*"))
