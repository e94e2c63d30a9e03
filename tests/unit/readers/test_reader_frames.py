"""Frames on a pipe."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterator

import pytest

from importer.readers.frames import MOST, BrokenFrameError, Frame, receive, send


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for end in (read, write):
        try:
            os.close(end)
        except OSError:
            continue


def took(pipe: int) -> tuple[Frame, bytes]:
    frame = receive(pipe)
    assert frame
    return frame[0], bytes(frame[1])


def test_a_frame_arrives_as_it_was_sent(pipe: tuple[int, int]) -> None:
    read, write = pipe
    send(write, Frame.ROWS, [b"one", b"", memoryview(b"two")])
    send(write, Frame.TICK)
    assert took(read) == (Frame.ROWS, b"onetwo")
    assert took(read) == (Frame.TICK, b"")


def test_a_frame_larger_than_the_pipe_arrives_whole(pipe: tuple[int, int]) -> None:
    read, write = pipe
    payload = os.urandom(3 << 20)
    sender = threading.Thread(target=send, args=(write, Frame.ROWS, [payload[:100], payload[100:]]))
    sender.start()
    frame = took(read)
    sender.join()
    assert frame == (Frame.ROWS, payload)


def test_a_pipe_that_is_closed_between_two_frames_has_ended(pipe: tuple[int, int]) -> None:
    read, write = pipe
    os.close(write)
    assert receive(read) is None


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x02", id="half a head"),
        pytest.param(struct.pack("<BI", 2, 10) + b"four", id="half a payload"),
        pytest.param(struct.pack("<BI", 99, 0), id="a type that there is not"),
        pytest.param(struct.pack("<BI", 2, MOST + 1), id="a size past every bound"),
    ],
)
def test_what_is_no_frame_is_broken(pipe: tuple[int, int], sent: bytes) -> None:
    read, write = pipe
    os.write(write, sent)
    os.close(write)
    with pytest.raises(BrokenFrameError):
        receive(read)


def test_a_reader_sends_nothing_past_the_bound(pipe: tuple[int, int]) -> None:
    with pytest.raises(BrokenFrameError):
        send(pipe[1], Frame.ROWS, [bytes(MOST + 1)])
