"""What can go wrong with the world, as exceptions. Bad data is no exception: it is a `Reject` (see model.py).

    ImporterError            1   an internal fault
    ├── ConfigError          2   usage, configuration, credentials that are not there
    ├── SourceError          2   a list that can't be read
    ├── LedgerError          1   the ledger is damaged, from a newer version, or can't be written
    │   ├── LedgerBusy      75   another process holds it
    │   └── NoLedger         2   there is none at the path given, or none can be made there
    └── ApiError
        ├── Unavailable     75   the API can't be reached
        ├── AccessDenied     4   credentials refused
        └── ContractBroken   1   the API does what its documentation excludes

The number is the exit code of a command that ends with it. A message is one line in a planner's words: what was found,
where, what was expected, what to do. The cause (`raise … from cause`) is for the log.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum


class Exit(IntEnum):
    """What a command ends with (CONTRACT, "Exit codes")."""

    DONE = 0
    """Every row is assigned, or repeats one that is."""
    FAULT = 1
    """An internal fault; whatever was recorded is kept."""
    USAGE = 2
    """Usage, configuration, or a source that can't be read: nothing was sent."""
    WRONG_ROWS = 3
    """Finished; some rows were rejected or refused, or unsent since their product is not registered."""
    STOPPED = 4
    """Stopped early: rows are unsent, `resume` goes on."""
    UNKNOWN_ROWS = 5
    """Finished; some rows are unknown."""
    TRY_AGAIN = 75
    """Another process holds the ledger, or the API can't be reached."""
    HANGUP = 129
    """Interrupted by SIGHUP, cleanly."""
    INTERRUPTED = 130
    """Interrupted by SIGINT, cleanly."""
    TERMINATED = 143
    """Interrupted by SIGTERM, cleanly."""


BY_SIGNAL = frozenset({Exit.HANGUP, Exit.INTERRUPTED, Exit.TERMINATED})
_WORST_FIRST = (
    *(Exit.INTERRUPTED, Exit.TERMINATED, Exit.HANGUP, Exit.FAULT, Exit.USAGE, Exit.TRY_AGAIN, Exit.STOPPED),
    *(Exit.UNKNOWN_ROWS, Exit.WRONG_ROWS, Exit.DONE),
)


def worst(codes: Iterable[int]) -> Exit:
    """What a command with several runs ends with. A signal ends the whole command, so it comes first."""
    return min(map(Exit, codes), key=_WORST_FIRST.index)


class ImporterError(Exception):
    exit_code: int = Exit.FAULT


class ConfigError(ImporterError):
    exit_code = Exit.USAGE


class SourceError(ImporterError):
    """`headers` are those that the list has, where it could be read but for the choice of its columns."""

    exit_code = Exit.USAGE

    def __init__(self, message: str, headers: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.headers = tuple(headers)


class LedgerError(ImporterError):
    exit_code = Exit.FAULT


class LedgerBusy(LedgerError):  # noqa: N818  the trade says busy
    exit_code = Exit.TRY_AGAIN


class NoLedger(LedgerError):  # noqa: N818  there is none
    exit_code = Exit.USAGE


class ApiError(ImporterError):
    exit_code = Exit.FAULT


class Unavailable(ApiError):  # noqa: N818  an API is unavailable
    exit_code = Exit.TRY_AGAIN


class AccessDenied(ApiError):  # noqa: N818  access is denied
    exit_code = Exit.STOPPED


class ContractBroken(ApiError):  # noqa: N818  a contract is broken
    exit_code = Exit.FAULT
