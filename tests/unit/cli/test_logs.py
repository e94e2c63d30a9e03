from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from importer.cli.logs import Level, configure
from importer.redaction import HIDDEN

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJhcGlfa2V5IjoiaHVzaCJ9.c2lnbmF0dXJl"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_elsewhere_than_on_a_terminal_an_event_is_one_json_line() -> None:
    stream = io.StringIO()
    configure("info", stream=stream)
    structlog.get_logger().info("chunk settled", chunk=7, batch="Ł1")
    [event] = lines(stream)
    assert event.pop("timestamp").endswith("Z")
    assert event == {"event": "chunk settled", "level": "info", "chunk": 7, "batch": "Ł1"}


def test_on_a_terminal_an_event_is_a_coloured_line_of_keys_and_values() -> None:
    stream = Terminal()
    configure("info", stream=stream)
    structlog.get_logger().info("chunk settled", chunk=7)
    assert "chunk settled" in stream.getvalue()
    assert "chunk" in stream.getvalue()
    assert "\x1b[" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize(
    ("level", "seen"),
    [
        pytest.param("debug", ["d", "i", "w", "e"], id="debug"),
        pytest.param("info", ["i", "w", "e"], id="info"),
        pytest.param("warning", ["w", "e"], id="warning"),
        pytest.param("error", ["e"], id="error"),
    ],
)
def test_events_below_the_level_are_left_out(level: Level, seen: list[str]) -> None:
    stream = io.StringIO()
    configure(level, stream=stream)
    log = structlog.get_logger()
    log.debug("d")
    log.info("i")
    log.warning("w")
    log.error("e")
    assert [event["event"] for event in lines(stream)] == seen


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["json", "terminal"])
@pytest.mark.parametrize(
    "secret", ["hush-hush-1", 'a"b\\c"defg', "ключ-ключ", JWT], ids=["plain", "escaped", "not_ascii", "jwt"]
)
def test_a_secret_is_seen_nowhere(stream: io.StringIO, secret: str) -> None:
    configure("debug", [secret], stream)
    log = structlog.get_logger().bind(bound=secret)
    try:
        int(secret)
    except ValueError:
        log.exception(secret, **{f"key {secret}": 1}, nested={"list": [secret]}, of_bytes=secret.encode())
    log.debug("value", header=f"Bearer {secret}")
    text = stream.getvalue()
    assert HIDDEN in text
    as_repr = repr(secret)[1:-1]
    for spelling in (secret, as_repr, json.dumps(secret)[1:-1], json.dumps(as_repr)[1:-1]):
        assert spelling not in text


def test_the_redacted_line_is_still_json() -> None:
    stream = io.StringIO()
    configure("info", ['a"b\\c"defg'], stream)
    structlog.get_logger().info("x", header='Bearer a"b\\c"defg')
    assert lines(stream)[0]["header"] == f"Bearer {HIDDEN}"


def test_a_token_fetched_later_can_be_told() -> None:
    stream = io.StringIO()
    configure("info", stream=stream).learn("opaque-token")
    structlog.get_logger().info("refreshed", token="opaque-token")
    assert lines(stream)[0]["token"] == HIDDEN


def test_what_other_libraries_log_takes_the_same_way() -> None:
    stream = io.StringIO()
    configure("debug", ["hush-hush"], stream)
    logging.getLogger("aiohttp.client").error("cut off with %s", "hush-hush")
    logging.getLogger("asyncio").debug("chatter")
    [event] = lines(stream)
    assert (event["event"], event["level"], event["logger"]) == (f"cut off with {HIDDEN}", "error", "aiohttp.client")


def test_warnings_are_log_events() -> None:
    stream = io.StringIO()
    configure("info", stream=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", stacklevel=1)
    assert "old" in lines(stream)[0]["event"]
