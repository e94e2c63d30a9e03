"""Serves the page until SIGTERM, SIGINT or SIGHUP, and says first whether it may."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from aiohttp import web

from importer import wiring
from importer.config.settings import Settings, Web
from importer.errors import ConfigError
from importer.redaction import Redactor
from importer.web.app import make_app
from importer.web.connections import KEEP_SECONDS, Connections
from importer.web.journal import Hook, Journal, server_logger
from importer.web.site import Site, is_loopback

_PATIENCE = 1.0
"""Seconds, at the end, for who is still sending or fetching a file."""


def must_be_allowed(settings: Settings, site: Site) -> None:
    """Beyond this machine only for people who are known. Raises ConfigError."""
    wanted = settings.web
    if wanted.four_eyes and not (wanted.groups_header if wanted.trusted_header else site.users.closed):
        raise ConfigError("four_eyes_alone")
    if wanted.trusted_header:
        return
    site.users.must_open()
    if is_loopback(wanted.host) or site.users.names():
        return
    raise ConfigError("users_missing", host=wanted.host)


async def serve(
    settings: Settings, target: str, redactor: Redactor, ready: Callable[[str], None], *, again: str = ""
) -> None:
    """Call `ready` with the address once the page is there. `again` completes commands that reports suggest. Raises
    ConfigError, LedgerBusy.
    """
    wiring.must_have_credentials(settings)
    site = Site(settings, target, redactor, again)
    try:
        must_be_allowed(settings, site)
        context = tls_context(settings.web)
        wiring.warn_of_open_files(settings)
    except ConfigError:
        site.close()
        raise
    app = make_app(site)
    connections = Connections(settings.web)
    site.began = connections.began
    journal = Journal(settings.web.access_log or site.own / "access.log", settings.web, connections)
    runner = web.AppRunner(
        app,
        handle_signals=False,
        shutdown_timeout=_PATIENCE,
        keepalive_timeout=KEEP_SECONDS,
        logger=server_logger(),
        access_log=journal,
        access_log_class=Hook,
    )
    await runner.setup()
    try:
        with _signals() as told_to_end:
            assert runner.server is not None
            await _listen(connections, runner.server, settings.web, context, ready)
            await told_to_end.wait()
    finally:
        await connections.close()
        await runner.cleanup()
        journal.close()


async def _listen(
    connections: Connections,
    server: web.Server,
    wanted: Web,
    context: ssl.SSLContext | None,
    ready: Callable[[str], None],
) -> None:
    try:
        port = await connections.listen(server, context)
    except OSError as error:
        raise ConfigError(
            "port_taken", host=wanted.host, port=str(wanted.port), reason=error.strerror or str(error)
        ) from error
    host = f"[{wanted.host}]" if ":" in wanted.host else wanted.host
    ready(f"{'https' if context else 'http'}://{host}:{port}/")


@contextmanager
def _signals() -> Iterator[asyncio.Event]:
    """Set by SIGINT, SIGTERM or SIGHUP, which may come as soon as the address was told; a server that was started with
    nohup goes on.
    """
    numbers = [signal.SIGINT, signal.SIGTERM]
    numbers += [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN else []
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in numbers:
        loop.add_signal_handler(number, told.set)
    try:
        yield told
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


# Certificate and key for https, and in plain words what is wrong with them.
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_KEY = b"PRIVATE KEY-----"
"""It may be an RSA, an EC or an encrypted one."""


def tls_context(wanted: Web) -> ssl.SSLContext | None:
    """None where the page is served without https. Raises ConfigError."""
    certificate, key = wanted.tls_cert, wanted.tls_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise ConfigError("tls_half")
    _must_hold("web.tls_cert", certificate, _CERTIFICATE, "certificate")
    _must_hold("web.tls_key", key, _KEY, "key")

    def no_password() -> NoReturn:
        raise ConfigError("tls_key_protected", path=str(key))

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key, no_password)
    except ssl.SSLError as error:
        if "MISMATCH" in (error.reason or ""):
            raise ConfigError("tls_mismatch", key=str(key), path=str(certificate)) from error
        raise ConfigError(
            "tls_unusable", path=str(certificate), key=str(key), reason=error.reason or str(error)
        ) from error
    return context


def _must_hold(setting: str, path: Path, mark: bytes, what: str) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            "tls_unreadable", setting=setting, path=str(path), reason=error.strerror or str(error)
        ) from error
    if mark not in content:
        raise ConfigError("tls_no_pem", case=what, setting=setting, path=str(path))
