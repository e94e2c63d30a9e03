"""The commands, as the contract has them. Heavy parts are imported by the command that needs them."""

# ruff: noqa: PLC0415  `importer --help` answers at once

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from importer.cli.options import (
    Debug,
    Files,
    Given,
    InSandbox,
    Json,
    Limits,
    Queueing,
    ReportDir,
    RunId,
    Where,
    known_runs,
    spread,
)
from importer.cli.setup import Setup
from importer.errors import ConfigError

app = typer.Typer(
    name="importer",
    help="Commission pharma serial numbers in bulk: every row of a list ends in exactly one outcome.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
user = typer.Typer(help="Who may use the planners' page.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(user, name="user")
ledger = typer.Typer(help="The ledger as a whole.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(ledger, name="ledger")
UserName = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]

_RUN = {
    "0": "every row is assigned, or repeats one that is",
    "1": "internal fault; what was recorded is kept",
    "2": "nothing was sent: wrong option or setting, unreadable list",
    "3": "finished; some rows were rejected or refused",
    "4": "stopped early: `resume` goes on",
    "5": "finished; some rows are unknown",
    "75": "try again later: ledger held, or API away",
    "129, 130, 143": "interrupted cleanly: `resume` goes on",
}
_LOOK = {"0": "done", "1": "internal fault, or the ledger is damaged", "2": "no such run or ledger, or a wrong option"}


def _ends(*examples: str, codes: dict[str, str]) -> str:
    """What stands below the options of a command's help: examples, and its exit codes."""
    lines = ["\b", "Examples:", *(f"  {example}" for example in examples), ""]
    lines += ["\b", "Exit codes:", *(f"  {code:<14} {meaning}" for code, meaning in codes.items())]
    return "\n".join(lines)


@app.command(
    epilog=_ends("importer run list.xlsx", "importer run pool.csv --max-duration 4h --stop-at 05:00", codes=_RUN)
)
@spread
def run(
    files: Files,
    given: Given,
    where: Where,
    limits: Limits,
    queueing: Queueing,
    sandbox: InSandbox,
    release_by: Annotated[
        str, typer.Option("--release-by", metavar="NAME", help="Who has released these lists, for the record.")
    ] = "",
    report_dir: ReportDir = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Stage, submit, report. One run per file; a file whose run stopped early goes on."""
    from importer.cli.run import run_files

    setup = Setup.load(where, report_dir, sandbox.knobs, as_json=as_json, debug=debug)
    if queueing.queue or queueing.no_wait:
        from importer.cli.worker import queue_files

        if release_by:
            raise ConfigError("release_by_queued")
        raise typer.Exit(queue_files(setup, files, given, limits, wait=not queueing.no_wait))
    raise typer.Exit(run_files(setup, files, given, limits, release_by))


@app.command(
    epilog=_ends(
        "importer check list.xlsx",
        "importer check list.csv --gtin 09520001010019 --json",
        codes={"0": "every row is right", "2": "the list can't be read", "3": "some rows are wrong"},
    )
)
@spread
def check(
    files: Files, given: Given, where: Where, sandbox: InSandbox, as_json: Json = False, debug: Debug = False
) -> None:
    """Stage only: show batches, problems, and what a run would cost. Sends nothing, keeps nothing."""
    from importer.cli.check import check_files

    setup = Setup.load(where, None, sandbox.knobs, as_json=as_json, debug=debug)
    raise typer.Exit(check_files(setup, files, given))


@app.command(epilog=_ends("importer resume", "importer resume last --priority", codes=_RUN))
@spread
def resume(
    where: Where,
    limits: Limits,
    sandbox: InSandbox,
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", show_default=False, autocompletion=known_runs)] = None,
    accept_loss: Annotated[
        bool, typer.Option(help="The ledger is an older copy, or lost its latest state: doubt what it may not know.")
    ] = False,
    report_dir: ReportDir = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Go on with a run that stopped early (default: every such run)."""
    from importer.cli.run import accept_the_loss, resume_runs

    setup = Setup.load(where, report_dir, sandbox.knobs, as_json=as_json, debug=debug)
    if accept_loss:
        accept_the_loss(setup)
    raise typer.Exit(resume_runs(setup, run, limits))


@app.command(epilog=_ends("importer retry last", "importer retry 20261122T071500Z-7f3a9c --ledger pool.db", codes=_RUN))
@spread
def retry(
    run: RunId,
    where: Where,
    limits: Limits,
    sandbox: InSandbox,
    report_dir: ReportDir = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """The same run again, for its refused, unknown and unsent rows; rewrites its report."""
    from importer.cli.run import retry_run

    setup = Setup.load(where, report_dir, sandbox.knobs, as_json=as_json, debug=debug)
    raise typer.Exit(retry_run(setup, run, limits))


@app.command(
    epilog=_ends(
        "importer decommission last",
        "importer decommission last --only batch:LOT-42 --yes",
        "importer decommission 20261122T071500Z-7f3a9c --only reports/20261122T071500Z-7f3a9c/undo.csv",
        codes={**_RUN, "0": "every serial is taken back", "2": "nothing was sent: not confirmed, or wrong options"},
    )
)
@spread
def decommission(
    run: RunId,
    given: Given,
    where: Where,
    limits: Limits,
    sandbox: InSandbox,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="WHAT",
            help="Not all that the run has assigned: a list (file:), a batch (batch:) or a serial (serial:), as often "
            "as wanted; the word before the colon only where it is not clear.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask: for scripts.")] = False,
    report_dir: ReportDir = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Take back what a run has commissioned by mistake, in a run of its own. Asks first: it can't be undone."""
    from importer.cli.undo import decommission_run

    setup = Setup.load(where, report_dir, sandbox.knobs, as_json=as_json, debug=debug)
    raise typer.Exit(decommission_run(setup, run, only or [], given, limits, sure=yes))


@app.command(
    epilog=_ends(
        "importer resolve last",
        'importer resolve last --assigned 4KX9P2M7Q1 --comment "seen in the console"',
        "importer resolve 20261122T071500Z-7f3a9c --not-assigned looked-up.csv",
        codes={
            "0": "every row is assigned, or repeats one that is",
            "2": "nothing was noted: no such row is unknown",
            "3": "some rows were rejected, refused or not found",
            "5": "some rows are unknown still",
            "75": "another process holds the ledger",
        },
    )
)
@spread
def resolve(
    run: RunId,
    where: Where,
    assigned: Annotated[
        list[str] | None,
        typer.Option("--assigned", metavar="WHAT", help="A serial that is there, or a file of them; may be repeated."),
    ] = None,
    not_assigned: Annotated[
        list[str] | None,
        typer.Option("--not-assigned", metavar="WHAT", help="One that is not there: `retry` sends it again."),
    ] = None,
    comment: Annotated[str, typer.Option("--comment", help="Where it was looked up, for the record.")] = "",
    report_dir: ReportDir = None,
    as_json: Json = False,
) -> None:
    """Tell what you have looked up for unknown rows. Without --assigned or --not-assigned, list them."""
    from importer.cli.resolve import resolve_run

    setup = Setup.load(where, report_dir, as_json=as_json)
    raise typer.Exit(resolve_run(setup, run, assigned or [], not_assigned or [], comment))


@app.command(epilog=_ends("importer runs", "importer runs --since 7d --json", codes=_LOOK))
@spread
def runs(
    where: Where,
    since: Annotated[
        str | None, typer.Option("--since", metavar="7d", help="Only runs since then: 7d, 12h, or a date 2026-11-01.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List runs."""
    from importer.cli.show import show_runs

    raise typer.Exit(show_runs(Setup.load(where, as_json=as_json), since))


@app.command(epilog=_ends("importer status last", "importer status 20261122T071500Z-7f3a9c --json", codes=_LOOK))
@spread
def status(run: RunId, where: Where, as_json: Json = False) -> None:
    """One run: outcomes, batches, rate, time left. Works while it runs."""
    from importer.cli.show import show_status

    raise typer.Exit(show_status(Setup.load(where, as_json=as_json), run))


@app.command(epilog=_ends("importer report last", "importer report last --report-dir elsewhere", codes=_LOOK))
@spread
def report(run: RunId, where: Where, report_dir: ReportDir = None, as_json: Json = False) -> None:
    """Write the report of a run again."""
    from importer.cli.show import write_report

    raise typer.Exit(write_report(Setup.load(where, report_dir, as_json=as_json), run))


@app.command(
    epilog=_ends(
        "importer verify last",
        "importer verify 20261122T071500Z-7f3a9c --json",
        codes={"0": "the run holds", "1": "it does not, or the ledger is damaged", "2": _LOOK["2"]},
    )
)
@spread
def verify(run: RunId, where: Where, report_dir: ReportDir = None, as_json: Json = False) -> None:
    """Recompute the identity and every checksum from source, ledger and report. Sends nothing."""
    from importer.cli.show import verify_run

    raise typer.Exit(verify_run(Setup.load(where, report_dir, as_json=as_json), run))


@app.command(
    epilog=_ends(
        'importer backup "backups/$(date +%F).db"',
        codes={"0": "the copy is whole", "1": "the ledger is damaged", "2": "the file is there already, or no ledger"},
    )
)
@spread
def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy goes; its SHA-256 stands beside it.")],
    where: Where,
    as_json: Json = False,
) -> None:
    """A consistent, checked copy of the ledger, also beside a running import."""
    from importer.cli.keeping import back_up

    raise typer.Exit(back_up(Setup.load(where, as_json=as_json), file))


@app.command(
    epilog=_ends(
        "importer prune --dry-run",
        codes={"0": "done", "1": "the ledger is damaged", "2": "no retention is set", "75": "the ledger is in use"},
    )
)
@spread
def prune(
    where: Where,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go, remove nothing.")] = False,
    report_dir: ReportDir = None,
    as_json: Json = False,
) -> None:
    """Remove what is past its retention; what recognises serials that are assigned stays."""
    from importer.cli.keeping import prune as remove

    raise typer.Exit(remove(Setup.load(where, report_dir, as_json=as_json), dry_run=dry_run))


@app.command(epilog=_ends("importer watch inbox --once", "importer watch inbox --stop-at 05:00", codes=_RUN))
@spread
def watch(
    inbox: Annotated[Path, typer.Argument(metavar="DIR", show_default=False)],
    given: Given,
    where: Where,
    limits: Limits,
    sandbox: InSandbox,
    once: Annotated[bool, typer.Option("--once", help="Take what is there, then end: for cron.")] = False,
    create: Annotated[bool, typer.Option("--create", help="Make the inbox and its directories.")] = False,
    report_dir: ReportDir = None,
    debug: Debug = False,
) -> None:
    """Take files from an inbox directory, for cron (--once) or for ever."""
    from importer.cli.watch import watch_inbox

    setup = Setup.load(where, report_dir, sandbox.knobs, debug=debug, lines=True)
    raise typer.Exit(watch_inbox(setup, inbox, given, limits, once=once, create=create))


@app.command(
    epilog=_ends(
        "importer serve",
        "importer serve --host 0.0.0.0 --tls-cert page.pem --tls-key page.key",
        codes={"0": "ended", "2": "wrong option or setting", "75": "another process holds the ledger"},
    )
)
@spread
def serve(
    where: Where,
    sandbox: InSandbox,
    host: Annotated[str | None, typer.Option("--host", help="Where to listen.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option("--port", help="0: a free one.  [default: 8700]")] = None,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="Certificate chain (PEM), for https.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="Its key (PEM).")] = None,
    report_dir: ReportDir = None,
    debug: Debug = False,
) -> None:
    """The planners' web page."""
    from importer.cli.serve import serve_page

    setup = Setup.load(where, report_dir, sandbox.knobs, debug=debug)
    raise typer.Exit(serve_page(setup, host, port, (tls_cert, tls_key)))


@user.command(
    "add", epilog=_ends("importer user add anna", "importer user add bert --role releaser < password.txt", codes=_LOOK)
)
@spread
def user_add(
    name: UserName,
    where: Where,
    role: Annotated[
        str, typer.Option("--role", metavar="ROLE", help="viewer, planner or releaser.  [default: planner]")
    ] = "",
) -> None:
    """Add a user, or give one a new password: asked for on a terminal, else the first line of stdin."""
    from importer.cli.serve import add_user

    raise typer.Exit(add_user(Setup.load(where), name, role))


@user.command("remove", epilog=_ends("importer user remove anna", "importer user list", codes=_LOOK))
@spread
def user_remove(name: UserName, where: Where) -> None:
    """Remove a user, who is logged out at once."""
    from importer.cli.serve import remove_user

    raise typer.Exit(remove_user(Setup.load(where), name))


@user.command("list", epilog=_ends("importer user list", "importer user list --ledger pool.db", codes=_LOOK))
@spread
def user_list(where: Where) -> None:
    """List the users."""
    from importer.cli.serve import list_users

    raise typer.Exit(list_users(Setup.load(where)))


@app.command(
    epilog=_ends(
        "importer sandbox --knobs",
        "importer sandbox commission:latency=0.2 unregistered=09520001010019",
        codes={"0": "ended", "2": "an unknown knob, or a port that is taken"},
    )
)
def sandbox(
    options: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", show_default=False)] = None,
    host: Annotated[str, typer.Option("--host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0: a free one")] = 8765,
    knobs: Annotated[bool, typer.Option("--knobs", help="Explain every knob and fault, and end.")] = False,
) -> None:
    """A simulated Manufacturer V2 API with faults to choose."""
    from importer.cli.sandbox import serve_sandbox

    raise typer.Exit(serve_sandbox(options or [], host, port, knobs=knobs))


@app.command(
    epilog=_ends(
        "importer template list.xlsx",
        "importer template list.csv",
        codes={"0": "the list is there", "2": "it can't be written, or is there already"},
    )
)
def template(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="To be made: .csv or .xlsx", show_default=False)],
) -> None:
    """An empty list with the right columns."""
    from importer.sources.template import write_template
    from importer.words.language import terminal

    write_template(file)
    typer.echo(terminal().told("template_written", path=str(file)))


@app.command(
    epilog=_ends(
        "importer init",
        "importer init staging.toml",
        codes={"0": "the file is there", "2": "it was there already, or can't be written"},
    )
)
def init(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="To be made.  [default: config.toml]")] = Path(
        "config.toml"
    ),
) -> None:
    """A commented config.toml, and what is still missing."""
    from importer.cli.init import write_config

    raise typer.Exit(write_config(file))


@app.command(
    epilog=_ends(
        "importer doctor",
        "importer doctor --config staging.toml --json",
        codes={
            "0": "all is well",
            "1": "the ledger is damaged",
            "2": "a setting, a right or a credential is missing",
            "4": "key and secret get no token",
            "75": "the API can't be reached",
        },
    )
)
@spread
def doctor(where: Where, report_dir: ReportDir = None, as_json: Json = False) -> None:
    """Is all there that an import needs? Asks for a token at most, and commissions nothing."""
    from importer.cli.doctor import examine

    raise typer.Exit(examine(Setup.load(where, report_dir, as_json=as_json)))


@app.command(
    epilog=_ends(
        "importer trace 4KX9P2M7Q1",
        "importer trace '(01)09520001010019(21)4KX9P2M7Q1' --json",
        codes={"0": "told, also if no run holds it", "2": "no ledger, or a code that can't be read"},
    )
)
@spread
def trace(
    serial: Annotated[
        str, typer.Argument(metavar="SERIAL", help="A serial, or a scanned code that holds one.", show_default=False)
    ],
    where: Where,
    gtin: Annotated[str, typer.Option("--gtin", help="Of this product only.", show_default=False)] = "",
    as_json: Json = False,
) -> None:
    """What became of one serial, in every run."""
    from importer.cli.trace import trace_serial

    raise typer.Exit(trace_serial(Setup.load(where, as_json=as_json), serial, gtin))


@app.command(
    epilog=_ends(
        "importer recipe cron",
        "importer recipe systemd /tmp/units --inbox /srv/inbox",
        codes={"0": "its files are there", "2": "no such recipe, or a file is there already"},
    )
)
def recipe(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="cron, systemd, docker, fleet, kubernetes, airflow, windows; alerts, grafana.",
            show_default=False,
        ),
    ],
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where its files go.  [default: importer-NAME]")
    ] = None,
    inbox: Annotated[Path, typer.Option("--inbox", help="The inbox that is watched.")] = Path("inbox"),
    config: Annotated[Path | None, typer.Option("--config", help="Configuration file to name in it.")] = None,
) -> None:
    """Write a recipe: how something else runs the importer, with the paths of this machine."""
    from importer.cli.recipe import write_recipe

    raise typer.Exit(write_recipe(name, directory, inbox, config))


@app.command(
    epilog=_ends(
        "importer worker",
        "importer worker --config channel-b.toml",
        codes={
            "0": "--once: nothing waits any more",
            "2": "wrong setting, or the ledger is a file of this machine",
            "130, 143": "told to stop; requests in flight were finished and recorded",
        },
    )
)
@spread
def worker(
    where: Where,
    report_dir: ReportDir = None,
    once: Annotated[bool, typer.Option("--once", help="End when nothing waits any more.")] = False,
    debug: Debug = False,
) -> None:
    """Send what `run --queue` has staged, on any machine that shares the ledger (PostgreSQL): one of all workers sends
    for a channel at a time, the others stand by.
    """
    from importer.cli.worker import work

    raise typer.Exit(work(Setup.load(where, report_dir, debug=debug), once=once))


@ledger.command(
    "copy",
    epilog=_ends(
        "importer ledger copy importer.db postgresql://importer@db/ledger",
        "importer ledger copy postgresql://importer@db/ledger importer.db",
        codes={
            "0": "copied, and proven to be the same",
            "1": "the copy is not the same, or the ledger is damaged",
            "2": "no such ledger, or the other one holds something",
            "75": "a process writes the ledger, or the server is away",
        },
    ),
)
@spread
def copy_ledger(
    source: Annotated[str, typer.Argument(metavar="FROM", show_default=False)],
    target: Annotated[str, typer.Argument(metavar="TO", show_default=False)],
    where: Where,
) -> None:
    """Copy a ledger, a file or a URL of PostgreSQL, into an empty one, and compare both by run and by serial."""
    from importer.cli.ledger import copy

    raise typer.Exit(copy(where, source, target))


@ledger.command(
    "doubt",
    epilog=_ends(
        "importer ledger doubt --since 2026-11-26T05:00+01:00",
        "importer ledger doubt --since 2d",
        codes={"0": "what may have been forgotten is in doubt", "75": "a process sends: stop all workers", **_LOOK},
    ),
)
@spread
def doubt_ledger(
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="Of the backup; before it nothing is missing.")],
    where: Where,
) -> None:
    """After a restored backup, or a standby that took over (PostgreSQL): put in doubt what may have been sent and
    forgotten since. Until then nothing is sent.
    """
    from importer.cli.ledger import doubt

    raise typer.Exit(doubt(Setup.load(where), since))


@ledger.command(
    "migrate",
    epilog=_ends("importer ledger migrate", codes={"0": "it has the schema that this importer knows", **_LOOK}),
)
@spread
def migrate_ledger(where: Where) -> None:
    """Give a ledger in PostgreSQL the schema that this importer knows. Importers of the version before may go on with
    it meanwhile.
    """
    from importer.cli.ledger import migrate_ledger as migrate

    raise typer.Exit(migrate(Setup.load(where)))


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:
        from importer.version import VERSION

        typer.echo(VERSION)
        raise typer.Exit
