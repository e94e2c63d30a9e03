import ast
import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from sandbox_client import GTIN, JSON, order

import importer.sandbox
from importer.sandbox import Settings, read_ledger, read_requests

COMMAND = [sys.executable, "-m", "importer.sandbox"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_as_a_process_of_its_own_until_it_is_told_to_end(number: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "box.db"
    with subprocess.Popen([*COMMAND, "--port", "0", f"ledger={path}"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        started = json.loads(process.stdout.readline())
        with urllib.request.urlopen(started["url"] + "/_sandbox/health", timeout=10) as answer:
            health = json.load(answer)
        process.send_signal(number)
        assert process.wait(10) == 0
    assert started["pid"] == process.pid
    assert health["ok"]
    assert read_requests(path) == []


def test_what_it_has_taken_outlives_its_death(tmp_path: Path) -> None:
    path = tmp_path / "box.db"
    with subprocess.Popen([*COMMAND, f"ledger={path}"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"] + Settings().commission_path
        headers = {"x-access-token": "sandbox-token", "x-channel-key": "sandbox-channel", **JSON}
        request = urllib.request.Request(url, json.dumps(order("A1")).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
        process.kill()
    assert read_ledger(path)[GTIN, "A1"].confirmed == 1
    assert [visit.status for visit in read_requests(path)] == [200]


def test_a_ledger_that_cannot_be_opened_ends_it_with_a_message(tmp_path: Path) -> None:
    ended = subprocess.run(
        [*COMMAND, f"ledger={tmp_path / 'no' / 'box.db'}"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert "unable to open database file" in ended.stderr


def test_a_wrong_option_ends_it_with_a_message() -> None:
    ended = subprocess.run([*COMMAND, "twise=error"], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "did you mean 'twice'?" in ended.stderr


def test_its_help_tells_of_every_knob() -> None:
    ended = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True)
    assert "twice_other" in ended.stdout
    assert "CLASS:KIND=WHEN" in ended.stdout


def test_it_imports_nothing_of_the_rest_of_the_importer() -> None:
    imported = set()
    for file in Path(importer.sandbox.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
            elif isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
    ours = {name for name in imported if name.split(".")[0] == "importer"}
    assert {name for name in ours if not name.startswith("importer.sandbox")} == set()
