"""A list that was cut while it was copied shows it in its last line."""

from __future__ import annotations

from pathlib import Path

import pytest

from importer.sources.last_line import cut_short

HEADER = "GTIN,Batch,ExpirationDate,SerialNumber"
ROWS = [f"09520001010019,B1,290101,SN{number:08d}" for number in range(20)]
WHOLE = "\r\n".join([HEADER, *ROWS, ""])


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        pytest.param(WHOLE, None, id="whole"),
        pytest.param(WHOLE.rstrip(), None, id="whole, without the last line end"),
        pytest.param(WHOLE[: -len("90101,SN00000019\r\n")], 3, id="a field is missing"),
        pytest.param(WHOLE[:-5], 4, id="the last field is cut"),
        pytest.param(WHOLE.rstrip() + "\x1a", None, id="end-of-file mark of DOS"),
        pytest.param(f"{HEADER}\n{ROWS[0]}", None, id="one row"),
        pytest.param(f"{HEADER}\n0952000", 1, id="one row, cut"),
        pytest.param(HEADER, None, id="nothing but a header"),
        pytest.param("", None, id="empty"),
        pytest.param(
            f"{HEADER}\n" + "09520001010019,B1,290101,S1\n09520001010019,B1,290101,S",
            None,
            id="too few rows to tell how long a serial is",
        ),
        pytest.param(f'{HEADER}\n{ROWS[0]}\n09520001010019,"B', 2, id="cut within quotation marks"),
        pytest.param("\n".join(["Serial", *(f"SN{n:04d}" for n in range(9)), "SN"]), 1, id="one column, cut"),
    ],
)
def test_the_last_line_tells_whether_a_list_was_cut(text: str, fields: int | None, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode())
    found = cut_short(path, "utf-8", ",")
    assert (found.fields if found else None) == fields


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "cp1252"])
def test_of_a_long_list_only_the_end_is_read(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    whole = "\n".join([HEADER, *ROWS * 300]) + "\n"
    path.write_bytes(whole.encode(encoding))
    assert cut_short(path, encoding, ",") is None
    path.write_bytes(whole[:-14].encode(encoding))
    found = cut_short(path, encoding, ",")
    assert found is not None
    assert (found.fields, found.expected) == (3, 4)
