"""Commission pharma serial numbers in bulk, also from a program or a notebook.

    from importer import check, run

    found = await check("list.xlsx")
    done = await run("list.xlsx", progress=print)
    done.frame()

The functions do what the commands of the same names do, by the same configuration, ledger and reports (library/).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importer.errors import (
        AccessDenied as AccessDenied,
    )
    from importer.errors import (
        ApiError as ApiError,
    )
    from importer.errors import (
        ConfigError as ConfigError,
    )
    from importer.errors import (
        ContractBroken as ContractBroken,
    )
    from importer.errors import (
        ImporterError as ImporterError,
    )
    from importer.errors import (
        LedgerBusy as LedgerBusy,
    )
    from importer.errors import (
        LedgerError as LedgerError,
    )
    from importer.errors import (
        NoLedger as NoLedger,
    )
    from importer.errors import (
        SourceError as SourceError,
    )
    from importer.errors import (
        Unavailable as Unavailable,
    )
    from importer.library.calls import (
        check as check,
    )
    from importer.library.calls import (
        decommission as decommission,
    )
    from importer.library.calls import (
        result as result,
    )
    from importer.library.calls import (
        resume as resume,
    )
    from importer.library.calls import (
        retry as retry,
    )
    from importer.library.calls import (
        run as run,
    )
    from importer.library.calls import (
        runs as runs,
    )
    from importer.library.progress import Progress as Progress
    from importer.library.results import (
        Checked as Checked,
    )
    from importer.library.results import (
        Result as Result,
    )
    from importer.library.results import (
        Row as Row,
    )
    from importer.library.results import (
        RunLine as RunLine,
    )
    from importer.library.results import (
        explain as explain,
    )
    from importer.model import Outcome as Outcome

_ERRORS = (
    *("AccessDenied", "ApiError", "ConfigError", "ContractBroken", "ImporterError", "LedgerBusy", "LedgerError"),
    *("NoLedger", "SourceError", "Unavailable"),
)
_HOMES = {
    **dict.fromkeys(_ERRORS, "importer.errors"),
    **dict.fromkeys(("check", "decommission", "result", "resume", "retry", "run", "runs"), "importer.library.calls"),
    **dict.fromkeys(("Checked", "Result", "Row", "RunLine", "explain"), "importer.library.results"),
    "Progress": "importer.library.progress",
    "Outcome": "importer.model",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for: a command imports this package first, and most of them need none of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  likewise

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
