"""How a reader ended, as a planner is told."""

from __future__ import annotations

import signal

import pytest
from saying import said

from importer.readers import endings
from importer.readers.limits import Allowance
from importer.readers.starting import Ended

_ALLOWED = Allowance(300 << 20, 20, 30.0)


@pytest.mark.parametrize(
    ("ended", "says"),
    [
        pytest.param(Ended(-signal.SIGABRT), "it needs more than 300 MB, or is damaged", id="abort"),
        pytest.param(Ended(3), "it needs more than 300 MB, or is damaged", id="no memory for last words"),
        pytest.param(Ended(-signal.SIGSEGV), "is damaged: reading it ended with SIGSEGV", id="segmentation fault"),
        pytest.param(Ended(-signal.SIGBUS), "is damaged: reading it ended with SIGBUS", id="bus error"),
        pytest.param(Ended(-signal.SIGXCPU), "could not be read within 20 seconds of computing", id="computing time"),
        pytest.param(Ended(-signal.SIGKILL, 0, 21.0), "could not be read within 20 seconds", id="time, unheard"),
        pytest.param(Ended(-signal.SIGKILL), "the system ended its reader (SIGKILL)", id="killed"),
        pytest.param(Ended(-signal.SIGRTMAX), "ended with SIGRTMAX", id="a signal of another kind"),
        pytest.param(Ended(77), "answered what no reader answers (status 77)", id="a status that there is not"),
    ],
)
def test_each_end_has_its_sentence(ended: Ended, says: str) -> None:
    error = endings.ended("list.xlsx", ended, _ALLOWED)
    assert says in said(error)
    assert said(error).startswith("list.xlsx ")
    assert "\n" not in said(error)
    assert error.exit_code == 2
