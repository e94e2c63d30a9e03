"""The commands around the planners' page: serve it, say who may use it. Heavy parts are imported by the command."""

# ruff: noqa: PLC0415  `importer --help` answers at once

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from importer.cli.app import app, box
from importer.cli.options import Config, Debug, InSandbox, LedgerPath, ReportDir, SandboxOption


@app.command()
def serve(
    host: Annotated[str | None, typer.Option("--host", help="Where to listen.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option("--port", help="0: a free one.  [default: 8700]")] = None,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="Certificate chain (PEM), for https.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="Its key (PEM).")] = None,
    config: Config = None,
    ledger: LedgerPath = None,
    report_dir: ReportDir = None,
    sandbox: InSandbox = False,
    sandbox_option: SandboxOption = None,
    debug: Debug = False,
) -> None:
    """The planners' web page."""
    from importer.cli.serve import serve_page
    from importer.cli.setup import Setup

    setup = Setup.load(config, ledger, report_dir, debug=debug)
    raise typer.Exit(serve_page(setup, host, port, (tls_cert, tls_key), box(sandbox, sandbox_option)))


user = typer.Typer(help="Who may use the planners' page.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(user, name="user")
UserName = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]


@user.command("add")
def user_add(name: UserName, config: Config = None, ledger: LedgerPath = None) -> None:
    """Add a user, or give one a new password: asked for on a terminal, else the first line of stdin."""
    from importer.cli.serve import add_user
    from importer.cli.setup import Setup

    raise typer.Exit(add_user(Setup.load(config, ledger, None), name))


@user.command("remove")
def user_remove(name: UserName, config: Config = None, ledger: LedgerPath = None) -> None:
    """Remove a user, who is logged out at once."""
    from importer.cli.serve import remove_user
    from importer.cli.setup import Setup

    raise typer.Exit(remove_user(Setup.load(config, ledger, None), name))


@user.command("list")
def user_list(config: Config = None, ledger: LedgerPath = None) -> None:
    """List the users."""
    from importer.cli.serve import list_users
    from importer.cli.setup import Setup

    raise typer.Exit(list_users(Setup.load(config, ledger, None)))
