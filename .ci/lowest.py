"""Print the lowest version of each dependency that pyproject.toml allows, as requirements: `aiohttp==3.12 …`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_BOUND = re.compile(r"([\w-]+(?:\[\w+\])?)>=([\w.]+)")

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
extras = project["optional-dependencies"]
for requirement in (*project["dependencies"], *extras["otel"], *extras["postgres"]):
    bare, _, marker = requirement.partition(";")
    found = _BOUND.fullmatch(bare.strip())
    if found and not marker:
        print(f"{found[1]}=={found[2]}")
