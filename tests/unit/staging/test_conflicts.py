import numpy as np

from importer.model import Reject
from importer.staging.standings import Conflicts


def explain(serial: str, group: int, one: int, other: int) -> Reject:
    return Reject("code", "", {"all": [serial, group, one, other]})


def numbers(*values: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array(values, np.int64)


def test_a_reject_is_worded_from_what_was_noted() -> None:
    conflicts = Conflicts()
    conflicts.add(numbers(7, 3), numbers(70, 30), numbers(71, 31), explain)
    assert conflicts.reject(3, "A1", 5) == Reject("code", "", {"all": ["A1", 5, 30, 31]})
    assert [conflicts.reject(ordinal, "A1", 5) for ordinal in (0, 5, 9)] == [None] * 3


def test_of_a_row_that_is_added_again_the_last_reason_holds() -> None:
    conflicts = Conflicts()
    conflicts.add(numbers(3, 1), numbers(1, 1), numbers(0, 0), explain)
    assert conflicts.reject(3, "A1", 0) == Reject("code", "", {"all": ["A1", 0, 1, 0]})
    conflicts.add(numbers(3), numbers(2), numbers(0), lambda *_: Reject("later"))
    assert conflicts.reject(3, "A1", 0) == Reject("later")
    assert conflicts.ordinals().tolist() == [1, 3]


def test_nothing_added_is_no_reason() -> None:
    assert Conflicts().reject(0, "A1", 0) is None
