"""Serves the page until SIGTERM or SIGINT, and says first whether it may."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

from importer import wiring
from importer.config.settings import Settings, Web
from importer.errors import ConfigError
from importer.web.app import make_app
from importer.web.guard import is_loopback
from importer.web.site import Site
from importer.web.tls import tls_context

_PATIENCE = 1.0
"""Seconds, at the end, for who is still sending or fetching a file."""


def must_be_allowed(settings: Settings, site: Site) -> None:
    """Beyond this machine only for people who are known. Raises ConfigError."""
    wanted = settings.web
    if is_loopback(wanted.host) or wanted.trusted_header or site.users.names():
        return
    raise ConfigError(
        f"the page can't be opened to others at {wanted.host}: there are no users. Add one with `importer user add "
        f"NAME`, or name the header of a trusted proxy (web.trusted_header), or serve this machine alone (127.0.0.1)"
    )


async def serve(settings: Settings, target: str, ready: Callable[[str], None]) -> None:
    """Call `ready` with the address once the page is there. Raises ConfigError, LedgerBusy."""
    wiring.must_have_credentials(settings)
    site = Site(settings, target)
    try:
        must_be_allowed(settings, site)
        context = tls_context(settings.web)
    except ConfigError:
        site.close()
        raise
    runner = web.AppRunner(make_app(site), handle_signals=False, access_log=None, shutdown_timeout=_PATIENCE)
    await runner.setup()
    try:
        with _signals() as told_to_end:
            await _listen(runner, settings.web, context, ready)
            await told_to_end.wait()
    finally:
        await runner.cleanup()


async def _listen(
    runner: web.AppRunner, wanted: Web, context: ssl.SSLContext | None, ready: Callable[[str], None]
) -> None:
    listener = web.TCPSite(runner, wanted.host, wanted.port, ssl_context=context)
    try:
        await listener.start()
    except OSError as error:
        raise ConfigError(f"the page can't listen on {wanted.host}:{wanted.port}: {error.strerror or error}") from error
    port = runner.addresses[0][1]
    host = f"[{wanted.host}]" if ":" in wanted.host else wanted.host
    ready(f"{'https' if context else 'http'}://{host}:{port}/")


@contextmanager
def _signals() -> Iterator[asyncio.Event]:
    """Set by SIGINT or SIGTERM, which may come as soon as anybody knows that the page is there."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    try:
        yield told
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
