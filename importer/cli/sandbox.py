"""The sandbox as a command, and inside the process of an import. Loaded only where it is asked for."""

from __future__ import annotations

# ruff: noqa: PLC0415  as it says
import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import typer
from pydantic import SecretStr

from importer.config.settings import Settings
from importer.errors import ConfigError, Exit
from importer.model import SANDBOX
from importer.runtime import loaded

if TYPE_CHECKING:
    from importer.sandbox import Settings as Knobs


def serve_sandbox(texts: Sequence[str], host: str, port: int, *, knobs: bool) -> int:
    """Serve until SIGINT or SIGTERM. Raises ConfigError for a knob that isn't one, or a port that is taken."""
    from importer.sandbox import Settings as Knobs
    from importer.sandbox import options, run

    loaded()
    if knobs:
        typer.echo(f"{options.__doc__}\n{Knobs.__doc__}")
        return Exit.DONE
    settings = _parsed(texts)
    try:
        asyncio.run(run(settings, host, port, ready=_announce))
    except OSError as error:
        raise ConfigError(
            "port_taken", case="sandbox", host=host, port=str(port), reason=error.strerror or str(error)
        ) from error
    return Exit.DONE


def _announce(url: str) -> None:
    from importer.sandbox import Settings as Knobs

    box = Knobs()
    typer.echo(f"A simulated Manufacturer V2 API listens on {url}. It commissions nothing. Ctrl-C ends it.")
    typer.echo("To import into it, in another terminal:")
    typer.echo(f"  export IMPORTER_API__BASE_URL={url}")
    typer.echo(f"  export IMPORTER_API__CHANNEL_KEY={next(iter(box.channel_keys))}")
    typer.echo(f"  export IMPORTER_API__TOKEN={next(iter(box.static_tokens))}")


def _parsed(texts: Sequence[str]) -> Knobs:
    from importer.sandbox import parse_settings

    try:
        return parse_settings(list(texts))
    except ValueError as error:
        raise ConfigError("knob_wrong", reason=str(error)) from error


@asynccontextmanager
async def inside(
    settings: Settings, texts: list[str] | None, presumed: Iterable[str] = ()
) -> AsyncIterator[tuple[Settings, str]]:
    """The settings to import with, and what the ledger calls the API: with `texts`, a sandbox that is started here and
    forgets everything at the end, which is why its runs say nothing of those of another. `presumed` are knobs that come
    before those that were given.
    """
    if texts is None:
        yield settings, settings.api.target
        return
    from importer.sandbox import Sandbox

    knobs = _parsed([*presumed, *texts])
    async with Sandbox(knobs) as box:
        api = settings.api.model_copy(
            update={
                "base_url": box.url,
                "channel_key": SecretStr(next(iter(knobs.channel_keys), "any")),
                "token": SecretStr(next(iter(knobs.static_tokens), "")),
                "key": SecretStr(knobs.api_key or "any"),
                "secret": SecretStr(knobs.api_secret or "any"),
                "commission_path": knobs.commission_path,
                "decommission_path": knobs.decommission_path,
                "auth_path": knobs.auth_path,
                "proxy": SecretStr(""),
                "tenant": "",
            }
        )
        yield settings.model_copy(update={"api": api}), SANDBOX + secrets.token_hex(4)
