"""Damages real lists in every way that comes to mind, and reads them: each is read to its end or refused in one line.

Seeded: the same seed and number make the same file. `benchmarks/fuzz.py` runs many, a test runs some.
"""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from documents import documents
from saying import said

from importer.errors import SourceError
from importer.readers.opening import open_source
from importer.sources.options import SourceOptions
from importer.staging.checks import CheckSettings, check

ROOT = Path(__file__).parents[3]
_LONGEST_MESSAGE = 1000
_TODAY = date(2026, 11, 22)
_TOKENS = (
    *(b'"', b'""', b",", b";", b"\t", b"|", b"\n", b"\r", b"\r\n", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe"),
    *(b"sep=;\n", b'="', b"=1+1", b"\x1d", b"(01)", b"1E5", b"\xc3", b"\xed\xa0\x80", b"A" * 5000, b"," * 2000),
    *(b"<", b">", b"</row>", b"<c r=", b"&amp;", b"&x;", b"]]>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"9" * 400),
)


@dataclass(frozen=True, slots=True)
class Tried:
    """What reading a damaged file came to: rows, or what was said instead; `wrong` is set where that is a defect."""

    name: str
    rows: int = 0
    refused: str = ""
    wrong: str = ""


def originals() -> Mapping[str, bytes]:
    """Real lists by name, in every format that is at hand."""
    files = {path.name: path.read_bytes() for path in sorted((ROOT / "sample_data").iterdir()) if path.suffix != ".py"}
    extra = ROOT / "tests" / "adapters" / "hard" / "files"
    files |= {path.name: path.read_bytes() for path in sorted(extra.rglob("*.*")) if path.is_file()}
    messy = files["messy.csv"]
    files["messy.csv.gz"] = gzip.compress(messy, mtime=0)
    files["messy16.csv"] = messy.decode("utf-8-sig").encode("utf-16")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("messy.csv", messy)
    files["messy.zip"] = packed.getvalue()
    files |= documents(files["clean.csv"].decode("utf-8-sig"))
    return {name: data for name, data in files.items() if len(data) < 1 << 20}


def _flip(dice: random.Random, data: bytearray) -> None:
    for _ in range(dice.randint(1, 20)):
        data[dice.randrange(len(data))] = dice.randrange(256)


def _insert(dice: random.Random, data: bytearray) -> None:
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(data) + 1)
        data[at:at] = dice.choice(_TOKENS)


def _cut(dice: random.Random, data: bytearray) -> None:
    at = dice.randrange(len(data))
    del data[at : at + dice.choice([1, 10, 1000, len(data)])]


def _repeat(dice: random.Random, data: bytearray) -> None:
    start = dice.randrange(len(data))
    piece = data[start : start + dice.choice([5, 50, 3000])]
    at = dice.randrange(len(data))
    data[at:at] = piece * dice.choice([1, 2, 30])


def _noise(dice: random.Random, data: bytearray) -> None:
    data[:] = dice.randbytes(dice.randint(0, 5000))


_WAYS: Sequence[Callable[[random.Random, bytearray], None]] = (_flip, _insert, _cut, _repeat)


def _damage(dice: random.Random, data: bytes) -> bytes:
    worse = bytearray(data)
    if dice.random() < 0.05:
        _noise(dice, worse)
    for _ in range(dice.randint(1, 3)):
        if worse:
            dice.choice(_WAYS)(dice, worse)
    return bytes(worse)


def _damage_inside(dice: random.Random, data: bytes) -> bytes:
    """Damage one member of a zip archive (a workbook's sheet, say) and pack it again, so that it is looked at."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    chosen = dice.choice(sorted(members))
    members[chosen] = _damage(dice, members[chosen])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def damaged(files: Mapping[str, bytes], seed: int, number: int) -> tuple[str, bytes]:
    dice = random.Random(f"{seed}/{number}")
    name = dice.choice(sorted(files))
    data = files[name]
    inside = zipfile.is_zipfile(io.BytesIO(data)) and dice.random() < 0.8
    return name, (_damage_inside if inside else _damage)(dice, data)


def read(path: Path) -> Tried:
    """Read a list, in a process of its own, and check its rows. Anything but rows or a SourceError of one line is a
    defect.
    """
    try:
        rows = 0
        for part in open_source(path, SourceOptions()):
            checked = check(part.table, part.faults, CheckSettings(), _TODAY)
            rows += part.table.num_rows
            if checked.table.num_rows + checked.rejects.num_rows != part.table.num_rows:
                return Tried(path.name, rows, wrong="rows were lost in the checks")
    except SourceError as error:
        text = said(error)
        short = len(text) <= _LONGEST_MESSAGE and "\n" not in text
        return Tried(
            path.name, refused=text, wrong="" if short else f"a message of {len(text)} characters: {text[:200]!r}"
        )
    except BaseException as error:  # noqa: BLE001  a panic of native code is no Exception
        return Tried(path.name, wrong=f"{type(error).__name__}: {str(error)[:300]}")
    return Tried(path.name, rows)
