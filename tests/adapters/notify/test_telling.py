"""People are told once, by a real mail server and a real HTTP server; what can't be told is kept and tried again."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.controller import Controller

from importer.errors import ConfigError
from importer.inbox.clock import Clock
from importer.inbox.handled import Handled
from importer.model import Message
from importer.notify.channels import channels
from importer.notify.outbox import Outbox
from importer.notify.telling import Telling, When
from importer.words.language import language

SECRET = "a shared secret"


@dataclass
class Hook:
    """Receives what is POSTed, and refuses as many as it is told to."""

    url: str = ""
    refuses: int = 0
    got: list[dict[str, Any]] = field(default_factory=list)
    seen: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    pings: int = 0

    async def post(self, request: web.Request) -> web.Response:
        self.seen.append(request)
        self.bodies.append(await request.read())
        if self.refuses:
            self.refuses -= 1
            return web.Response(status=503)
        self.got.append(json.loads(self.bodies[-1]))
        return web.Response()

    async def ping(self, _request: web.Request) -> web.Response:
        self.pings += 1
        return web.Response()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    found = Hook()
    app = web.Application()
    app.router.add_post("/hook", found.post)
    app.router.add_get("/ping", found.ping)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


class Mails:
    def __init__(self) -> None:
        self.got: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  the library's name
        self.got.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@pytest.fixture
def mails() -> Iterator[tuple[Mails, str]]:
    handler = Mails()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, f"mailto://127.0.0.1:{port}?from=importer@plant.example&to=anna@plant.example&mode=insecure"
    controller.stop()


class FakeClock:
    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    async def sleep(self, seconds: float) -> None:
        self.at += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.at, lambda: self.at, self.sleep)


def telling(
    tmp_path: Path, hook: Hook | None, fake: FakeClock, *, urls: tuple[str, ...] = (), when: When = "now", **more: Any
) -> Telling:
    found = channels(urls, f"{hook.url}/hook" if hook else "", SECRET)
    kinds: Any = {"failure": when, "rejects": when, "success": when}
    return Telling(Outbox(tmp_path / "outbox"), found, kinds, language("en"), clock=fake.clock, **more)


def rejects(key: str = "one", **more: Any) -> Handled:
    values: dict[str, Any] = {"run": "20261126T010000Z-aaaaaa", "outcomes": {"assigned": 5, "rejected": 2}, "rows": 7}
    return Handled(key, "list.csv", "", 3, "problems", report=Path("/reports/run"), **values | more)


async def test_a_webhook_gets_what_happened_what_to_do_and_where_the_report_is_signed(
    hook: Hook, tmp_path: Path
) -> None:
    told = telling(tmp_path, hook, FakeClock())
    told.keep(rejects())
    await told.after_pass()
    await told.close(patiently=True)
    (message,) = hook.got
    (file,) = message["files"]
    assert (message["kind"], message["title"]) == ("rejects", "Importer: list.csv has rows that need a look")
    assert file["happened"] == "5 assigned, 2 rejected"
    assert "not_assigned.csv" in file["to_do"]
    assert file["report"] == "/reports/run"
    assert file["outcomes"] == {"assigned": 5, "rejected": 2}
    headers = hook.seen[0].headers
    signed = f"{headers['X-Importer-Timestamp']}.".encode() + hook.bodies[0]
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Importer-Signature"] == f"sha256={expected}"


async def test_what_a_webhook_refuses_is_kept_and_told_later_once(hook: Hook, tmp_path: Path) -> None:
    fake = FakeClock()
    hook.refuses = 3
    begun = fake.at
    told = telling(tmp_path, hook, fake)
    told.keep(rejects())
    await told.close(patiently=True)
    assert (len(hook.got), len(hook.seen)) == (1, 4)
    assert fake.at - begun == pytest.approx(1 + 2 + 4, abs=0.5)
    assert len({request.headers["X-Importer-Delivery"] for request in hook.seen}) == 1
    again = telling(tmp_path, hook, fake)
    again.keep(rejects())
    await again.close(patiently=True)
    assert len(hook.got) == 1


async def test_what_can_not_be_told_outlives_the_process(hook: Hook, tmp_path: Path) -> None:
    fake = FakeClock()
    hook.refuses = 1000
    first = telling(tmp_path, hook, fake)
    first.keep(rejects())
    await first.close(patiently=True)
    assert hook.got == []
    hook.refuses = 0
    fake.at += 3600
    await telling(tmp_path, hook, fake).close(patiently=True)
    assert [message["kind"] for message in hook.got] == ["rejects"]


async def test_a_mail_comes_through_apprise(mails: tuple[Mails, str], tmp_path: Path) -> None:
    handler, url = mails
    told = telling(tmp_path, None, FakeClock(), urls=(url,))
    told.keep(rejects())
    await told.close(patiently=True)
    (mail,) = handler.got
    assert (mail["Subject"], mail["To"]) == ("Importer: list.csv has rows that need a look", "anna@plant.example")
    text = mail.get_body(("plain", "html")).get_content()
    assert "5 assigned, 2 rejected" in text
    assert "What to do: Correct not_assigned.csv" in text


async def test_a_channel_that_is_away_does_not_keep_others_from_being_told(
    hook: Hook, mails: tuple[Mails, str], tmp_path: Path
) -> None:
    handler, url = mails
    fake = FakeClock()
    hook.refuses = 2
    told = telling(tmp_path, hook, fake, urls=(url,))
    told.keep(rejects())
    await told.close(patiently=True)
    assert (len(handler.got), len(hook.got)) == (1, 1)


async def test_a_digest_names_all_lists_of_a_pass_once(hook: Hook, tmp_path: Path) -> None:
    fake = FakeClock()
    told = telling(tmp_path, hook, fake, when="digest")
    told.keep(rejects())
    told.keep(Handled("two", "other.csv", "", 0, "done", outcomes={"assigned": 9}))
    message = Message("list_empty", "", {"name": "bad.csv"})
    told.keep(Handled("three", "bad.csv", "", 2, "failed", message=message))
    for _ in range(2):
        await told.after_pass()
        await told.close(patiently=True)
    (digest,) = hook.got
    assert digest["title"] == "Importer: 1 imported, 1 with problems, 1 failed"
    assert [file["file"] for file in digest["files"]] == ["list.csv", "other.csv", "bad.csv"]
    assert all(name in digest["text"] for name in ("list.csv", "other.csv", "bad.csv"))


async def test_a_digest_of_the_night_comes_at_its_time_whichever_process_is_there_then(
    hook: Hook, tmp_path: Path
) -> None:
    fake = FakeClock()
    six = timedelta(hours=6)

    def next_six(now: datetime) -> datetime:
        today = now.replace(hour=0, minute=0, second=0, microsecond=0) + six
        return today if today > now else today + timedelta(days=1)

    fake.at = datetime(2026, 11, 26, 22, tzinfo=UTC).timestamp()
    for hour in range(12):
        told = telling(tmp_path, hook, fake, when="digest", next_digest=next_six)
        told.keep(rejects(f"key {hour}"))
        await told.after_pass()
        await told.close(patiently=True)
        fake.at += 3600
    assert [len(message["files"]) for message in hook.got] == [9]


async def test_each_pass_ends_with_a_ping_though_not_more_than_one_a_minute(hook: Hook, tmp_path: Path) -> None:
    fake = FakeClock()
    told = telling(tmp_path, None, fake, ping_url=f"{hook.url}/ping")
    for _ in range(4):
        await told.after_pass()
        await told.close(patiently=False)
        fake.at += 30
    assert hook.pings == 2


async def test_a_disk_that_is_full_harms_nothing(hook: Hook, tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("no directory")
    told = telling(tmp_path, hook, FakeClock())
    told.keep(rejects())
    await told.after_pass()
    await told.close(patiently=True)
    assert hook.got == []


def test_a_webhook_without_a_secret_that_signs_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        channels((), "https://hook.example/", "")
    assert caught.value.message.code == "secret_missing"


def test_an_address_that_is_none_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        channels(("nonsense://secret@host",), "", "")
    assert caught.value.message.code == "notify_url_wrong"
    assert "secret" not in str(caught.value)
