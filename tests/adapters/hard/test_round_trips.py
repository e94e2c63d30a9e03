"""Whatever legal list is written, in whatever way lists are written, it is read back to the same serials."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hard_files import write_openpyxl, write_xlsxwriter
from hard_rows import GTIN
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes import staged

from importer.gs1 import codes
from importer.gs1.characters import CSET_82
from importer.gs1.suspect import Suspect
from importer.sources.headers import ALIASES, fold
from importer.sources.noise import TOTALS
from importer.staging.checks import CheckSettings

_HEADER = ("SerialNumber", "GTIN", "Batch", "ExpirationDate")
_DATES = ("281130", "2028-11-30", "30.11.2028", "20281130", "30/11/2028")
_GTINS = (GTIN, GTIN[1:])
_SERIAL = st.text(CSET_82, min_size=1, max_size=20)
_SERIALS = st.lists(_SERIAL, min_size=1, max_size=30, unique=True)
_NO_TOTALS = st.lists(_SERIAL.filter(lambda serial: fold(serial) not in TOTALS), min_size=1, max_size=30, unique=True)
"""Where a list has nothing but serials, TOTAL may end it; such a row is a reject."""
_BATCHES = st.text(CSET_82, min_size=1, max_size=20)
_RUNS = settings(max_examples=60, deadline=None, derandomize=True)


def read_back(content: bytes, **options: Any) -> list[str]:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "list"
        path.write_bytes(content)
        result = staged(path, CheckSettings(accept=tuple(Suspect)), **options)
    assert not result.rejects
    return result.serials()


def rows(serials: Sequence[str], batch: str, gtin: str, date: str) -> list[list[str]]:
    return [[serial, gtin, batch, date] for serial in serials]


@st.composite
def texts(draw: st.DrawFn) -> tuple[list[str], bytes]:
    """Serials, and a text list that holds them."""
    serials = draw(_SERIALS)
    body = rows(serials, draw(_BATCHES), draw(st.sampled_from(_GTINS)), draw(st.sampled_from(_DATES)))
    if draw(st.booleans()):
        body = [[f'="{s}"' if '"' not in s else s, *rest] for s, *rest in body]
    names = [draw(st.sampled_from(ALIASES[role])) for role in ("serial", "gtin", "batch", "expiry")]
    order = draw(st.permutations(range(4)))
    delimiter = draw(st.sampled_from(",;\t|"))
    out = io.StringIO()
    if draw(st.booleans()):
        out.write(f"sep={delimiter}\r\n")
    elif draw(st.booleans()):
        out.write("Week 47\r\n\r\n")
    quoting: Any = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    end = draw(st.sampled_from(["\r\n", "\n"]))
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerows([row[at] for at in order] for row in [names, *body])
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]))
    return serials, packed(out.getvalue().encode(encoding), draw(st.sampled_from(["", "gz", "zip"])))


def packed(content: bytes, how: str) -> bytes:
    if how == "gz":
        return gzip.compress(content)
    if how == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("list.csv", content)
        return out.getvalue()
    return content


@_RUNS
@given(texts())
def test_text_lists(made: tuple[list[str], bytes]) -> None:
    serials, content = made
    assert read_back(content) == serials


@_RUNS
@given(_NO_TOTALS, _BATCHES)
def test_lists_of_one_column(serials: list[str], batch: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["Serial"], *([serial] for serial in serials)])
    assert read_back(out.getvalue().encode(), gtin=GTIN, batch=batch, expiry="281130") == serials


@pytest.mark.parametrize("write", [write_xlsxwriter, write_openpyxl])
@settings(_RUNS, max_examples=25)
@given(serials=_SERIALS, batch=_BATCHES, gtin=st.sampled_from(_GTINS), date=st.sampled_from(_DATES))
def test_workbooks(write: object, serials: list[str], batch: str, gtin: str, date: str) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "list.xlsx"
        write(path, rows(serials, batch, gtin, date))  # type: ignore[operator]
        assert read_back(path.read_bytes()) == serials


def scan(form: str, serial: str, batch: str) -> str:
    if form == "brackets":
        return f"(01){GTIN}(17)281130(10){batch}(21){serial}"
    return f"01{GTIN}1728113010{batch}\x1d21{serial}"


_NO_BRACKETS = st.lists(
    st.text(sorted(set(CSET_82) - set("()<>_")), min_size=1, max_size=20), min_size=1, max_size=20, unique=True
)


@_RUNS
@given(_NO_BRACKETS, st.sampled_from(["brackets", "raw"]))
def test_scanned_codes(serials: list[str], form: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["Scan"], *([scan(form, serial, "B1")] for serial in serials)])
    assert read_back(out.getvalue().encode()) == serials


@_RUNS
@given(_SERIALS)
def test_epcis_documents(serials: list[str]) -> None:
    plain = "".join(f"%{ord(c):02X}" if c in '"%&/<>?' else c for c in "\n".join(serials)).split("\n")
    event = {
        "type": "ObjectEvent", "action": "ADD", "bizStep": "commissioning",
        "epcList": [f"urn:epc:id:sgtin:4006381.033393.{serial}" for serial in plain],
        "ilmd": {"cbvmda:lotNumber": "B1", "cbvmda:itemExpirationDate": "2028-11-30"},
    }  # fmt: skip
    document = {"type": "EPCISDocument", "epcisBody": {"eventList": [event]}}
    assert read_back(json.dumps(document).encode()) == serials


def test_the_gtin_of_these_lists_is_one() -> None:
    assert codes.check_digit_of(GTIN[:-1]) == GTIN[-1]
