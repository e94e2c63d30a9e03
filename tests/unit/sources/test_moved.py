"""A list that `watch` has put away is found again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from importer.sources.moved import find_again

CONTENT = b"Serial\nS1\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def put(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["list.csv", "list-2.csv", "list-17.csv"])
def test_a_list_that_was_moved_is_known_by_its_content(name: str, tmp_path: Path) -> None:
    put(tmp_path / "done" / "list.csv", b"Serial\nS2\n")
    moved = put(tmp_path / "done" / name)
    assert find_again(tmp_path / "list.csv", SHA256, len(CONTENT)) == moved


def test_what_is_at_its_place_is_taken_for_the_list(tmp_path: Path) -> None:
    there = put(tmp_path / "list.csv", b"changed since")
    put(tmp_path / "done" / "list.csv")
    assert find_again(there, SHA256, len(CONTENT)) == there


def test_a_list_that_is_nowhere_is_not_found(tmp_path: Path) -> None:
    put(tmp_path / "done" / "other.csv")
    put(tmp_path / "failed" / "list.csv", b"Serial\nS3\n")
    assert find_again(tmp_path / "list.csv", SHA256, len(CONTENT)) is None


def test_a_name_is_no_pattern(tmp_path: Path) -> None:
    put(tmp_path / "done" / "list1.csv")
    assert find_again(tmp_path / "list[1].csv", SHA256, len(CONTENT)) is None
    moved = put(tmp_path / "done" / "list[1].csv")
    assert find_again(tmp_path / "list[1].csv", SHA256, len(CONTENT)) == moved
