import ast
import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import importer.sandbox
from importer.sandbox import read_requests

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
