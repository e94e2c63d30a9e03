from __future__ import annotations

from pathlib import Path

import pytest

from importer.web.space import RESERVE, DiskFull, ShareUsed, Space

MEGABYTE = 1 << 20


def space(megabytes: int, share: int = 1000) -> Space:
    """A disk that has so much room beside what the ledger needs."""
    return Space(Path(), share * MEGABYTE, lambda _: RESERVE + megabytes * MEGABYTE)


def test_what_is_promised_to_one_is_not_promised_to_another() -> None:
    room = space(100)
    with room.promise("anna", 60 * MEGABYTE, 0):
        with pytest.raises(DiskFull), room.promise("bert", 60 * MEGABYTE, 0):
            pass
        with room.promise("bert", 40 * MEGABYTE, 0):
            pass
    with room.promise("bert", 100 * MEGABYTE, 0):
        pass


def test_what_has_been_written_is_not_counted_twice() -> None:
    free = [RESERVE + 100 * MEGABYTE]
    room = Space(Path(), 1000 * MEGABYTE, lambda _: free[0])
    with room.promise("anna", 60 * MEGABYTE, 0) as promise:
        room.use(promise, 60 * MEGABYTE, 0)
        free[0] -= 60 * MEGABYTE
        with room.promise("bert", 40 * MEGABYTE, 0):
            pass


def test_an_upload_of_unknown_length_is_promised_room_as_it_grows() -> None:
    free = [RESERVE + 40 * MEGABYTE]
    room = Space(Path(), 1000 * MEGABYTE, lambda _: free[0])
    with room.promise("anna", 0, 0) as promise:
        room.use(promise, MEGABYTE, 0)
        with pytest.raises(DiskFull), room.promise("bert", 30 * MEGABYTE, 0):
            pass
        room.use(promise, 30 * MEGABYTE, 0)
        free[0] -= 31 * MEGABYTE
        with pytest.raises(DiskFull):
            room.use(promise, 16 * MEGABYTE, 0)


def test_one_person_can_not_take_the_room_of_all() -> None:
    room = space(1000, share=100)
    with room.promise("anna", 60 * MEGABYTE, 30 * MEGABYTE):
        with pytest.raises(ShareUsed), room.promise("anna", 11 * MEGABYTE, 30 * MEGABYTE):
            pass
        with room.promise("bert", 100 * MEGABYTE, 0):
            pass
