"""What a reader may use, by kind and size of its file."""

from __future__ import annotations

import pytest

from importer.readers.limits import ReaderLimits, allowance

_MB = 1 << 20
_ZIP = b"PK\x03\x04"
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")


@pytest.mark.parametrize(
    ("head", "size", "megabytes", "cpu"),
    [
        pytest.param(b"SerialNu", 1000, 300, 20, id="small text"),
        pytest.param(b"SerialNu", 5000 * _MB, 300, 50_020, id="text of 100 M rows"),
        pytest.param(_ZIP, 1000, 300, 20, id="small workbook"),
        pytest.param(_OLE, 10 * _MB, 900, 120, id="workbook of 10 MB"),
        pytest.param(_ZIP, 60 * _MB, 2048, 620, id="workbook of a million rows"),
        pytest.param(b"\xef\xbb\xbf\n <?xml", 10 * _MB, 900, 120, id="document of 10 MB"),
    ],
)
def test_limits_grow_with_the_file(head: bytes, size: int, megabytes: int, cpu: int) -> None:
    allowed = allowance(ReaderLimits(), head, size)
    assert (allowed.megabytes, allowed.cpu) == (megabytes, cpu)


def test_memory_never_falls_below_what_text_may_use() -> None:
    assert allowance(ReaderLimits(memory_megabytes=500, most_memory_megabytes=100), _ZIP, _MB).megabytes == 500


def test_a_reader_has_a_second_at_least() -> None:
    assert allowance(ReaderLimits(cpu_seconds=0.1), b"", 0).cpu == 1
