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
from importer.web.site import Site, is_loopback

_PATIENCE = 1.0
"""Seconds, at the end, for who is still sending or fetching a file."""


def must_be_allowed(settings: Settings, site: Site) -> None:
    """Beyond this machine only for people who are known. Raises ConfigError."""
    wanted = settings.web
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
        raise ConfigError(
            "port_taken", host=wanted.host, port=str(wanted.port), reason=error.strerror or str(error)
        ) from error
    port = runner.addresses[0][1]
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
