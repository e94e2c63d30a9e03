"""What can go wrong with the world, as exceptions. Bad data is no exception: it is a `Reject` (see model.py).

    ImporterError            1   an internal fault
    ├── ConfigError          2   usage, configuration, credentials that are not there
    ├── SourceError          2   a list that can't be read
    ├── LedgerError          1   the ledger is damaged, from a newer version, or can't be written
    │   ├── LedgerBusy      75   another process holds it
    │   ├── LedgerDamaged    1   it is not what was written, or not the latest state: nothing of it is shown or sent
    │   └── NoLedger         2   there is none at the path given, or none can be made there
    └── ApiError
        ├── Unavailable     75   the API can't be reached
        ├── AccessDenied     4   credentials refused
        └── ContractBroken   1   the API does what its documentation excludes

The number is the exit code of a command that ends with it. The cause (`raise … from cause`) is for the log.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any, Self

from importer.model import Message


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
    """`message` is for people (`words` says it); the text of the exception, for logs, is its code and values."""

    exit_code: int = Exit.FAULT

    def __init__(self, code: str, role: str = "", **values: Any) -> None:
        self.message = Message(code, role, values)
        told = ", ".join(f"{name}={value}" for name, value in values.items())
        super().__init__(f"{code} ({told})" if told else code)

    def names(self, file: str) -> bool:
        """Whether the message says which file it is about."""
        return any(str(value).startswith(file) for value in self.message.values.values())


class ConfigError(ImporterError):
    exit_code = Exit.USAGE


class SourceError(ImporterError):
    exit_code = Exit.USAGE
    headers: Sequence[str] = ()
    """Those that the list has, if it could be read but for the choice of its columns."""

    def with_headers(self, headers: Sequence[str]) -> Self:
        self.headers = tuple(headers)
        return self


class LedgerError(ImporterError):
    exit_code = Exit.FAULT


class LedgerBusy(LedgerError):  # noqa: N818  the trade says busy
    exit_code = Exit.TRY_AGAIN


class LedgerDamaged(LedgerError):  # noqa: N818  the trade says damaged
    """No fault of the command, and it may have sent something before it met the damage: so 1, not 2."""

    exit_code = Exit.FAULT


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
