"""What the README shows works as it stands there."""

import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from commands import Importer

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
CONSOLE = [
    line.removeprefix("$ importer ")
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]
SAMPLES = re.findall(r"^\| `(sample_data/[^`]+)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", README, re.MULTILINE)


@pytest.fixture
def at_home(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "sample_data", tmp_path / "sample_data")
    (tmp_path / "inbox").mkdir()
    return tmp_path


def test_there_is_something_to_run() -> None:
    assert len(CONSOLE) >= 8
    assert len(SAMPLES) == 3


@pytest.mark.parametrize("line", [line for line in CONSOLE if not line.startswith(("resume", "verify", "runs"))])
def test_a_command_of_the_readme_runs(line: str, at_home: Path, importer: Importer) -> None:
    result = importer(*shlex.split(line), cwd=at_home)
    assert result.code in {0, 3}, result.err


def test_the_commands_that_need_a_run_find_one(at_home: Path, importer: Importer) -> None:
    run = importer("run", "--sandbox", "sample_data/clean.csv", "--json", cwd=at_home).json["run"]
    assert importer("runs", "--json", cwd=at_home).code == 0
    assert importer("verify", run, cwd=at_home).code == 0


@pytest.mark.parametrize("promise", SAMPLES, ids=lambda promise: promise[0])
def test_a_sample_gives_what_the_readme_promises(promise: Sequence[str], at_home: Path, importer: Importer) -> None:
    sample, *numbers = promise
    result = importer("run", "--sandbox", sample, "--json", cwd=at_home)
    outcomes = result.json["outcomes"]
    found = [result.json["source"]["rows"], *(outcomes[name] for name in ("assigned", "duplicate", "rejected"))]
    assert [*found, result.code] == [int(number) for number in numbers]
