"""A few damages of real ledgers, through the commands: the small version of the run that the README tells of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "damage.py"


def test_no_command_shows_or_sends_what_a_damaged_ledger_makes_up(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--damages", "6", "--seed", "9", "--processes", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("6 damages of seed 9 in ")
    assert done.stdout.rstrip().endswith("0 wrong")
