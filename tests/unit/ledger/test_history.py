"""What a run says of rows that a later one has, too: which of them are sent, and how."""

from __future__ import annotations

import numpy as np
import pytest

from importer.ledger.history import Found
from importer.model import Batch
from importer.reconcile import EarlierOutcome

SAYS = {
    "assigned_as_it_is": (True, EarlierOutcome.ASSIGNED, "already"),
    "assigned_in_another_batch": (False, EarlierOutcome.ASSIGNED, "conflicting"),
    "unknown_as_it_is": (True, EarlierOutcome.UNKNOWN, "doubtful"),
    "unknown_in_another_batch": (False, EarlierOutcome.UNKNOWN, "conflicting"),
    "in_doubt_as_it_is": (True, EarlierOutcome.DOUBT, "doubtful"),
    "in_doubt_in_another_batch": (False, EarlierOutcome.DOUBT, "doubtful"),
}


@pytest.mark.parametrize(("same", "says", "expected"), SAYS.values(), ids=SAYS.keys())
def test_each_row_that_an_earlier_run_has_is_one_thing(same: bool, says: EarlierOutcome, expected: str) -> None:
    batches = {1: Batch("09520001010019", "B1", "291130")}
    row = Found("run", batches, np.array([5]), np.array([1]), np.array([same]), np.array([says], np.uint8))
    kinds = {"already": row.already, "doubtful": row.doubtful, "conflicting": row.conflicting}
    assert [name for name, mask in kinds.items() if mask.all()] == [expected]
