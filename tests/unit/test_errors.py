"""One enum of exit codes, and which of several runs decides."""

from __future__ import annotations

import pytest

from importer.errors import AccessDenied, ConfigError, Exit, ImporterError, LedgerBusy, NoLedger, SourceError, worst


def test_the_run_that_went_worst_decides() -> None:
    order = [130, 1, 2, 75, 4, 5, 3, 0]  # CONTRACT, "Exit codes"
    assert [worst(order[place:]) for place in range(len(order))] == order
    assert worst([0, 129]) == Exit.HANGUP


@pytest.mark.parametrize(
    ("error", "code"),
    [(ImporterError, 1), (ConfigError, 2), (SourceError, 2), (NoLedger, 2), (AccessDenied, 4), (LedgerBusy, 75)],
)
def test_an_error_knows_its_exit_code(error: type[ImporterError], code: int) -> None:
    assert error("it went wrong").exit_code == code
