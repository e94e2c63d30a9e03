"""Which run a word on the command line means."""

from __future__ import annotations

from importer.errors import ConfigError
from importer.ledger.ports import View
from importer.ledger.records import Run

LAST = "last"
_SHORTEST = 4
_MOST_SHOWN = 5


def named_run(view: View, text: str) -> Run:
    """The run with this id, or `last`, or the only one whose id begins or ends so. Raises ConfigError."""
    runs = view.runs()
    if not runs:
        raise ConfigError("run_missing", case="none_at_all", run=text, path=view.place)
    if text == LAST:
        return runs[-1]
    found = [run for run in runs if run.id == text]
    if not found and len(text) >= _SHORTEST:
        found = [run for run in runs if run.id.startswith(text) or run.id.endswith(text)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = [run.id for run in found[:_MOST_SHOWN]]
        more = [len(found) - _MOST_SHOWN] if len(found) > _MOST_SHOWN else []
        raise ConfigError("run_ambiguous", run=text, n=len(found), runs=[*ids, *more])
    raise ConfigError("run_missing", run=text, path=view.place)
