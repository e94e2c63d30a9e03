"""Files that mean harm end in one line, soon, and within their limits; the next file gets its turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_files import FILES, ODD, SOUND
from saying import said

from importer.errors import SourceError
from importer.readers import opening
from importer.readers.starting import Ended
from importer.sources.options import SourceOptions

_MOST_MEMORY = 400 << 10
"""kB of one process."""
_MOST_CPU = 32.0
"""Seconds: the default limit for a file of a megabyte, which is the largest here that needs to meet it."""
_LONGEST = 1000
_VALUES = SourceOptions(gtin="09520001010019", batch="B1", expiry="271130")


@pytest.fixture
def ends() -> Iterator[list[Ended]]:
    found: list[Ended] = []
    with opening.heard_of_ends(lambda _name, ended: found.append(ended)):
        yield found


def read(path: Path, options: SourceOptions) -> int:
    return sum(rows.table.num_rows for rows in opening.open_source(path, options))


def file(directory: Path, name: str, data: bytes) -> Path:
    path = directory / f"{name[:60]}.{name.rpartition('.')[2]}".replace("/", "_")
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", SOUND)
def test_what_hostile_files_are_made_of_is_read(name: str, tmp_path: Path) -> None:
    assert read(file(tmp_path, name, SOUND[name]()), SourceOptions()) == 1


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_in_one_line(name: str, tmp_path: Path, ends: list[Ended]) -> None:
    options = _VALUES if "one column" in name else SourceOptions()
    with pytest.raises(SourceError) as refused:
        read(file(tmp_path, name, FILES[name]()), options)
    _must_be_one_line(said(refused.value))
    _must_be_within_limits(ends)


@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_is_read_or_refused_in_one_line(name: str, tmp_path: Path, ends: list[Ended]) -> None:
    try:
        read(file(tmp_path, name, ODD[name]()), SourceOptions())
    except SourceError as refused:
        _must_be_one_line(said(refused))
    _must_be_within_limits(ends)


def _must_be_one_line(text: str) -> None:
    assert text.isprintable()
    assert len(text) < _LONGEST
    assert "internal" not in text


def _must_be_within_limits(ends: list[Ended]) -> None:
    (ended,) = ends
    assert ended.peak_kilobytes < _MOST_MEMORY
    assert ended.cpu_seconds < _MOST_CPU
