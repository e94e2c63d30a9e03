"""The commands and their options, as the contract has them. Heavy parts are imported by the command that needs them."""

from __future__ import annotations

# ruff: noqa: PLC0415  `importer --help` answers at once
from pathlib import Path
from typing import Annotated

import typer

from importer.cli.options import (
    Batch,
    Config,
    Debug,
    Encoding,
    Expiry,
    Files,
    FillDown,
    Given,
    Gtin,
    InSandbox,
    Json,
    LedgerPath,
    Map,
    MaxDuration,
    Priority,
    ReportDir,
    RunId,
    SandboxOption,
    Sheet,
    StopAt,
)

# ruff: noqa: PLC0415  `importer --help` answers at once


app = typer.Typer(
    name="importer",
    help="Commission pharma serial numbers in bulk: every row of a list ends in exactly one outcome.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def run(
    files: Files,
    gtin: Gtin = None,
    batch: Batch = None,
    expiry: Expiry = None,
    sheet: Sheet = None,
    columns: Map = None,
    fill_down: FillDown = False,
    encoding: Encoding = None,
    config: Config = None,
    ledger: LedgerPath = None,
    report_dir: ReportDir = None,
    max_duration: MaxDuration = None,
    stop_at: StopAt = None,
    priority: Priority = False,
    sandbox: InSandbox = False,
    sandbox_option: SandboxOption = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Stage, submit, report. One run per file; a file whose run stopped early goes on."""
    from importer.cli.run import run_files
    from importer.cli.setup import Setup

    setup = Setup.load(config, ledger, report_dir, debug=debug, as_json=as_json)
    given = Given(gtin, batch, expiry, sheet, columns or [], fill_down=fill_down, encoding=encoding)
    raise typer.Exit(
        run_files(setup, files, given, limits(max_duration, stop_at, priority), box(sandbox, sandbox_option))
    )


@app.command()
def check(
    files: Files,
    gtin: Gtin = None,
    batch: Batch = None,
    expiry: Expiry = None,
    sheet: Sheet = None,
    columns: Map = None,
    fill_down: FillDown = False,
    encoding: Encoding = None,
    config: Config = None,
    ledger: LedgerPath = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Stage only: show batches, problems, and what a run would cost. Sends nothing, keeps nothing."""
    from importer.cli.check import check_files
    from importer.cli.setup import Setup

    setup = Setup.load(config, ledger, None, debug=debug, as_json=as_json)
    given = Given(gtin, batch, expiry, sheet, columns or [], fill_down=fill_down, encoding=encoding)
    raise typer.Exit(check_files(setup, files, given))


@app.command()
def resume(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", show_default=False)] = None,
    config: Config = None,
    ledger: LedgerPath = None,
    report_dir: ReportDir = None,
    max_duration: MaxDuration = None,
    stop_at: StopAt = None,
    priority: Priority = False,
    sandbox: InSandbox = False,
    sandbox_option: SandboxOption = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Go on with a run that stopped early (default: every such run)."""
    from importer.cli.run import resume_runs
    from importer.cli.setup import Setup

    setup = Setup.load(config, ledger, report_dir, debug=debug, as_json=as_json)
    raise typer.Exit(resume_runs(setup, run, limits(max_duration, stop_at, priority), box(sandbox, sandbox_option)))


@app.command()
def retry(
    run: RunId,
    config: Config = None,
    ledger: LedgerPath = None,
    report_dir: ReportDir = None,
    max_duration: MaxDuration = None,
    stop_at: StopAt = None,
    priority: Priority = False,
    sandbox: InSandbox = False,
    sandbox_option: SandboxOption = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """The same run again, for its refused, unknown and unsent rows; rewrites its report."""
    from importer.cli.run import retry_run
    from importer.cli.setup import Setup

    setup = Setup.load(config, ledger, report_dir, debug=debug, as_json=as_json)
    raise typer.Exit(retry_run(setup, run, limits(max_duration, stop_at, priority), box(sandbox, sandbox_option)))


@app.command()
def runs(config: Config = None, ledger: LedgerPath = None, as_json: Json = False) -> None:
    """List runs."""
    from importer.cli.setup import Setup
    from importer.cli.show import show_runs

    raise typer.Exit(show_runs(Setup.load(config, ledger, None, as_json=as_json)))


@app.command()
def status(run: RunId, config: Config = None, ledger: LedgerPath = None, as_json: Json = False) -> None:
    """One run: outcomes, batches, rate, time left. Works while it runs."""
    from importer.cli.setup import Setup
    from importer.cli.show import show_status

    raise typer.Exit(show_status(Setup.load(config, ledger, None, as_json=as_json), run))


@app.command()
def report(
    run: RunId,
    config: Config = None,
    ledger: LedgerPath = None,
    report_dir: ReportDir = None,
    as_json: Json = False,
) -> None:
    """Write the report of a run again."""
    from importer.cli.setup import Setup
    from importer.cli.show import write_report

    raise typer.Exit(write_report(Setup.load(config, ledger, report_dir, as_json=as_json), run))


@app.command()
def verify(
    run: RunId,
    config: Config = None,
    ledger: LedgerPath = None,
    report_dir: ReportDir = None,
    as_json: Json = False,
) -> None:
    """Recompute the identity and every checksum from source, ledger and report. Sends nothing."""
    from importer.cli.setup import Setup
    from importer.cli.show import verify_run

    raise typer.Exit(verify_run(Setup.load(config, ledger, report_dir, as_json=as_json), run))


@app.command()
def watch(
    inbox: Annotated[Path, typer.Argument(metavar="DIR", show_default=False)],
    once: Annotated[bool, typer.Option("--once", help="Take what is there, then end: for cron.")] = False,
    gtin: Gtin = None,
    batch: Batch = None,
    expiry: Expiry = None,
    sheet: Sheet = None,
    columns: Map = None,
    fill_down: FillDown = False,
    encoding: Encoding = None,
    config: Config = None,
    ledger: LedgerPath = None,
    report_dir: ReportDir = None,
    max_duration: MaxDuration = None,
    stop_at: StopAt = None,
    priority: Priority = False,
    sandbox: InSandbox = False,
    sandbox_option: SandboxOption = None,
    debug: Debug = False,
) -> None:
    """Take files from an inbox directory, for cron (--once) or for ever."""
    from importer.cli.setup import Setup
    from importer.cli.watch import watch_inbox

    setup = Setup.load(config, ledger, report_dir, debug=debug)
    given = Given(gtin, batch, expiry, sheet, columns or [], fill_down=fill_down, encoding=encoding)
    box_ = box(sandbox, sandbox_option)
    raise typer.Exit(watch_inbox(setup, inbox, given, limits(max_duration, stop_at, priority), box_, once=once))


@app.command()
def sandbox(
    options: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", show_default=False)] = None,
    host: Annotated[str, typer.Option("--host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0: a free one")] = 8765,
    knobs: Annotated[bool, typer.Option("--knobs", help="Explain every knob and fault, and end.")] = False,
) -> None:
    """A simulated Manufacturer V2 API with faults to choose."""
    from importer.cli.sandbox import serve_sandbox

    raise typer.Exit(serve_sandbox(options or [], host, port, knobs=knobs))


@app.command()
def template(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="To be made: .csv or .xlsx", show_default=False)],
) -> None:
    """An empty list with the right columns."""
    from importer.sources.template import write_template

    write_template(file)
    typer.echo(f"{file} is ready: fill in one row per pack.")


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:
        from importer.version import VERSION

        typer.echo(VERSION)
        raise typer.Exit


def limits(max_duration: str | None, stop_at: str | None, priority: bool) -> tuple[str | None, str | None, bool]:
    return max_duration, stop_at, priority


def box(sandbox: bool, options: list[str] | None) -> list[str] | None:
    """The knobs of the sandbox inside the process; None: there is none."""
    return (options or []) if sandbox or options else None


# The commands around the planners' page: serve it, say who may use it. Heavy parts are imported by the command.
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
