"""Certificate and key for https, and in plain words what is wrong with them."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NoReturn

from importer.config.settings import Web
from importer.errors import ConfigError

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_KEY = b"PRIVATE KEY-----"
"""It may be an RSA, an EC or an encrypted one."""


def tls_context(wanted: Web) -> ssl.SSLContext | None:
    """None where the page is served without https. Raises ConfigError."""
    certificate, key = wanted.tls_cert, wanted.tls_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise ConfigError("https needs both files: web.tls_cert and web.tls_key")
    _must_hold("web.tls_cert", certificate, _CERTIFICATE, "certificate")
    _must_hold("web.tls_key", key, _KEY, "private key")

    def no_password() -> NoReturn:
        raise ConfigError(f"web.tls_key: {key} is protected by a password: store it without one, readable by you alone")

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key, no_password)
    except ssl.SSLError as error:
        if "MISMATCH" in (error.reason or ""):
            text = f"the key in {key} is not that of the first certificate in {certificate}: name the pair that fits"
            raise ConfigError(f"web.tls_key: {text}") from error
        raise ConfigError(f"{certificate} and {key} can't be used for https: {error.reason or error}") from error
    return context


def _must_hold(setting: str, path: Path, mark: bytes, what: str) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{setting}: {path} can't be read: {error.strerror}") from error
    if mark not in content:
        raise ConfigError(f"{setting}: {path} holds no {what} in PEM format")
