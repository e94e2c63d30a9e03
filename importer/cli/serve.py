"""The planners' page as a command, and the people who may use it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import typer

from importer.cli import sandbox
from importer.cli.bounds import exposing
from importer.cli.screen import tell
from importer.cli.setup import Setup
from importer.config.settings import Web
from importer.errors import Exit
from importer.web.access import users_of
from importer.web.serve import serve
from importer.words.language import terminal


def serve_page(setup: Setup, host: str | None, port: int | None, tls: tuple[Path | None, Path | None]) -> int:
    """Serve until SIGINT, SIGTERM or SIGHUP. Raises ConfigError where that is not allowed, LedgerBusy."""
    given = {"host": host, "port": port, "tls_cert": tls[0], "tls_key": tls[1]}
    values = setup.settings.web.model_dump() | {name: value for name, value in given.items() if value is not None}
    settings = setup.settings.model_copy(update={"web": Web(**values)})

    async def run() -> None:
        async with sandbox.inside(settings, setup.knobs) as (sending, target):
            with exposing(sending):
                await serve(sending, target, setup.redactor, _announce, again=setup.again)

    asyncio.run(run())
    return Exit.DONE


def _announce(url: str) -> None:
    tell(terminal().told("page_at", url=url))


def add_user(setup: Setup, name: str, role: str) -> int:
    """Ask for a password on a terminal, or read one line from stdin. Raises ConfigError."""
    if sys.stdin.isatty():
        password = typer.prompt(
            setup.language.told("password_for", name=name), hide_input=True, confirmation_prompt=True
        )
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    users = users_of(setup.settings)
    new = users.add(name, password, role)
    tell(
        setup.language.told(
            "user_added" if new else "user_changed", name=name, role=users.role_of(name), path=str(users.path)
        )
    )
    return Exit.DONE


def remove_user(setup: Setup, name: str) -> int:
    users = users_of(setup.settings)
    users.remove(name)
    tell(setup.language.told("user_removed", name=name))
    return Exit.DONE


def list_users(setup: Setup) -> int:
    users = users_of(setup.settings)
    for name in users.names():
        tell(f"{name}\t{users.role_of(name)}")
    return Exit.DONE
