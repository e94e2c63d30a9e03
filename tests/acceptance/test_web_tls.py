"""`importer serve` with https. The certificate and the keys were made for tests; one key is locked by a password."""

from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from conftest import StartBox
from webserver import Browser, Server, rows

KEYS = Path(__file__).with_name("tls")
PAIR = Path(__file__).parents[1] / "adapters" / "api" / "loopback.pem"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate and its key, in a file each."""
    key, mark, certificate = PAIR.read_text().partition("-----BEGIN CERTIFICATE-----")
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    files[0].write_text(mark + certificate)
    files[1].write_text(key)
    return files


async def test_the_page_is_served_by_https_and_by_nothing_else(
    sandbox: StartBox, tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    options = ("--tls-cert", str(pair[0]), "--tls-key", str(pair[1]))
    with Server(tmp_path / "work", sandbox().env, *options) as server:
        assert server.url.startswith("https://127.0.0.1:")
        server.trusted = ssl.create_default_context(cafile=str(pair[0]))
        async with Browser(server) as planner:
            assert (await planner.imported(rows(3)))["outcomes"]["assigned"] == 3
            assert all(cookie["secure"] for cookie in planner.http.cookie_jar)
        async with aiohttp.ClientSession() as stranger:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await stranger.get(server.url)
            with pytest.raises(aiohttp.ClientError):
                await stranger.get(server.url.replace("https:", "http:"))
        assert server.end() == 0


@pytest.mark.parametrize(
    ("certificate", "key", "words"),
    [
        pytest.param("certificate.pem", None, "https needs both files: web.tls_cert and web.tls_key", id="no_key"),
        pytest.param(None, "key.pem", "https needs both files: web.tls_cert and web.tls_key", id="no_certificate"),
        pytest.param("certificate.pem", "none.pem", "none.pem can't be read: No such file or directory", id="missing"),
        pytest.param("key.pem", "key.pem", "web.tls_cert: key.pem holds no certificate in PEM format", id="swapped"),
        pytest.param("certificate.pem", "certificate.pem", "certificate.pem holds no private key", id="twice"),
        pytest.param("certificate.pem", "other.pem", "the key in other.pem is not that of the first", id="unfitting"),
        pytest.param(
            "certificate.pem", "locked.pem", "web.tls_key: locked.pem is protected by a password", id="locked"
        ),
        pytest.param("certificate.pem", "cut.pem", "can't be used for https: ", id="damaged"),
    ],
)
def test_files_that_do_not_fit_are_named(
    pair: tuple[Path, Path], certificate: str | None, key: str | None, words: str
) -> None:
    directory = pair[0].parent
    for name in ("other", "locked"):
        (directory / f"{name}.pem").write_bytes((KEYS / f"{name}_key.pem").read_bytes())
    (directory / "cut.pem").write_text("\n".join(pair[1].read_text().splitlines()[::2]))
    command = [sys.executable, "-m", "importer", "serve", "--sandbox", "--port", "0"]
    command += ["--tls-cert", certificate] if certificate else []
    command += ["--tls-key", key] if key else []
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
