"""What is said of a system that does not keep readers to their lists."""

from importer.readers.protection import Locks, Protection


def test_what_does_not_hold_is_named() -> None:
    held = Protection(Locks(), other_files=False, writing=True, network=True, processes=True, memory=False, cpu=True)
    assert held.missing == ["other_files", "memory"]
    assert not held.whole
