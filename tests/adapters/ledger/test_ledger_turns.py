from __future__ import annotations

from pathlib import Path

import pytest
from ledger_builders import looking, staged_run

from importer.ledger.sqlite import store
from importer.ledger.sqlite.ledger import SqliteLedger
from importer.model import RunState


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "importer.db"


async def test_runs_are_in_the_order_of_their_stagings_and_ends_whatever_the_clock_says(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter(range(60, 0, -1))  # a clock that runs backwards
    monkeypatch.setattr(store, "now", lambda: f"2026-11-22T07:15:{next(moments):02}.000Z")
    with SqliteLedger(path) as ledger, looking(path) as view:
        before = staged_run(ledger, number=1)
        await ledger.ended(before, RunState.FINISHED, 0, None, 1.0)
        run = staged_run(ledger, number=2)
        after = staged_run(ledger, number=3)
        await ledger.ended(after, RunState.FINISHED, 0, None, 1.0)
        assert list(view.active_since(view.run_by_num(run))) == [after]
