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

from collections.abc import Sequence


class ImporterError(Exception):
    exit_code = 1


class ConfigError(ImporterError):
    exit_code = 2


class SourceError(ImporterError):
    """`headers` are those that the list has, where it could be read but for the choice of its columns."""

    exit_code = 2

    def __init__(self, message: str, headers: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.headers = tuple(headers)


class LedgerError(ImporterError):
    exit_code = 1


class LedgerBusy(LedgerError):  # noqa: N818  the trade says busy
    exit_code = 75


class NoLedger(LedgerError):  # noqa: N818  there is none
    exit_code = 2


class ApiError(ImporterError):
    exit_code = 1


class Unavailable(ApiError):  # noqa: N818  an API is unavailable
    exit_code = 75


class AccessDenied(ApiError):  # noqa: N818  access is denied
    exit_code = 4


class ContractBroken(ApiError):  # noqa: N818  a contract is broken
    exit_code = 1
