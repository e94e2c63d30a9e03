"""ledger: what is done to a ledger as a whole."""

from __future__ import annotations

from dataclasses import replace

import typer

from importer.cli.options import Where
from importer.cli.setup import Setup
from importer.cli.times import moment_of
from importer.errors import Exit
from importer.flow.copying import copy_ledger
from importer.ledger.opening import migrate, put_in_doubt


def copy(where: Where, source: str, target: str) -> int:
    """Raises what `copy_ledger` raises, and ConfigError for a URL that no ledger could have."""
    setup, there = (Setup.load(replace(where, ledger=given)) for given in (source, target))
    copied = copy_ledger(setup.ledger, there.ledger)
    values = {"runs": copied.runs, "rows": copied.rows, "serials": copied.serials}
    typer.echo(setup.language.told("ledger_copied", source=source, target=target, **values))
    return Exit.DONE


def migrate_ledger(setup: Setup) -> int:
    """Raises NoLedger where there is none."""
    settings = setup.settings.ledger
    before, after = migrate(settings.path, settings.url)
    code = "ledger_migrated" if before != after else "ledger_up_to_date"
    typer.echo(setup.language.told(code, path=str(setup.ledger), before=before, after=after))
    return Exit.DONE


def doubt(setup: Setup, since: str) -> int:
    """Raises ConfigError for a `since` that is no time."""
    chunks = put_in_doubt(setup.settings.ledger.url, moment_of(since))
    typer.echo(setup.language.told("ledger_doubted", n=chunks))
    return Exit.DONE
