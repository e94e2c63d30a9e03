"""Headers of the eleven languages in every encoding that a list from there comes in, and as they look when it was
mistaken for another one. Codes are ASCII: the same packs go out each time.
"""

# ruff: noqa: RUF001  names are in other languages

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hard_rows import GTIN
from outcomes import staged
from saying import refused

from importer.errors import SourceError

HEADERS = {
    "en": "SerialNumber;GTIN;Batch;Use by",
    "de": "Seriennummer;GTIN;Charge;Gültig bis",
    "fr": "N° de série;Code GTIN;N° de lot;Date de péremption",
    "it": "Numero di serie;GTIN;Lotto;Scadenza",
    "es": "Número de serie;GTIN;Número de lote;Fecha de expiración",
    "pt": "Número de série;Código GTIN;Nº do lote;Data de expiração",
    "pl": "Numer seryjny;GTIN;Nr serii;Data ważności",
    "cs": "Sériové číslo;GTIN;Šarže;Použitelné do",
    "ru": "Серийный номер;ГТИН;Серия;Годен до",
    "nl": "Serienummer;GTIN;Partij;Houdbaar tot",
    "tr": "Seri numarası;GTIN numarası;Parti numarası;Son kullanma tarihi",
}
PAGES = {
    "de": "cp1252 cp850 cp437 mac_roman iso8859_1 iso8859_9 iso8859_2 cp1250 cp1254",
    "fr": "cp1252 cp850 cp437 mac_roman iso8859_1 iso8859_9",
    "es": "cp1252 cp850 cp437 mac_roman iso8859_1",
    "pt": "cp1252 cp850 mac_roman iso8859_1",
    "pl": "cp1250 iso8859_2 cp852 mac_latin2",
    "cs": "cp1250 iso8859_2 cp852 mac_latin2",
    "ru": "cp1251 koi8_r cp866 iso8859_5 mac_cyrillic cp855",
    "tr": "cp1254 iso8859_9 cp857 mac_turkish",
}
WIDE = "utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be"
MISTAKEN = {
    "de": "cp1252 cp1250 cp1251 mac_roman cp850 cp437 iso8859_1",
    "fr": "cp1252 cp1250 mac_roman cp850 cp437 iso8859_1",
    "es": "cp1252 mac_roman cp850",
    "pt": "cp1252 mac_roman cp850",
    "pl": "cp1252 mac_roman cp850 iso8859_1",
    "cs": "mac_roman cp850 iso8859_1",
    "ru": "cp1251 mac_roman cp850 iso8859_1 cp866",
    "tr": "cp1252 cp1254 mac_roman cp850 iso8859_1",
}


def content(language: str) -> str:
    return f"{HEADERS[language]}\r\nA1;{GTIN};B1;30.11.2028\r\nA2;{GTIN};B1;30.11.2028\r\n"


def check(path: Path, **options: Any) -> tuple[str, ...]:
    result = staged(path, **options)
    assert (result.serials(), result.codes()) == (["A1", "A2"], {})
    assert [(b.gtin, b.batch, b.expiry) for b in result.batches] == [(GTIN, "B1", "281130")]
    return tuple(map(str, result.remarks))


@pytest.mark.parametrize(
    ("language", "page"), [(language, page) for language, pages in PAGES.items() for page in pages.split()]
)
def test_a_list_in_a_code_page_of_its_language_is_read_and_says_so(tmp_path: Path, language: str, page: str) -> None:
    (tmp_path / "list").write_bytes(content(language).encode(page))
    assert any("--encoding" in remark for remark in check(tmp_path / "list"))


@pytest.mark.parametrize("language", HEADERS)
@pytest.mark.parametrize("encoding", WIDE.split())
def test_a_list_in_unicode_is_read_with_and_without_its_mark(tmp_path: Path, language: str, encoding: str) -> None:
    (tmp_path / "list").write_bytes(content(language).encode(encoding))
    assert check(tmp_path / "list") == ()


@pytest.mark.parametrize(
    ("language", "page"), [(language, page) for language, pages in MISTAKEN.items() for page in pages.split()]
)
def test_headers_that_were_saved_in_the_wrong_encoding_are_known_and_told(
    tmp_path: Path, language: str, page: str
) -> None:
    (tmp_path / "list").write_text(content(language).encode().decode(page, "replace"), "utf-8")
    assert any("wrong encoding" in remark for remark in check(tmp_path / "list"))


@pytest.mark.parametrize("language", ["de", "fr", "es", "pt", "pl", "cs", "tr"])
@pytest.mark.parametrize("mark", ["?", "\ufffd"])
def test_headers_that_lost_letters_are_known_where_one_name_fits(tmp_path: Path, language: str, mark: str) -> None:
    lossy = "".join(char if char.isascii() else mark for char in content(language))
    (tmp_path / "list").write_text(lossy, "utf-8")
    check(tmp_path / "list")


def test_a_mistaken_name_twice_over_is_known(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(content("fr").encode().decode("cp1252").encode().decode("cp1252"), "utf-8")
    check(tmp_path / "list")


def test_what_is_not_ascii_beside_the_codes_disturbs_nothing(tmp_path: Path) -> None:
    rows = f"Serial;GTIN;Batch;Expiry;Produkt\r\nA1;{GTIN};B1;281130;Größe L\r\nA2;{GTIN};B1;281130;x\r\n"
    (tmp_path / "list").write_bytes(rows.encode("cp1252"))
    check(tmp_path / "list")


def test_names_of_which_nothing_is_left_are_an_error_that_shows_them(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(content("ru").encode("ascii", "replace"))
    with refused(SourceError, r"\?{8} \?{5}"):
        staged(tmp_path / "list")
