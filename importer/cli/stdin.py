"""A list that comes through a pipe: `-` among the files of a command."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

STDIN = Path("-")


@contextmanager
def with_stdin(files: Sequence[Path], directory: Path) -> Iterator[list[Path]]:
    """The files, with a copy of stdin in the place of `-`; the copy is made in a directory and goes with the block.

    Its content tells of what kind it is, as of any list.
    """
    if STDIN not in files:
        yield list(files)
        return
    with tempfile.TemporaryDirectory(dir=directory, prefix=".importer-stdin-") as place:
        copy = Path(place) / "stdin"
        with copy.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
        yield [copy if path == STDIN else path for path in files]
