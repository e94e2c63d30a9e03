"""pyproject.toml, the table of reasons and the lock say the same of each dependency."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def requirements(*extras: str) -> list[Requirement]:
    return [Requirement(one) for one in (*PROJECT["dependencies"], *(one for extra in extras for one in EXTRAS[extra]))]


def pins() -> dict[str, str]:
    lines = (ROOT / ".ci" / "constraints.txt").read_text("utf-8").splitlines()
    found = (line.partition(" ;")[0].split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version.strip() for name, version in found}


def test_each_dependency_has_its_reason_in_the_table() -> None:
    text = (ROOT / "importer" / "README.md").read_text("utf-8").partition("## Dependencies")[2]
    reasons = dict(re.findall(r"^\| ([a-z][\w-]*) \| (.+) \|$", text, re.MULTILINE))
    reasons.pop("package")
    shipped = [extra for extra in EXTRAS if extra != "dev"]
    assert set(reasons) == {canonicalize_name(one.name) for one in requirements(*shipped)}


def test_the_lock_holds_each_dependency_in_a_version_that_is_allowed() -> None:
    locked = pins()
    needed = [one for one in requirements(*EXTRAS) if one.marker is None or one.marker.evaluate()]
    assert [
        str(one) for one in needed if not one.specifier.contains(locked.get(canonicalize_name(one.name), "0"))
    ] == []


def test_each_dependency_has_a_lowest_version_that_ci_tests() -> None:
    done = subprocess.run([sys.executable, ROOT / ".ci" / "lowest.py"], capture_output=True, text=True, check=True)
    tested = {canonicalize_name(Requirement(line).name) for line in done.stdout.split()}
    wanted = (one for one in requirements("otel", "postgres") if one.marker is None)
    assert tested == {canonicalize_name(one.name) for one in wanted}
