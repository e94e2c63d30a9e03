"""A reader that is started for one list and forked from nothing: where readers can't be forked (macOS, Windows)."""

from __future__ import annotations

import os
from typing import NoReturn

from importer.readers import child
from importer.runtime import loaded


def main() -> NoReturn:
    """The job comes by standard input, frames go to standard output."""
    loaded()
    frames = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    child.serve(0, frames)
