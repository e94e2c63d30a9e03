"""A system without POSIX can't be tried here: the importer runs without the modules that such a one lacks. What locks a
file there (msvcrt, by filelock) is stood for by what locks it here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lists import packs, write_csv

WITHOUT = """
import builtins
known = builtins.__import__
LACKS = {"fcntl", "resource", "pwd", "grp", "termios", "tty"}
def imported(name, globals=None, *rest, **named):
    if name in LACKS and str((globals or {}).get("__name__", "")).startswith("importer"):
        raise ImportError(name)
    return known(name, globals, *rest, **named)
builtins.__import__ = imported
"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """The environment of a Python whose importer finds none of these modules."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(WITHOUT)
    env = {name: value for name, value in os.environ.items() if not name.startswith("IMPORTER_")}
    return env | {"PYTHONPATH": os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))}


@pytest.mark.parametrize("command", [["check", "list.csv"], ["run", "list.csv", "--sandbox"], ["serve", "--help"]])
def test_the_importer_runs_without_the_modules_that_windows_lacks(
    command: list[str], elsewhere: dict[str, str], tmp_path: Path
) -> None:
    write_csv(tmp_path / "list.csv", packs(5))
    whole = [sys.executable, "-m", "importer", *command]
    done = subprocess.run(whole, cwd=tmp_path, env=elsewhere, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
