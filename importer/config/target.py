"""Where a run goes: the API's address in its one normal form, and the pool of serials behind the credentials.

Requests are sent to the normal form itself, so two spellings of it are one address beyond doubt. Pure.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import socket
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_NUMBERS_ONLY = re.compile(r"[0-9a-fx.]+")
"""What may be an IPv4 address in one of its older spellings: 127.1, 0x7f000001."""
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
"""Characters that mean the same escaped and plain (RFC 3986, 2.3)."""
_FINGERPRINT_BYTES = 6


def normal_base(url: str) -> str:
    """Scheme and host in lower case, no default port, no slash at the end: `HTTPS://Host:443/` is `https://host`.

    Raises ValueError for a port that is none.
    """
    parts = urlsplit(url)
    host, port = _normal_host(parts.hostname or ""), parts.port
    at = host if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{port}"
    return f"{parts.scheme}://{at}{normal_path(parts.path)}".rstrip("/")


def normal_path(path: str) -> str:
    """One spelling for each path: no `.`, `..` or empty segments, no needless escapes, no fragment. A query stays, and
    so does a slash at the end, which may name another resource.
    """
    path, _, query = path.partition("#")[0].partition("?")
    segments: list[str] = []
    for segment in _ESCAPED.sub(_unescaped, path).split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    end = "/" if segments and path.endswith(("/", "/.", "/..")) else ""
    asked = f"?{_ESCAPED.sub(_unescaped, query)}" if query else ""
    return "/" + "/".join(segments) + end + asked


def target_of(address: str, tenant: str, channel_key: str) -> str:
    """The target as the ledger keeps it: the address, a space, and the pool: `tenant:NAME`, or `channel:` and a
    fingerprint of the channel key, from which the key can't be read.
    """
    if tenant:
        return f"{address} tenant:{tenant}"
    digest = hashlib.blake2b(channel_key.encode(), digest_size=_FINGERPRINT_BYTES, person=b"importer pool")
    return f"{address} channel:{digest.hexdigest()}"


def _normal_host(host: str) -> str:
    host = host.lower().removesuffix(".")
    if ":" in host:
        return f"[{_ipv6(host)}]"
    if _NUMBERS_ONLY.fullmatch(host):
        try:
            return socket.inet_ntoa(socket.inet_aton(host))
        except OSError:
            return host
    return host


def _ipv6(host: str) -> str:
    try:
        return ipaddress.IPv6Address(host).compressed
    except ValueError:
        return host


def _unescaped(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else found[0].upper()
