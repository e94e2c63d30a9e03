from __future__ import annotations

import pytest

from importer.cli.libraries import known_faults
from importer.ledger.sqlite_version import may_lose_commits


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 44, 5), (3, 45, 9), (3, 50, 6), (3, 51, 2)])
def test_a_sqlite_with_the_wal_reset_bug_is_known(version: tuple[int, ...]) -> None:
    assert may_lose_commits(version)


@pytest.mark.parametrize("version", [(3, 44, 6), (3, 50, 7), (3, 51, 3), (3, 53, 0), (4, 0, 0)])
def test_a_sqlite_without_it_is_known(version: tuple[int, ...]) -> None:
    assert not may_lose_commits(version)


@pytest.mark.parametrize(
    ("expat", "told"), [((2, 5, 0), True), ((2, 7, 1), True), ((2, 7, 2), False), ((2, 8, 1), False)]
)
def test_an_old_expat_is_told_of(expat: tuple[int, ...], told: bool) -> None:
    assert [fault.code for fault in known_faults(expat, sqlite=False)] == ["doctor_expat_fault"] * told


def test_nothing_is_told_of_what_is_sound() -> None:
    assert list(known_faults((3, 0, 0), sqlite=False)) == []
