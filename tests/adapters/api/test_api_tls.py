"""TLS against a server with a certificate made for these tests (loopback.pem, valid for a hundred years)."""

import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from saying import refused, said

from importer.api.client import Client
from importer.api.session import Session
from importer.api.tokens import StaticTokens
from importer.errors import ConfigError
from importer.model import Answer, Batch, Chunk, Verdict
from importer.serial_text import SerialText

CERTIFICATE = Path(__file__).with_name("loopback.pem")
CHUNK = Chunk(1, 1, Batch("01234567891231", "B1", "271115"), SerialText.of(["A1"]))


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[str]:
    async def handle(_request: web.Request) -> web.Response:
        return web.json_response({"data": [{"serial_number": "A1", "status": "Assigned"}]})

    app = web.Application()
    app.router.add_post("/commission", handle)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=context)
    try:
        yield str(server.make_url("/commission"))
    finally:
        await server.close()


async def attempt(url: str, ca_file: Path | None) -> Answer:
    async with Session(timeout_seconds=5, max_in_flight=1, ca_file=ca_file) as session:
        client = Client(session, url, channel_key="channel", tokens=StaticTokens("token"))
        return await client.commission(CHUNK)


async def test_a_certificate_of_an_unknown_authority_gets_no_request() -> None:
    async with serving() as url:
        answer = await attempt(url, None)
    assert (answer.verdict, answer.reached, answer.error) == (Verdict.NOT_TAKEN, False, "tls_failed")
    assert "certificate" in said(answer.message).lower()


async def test_the_authority_of_a_company_can_be_added() -> None:
    async with serving() as url:
        answer = await attempt(url, CERTIFICATE)
    assert answer.verdict is Verdict.SETTLED


@pytest.mark.parametrize("content", [None, b"", b"no certificate"], ids=["missing", "empty", "other"])
async def test_a_ca_file_that_cannot_be_used_is_a_fault_of_the_configuration(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with refused(ConfigError, r"ca_file .*ca\.pem' can't be used: expected certificates in PEM format"):
        Session(timeout_seconds=5, max_in_flight=1, ca_file=path)
