"""Which run a word on the command line means."""

from __future__ import annotations

from importer.errors import ConfigError
from importer.ledger.view import Run, View

LAST = "last"
_SHORTEST = 4
_MOST_SHOWN = 5


def named_run(view: View, text: str) -> Run:
    """The run with this id, or `last`, or the only one whose id begins or ends so. Raises ConfigError."""
    runs = view.runs()
    if not runs:
        raise ConfigError(f"there is no run {text!r} in ledger {view.path}, which holds none at all")
    if text == LAST:
        return runs[-1]
    found = [run for run in runs if run.id == text]
    if not found and len(text) >= _SHORTEST:
        found = [run for run in runs if run.id.startswith(text) or run.id.endswith(text)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(run.id for run in found[:_MOST_SHOWN])
        more = f" and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
        raise ConfigError(f"{text!r} means {len(found)} runs, {ids}{more}: write more of the id")
    raise ConfigError(f"there is no run {text!r} in ledger {view.path}: `importer runs` lists them")
