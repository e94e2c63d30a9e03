"""One importer at a time writes into a ledger; whoever only looks is not kept out."""

from __future__ import annotations

import signal

from commands import Importer
from conftest import StartBox
from lists import packs, write_csv
from test_signals import STALLED


def test_a_second_importer_ends_at_once_and_names_the_holder(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox()
    first, second = (write_csv(importer.cwd / f"{prefix}.csv", packs(20, prefix=prefix)) for prefix in "AB")
    with importer.start("run", first, env={**box.env, **STALLED}) as running:
        running.wait_for("chunk")
        refused = importer("run", second, env=box.env)
        (run,) = importer("runs", "--json").json
        status = importer("status", run["run"], "--json").json
        running.send(signal.SIGTERM)
        running.ended()

    assert refused.code == 75
    (line,) = refused.errors
    assert line.startswith(f"importer: Ledger importer.db is in use by process {running.pid} on ")
    assert line.endswith("Try again when that one has ended.")
    assert {key[1][0] for key in box.ledger()} == {"A"}
    assert (run["state"], run["outcomes"]["assigned"], status["to_send"]) == ("running", 5, 15)
