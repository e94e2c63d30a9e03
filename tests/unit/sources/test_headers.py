# ruff: noqa: RUF001  the names are in other languages
from __future__ import annotations

import pytest

from importer.sources.headers import ALIASES, fold, match, role_of


@pytest.mark.parametrize(
    ("header", "role"),
    [
        pytest.param("SerialNumber", "serial", id="the vendor's own"),
        pytest.param(" serial_number ", "serial", id="case, spaces and punctuation do not count"),
        pytest.param("SERIENNUMMER", "serial", id="German serial"),
        pytest.param("N° de série", "serial", id="French serial"),
        pytest.param("Nº de serie", "serial", id="Spanish serial"),
        pytest.param("Numer seryjny", "serial", id="Polish serial"),
        pytest.param("Sériové číslo", "serial", id="Czech serial"),
        pytest.param("Серийный номер", "serial", id="Russian serial"),
        pytest.param("Seri numarası", "serial", id="Turkish serial"),
        pytest.param("Numero di serie", "serial", id="Italian serial"),
        pytest.param("Serienummer", "serial", id="Dutch serial"),
        pytest.param("Nr serii", "batch", id="false friend: Polish batch"),
        pytest.param("Серия", "batch", id="false friend: Russian batch"),
        pytest.param("Номер серии", "batch", id="false friend: Russian batch number"),
        pytest.param("Charge", "batch", id="false friend: German batch"),
        pytest.param("Ch.-B.", "batch", id="German batch as printed on packs"),
        pytest.param("Šarže", "batch", id="Czech batch"),
        pytest.param("Número do lote", "batch", id="Portuguese batch"),
        pytest.param("Expiry (YYMMDD)", "expiry", id="a hint in brackets does not count"),
        pytest.param("Data ważności", "expiry", id="Polish expiry, with a letter that has no accent to take off"),
        pytest.param("SON KULLANMA TARİHİ", "expiry", id="Turkish expiry in capitals with dots"),
        pytest.param("Срок годности", "expiry", id="Russian expiry"),
        pytest.param("Date de péremption", "expiry", id="French expiry"),
        pytest.param("(01)", "gtin", id="an application identifier"),
        pytest.param("Ürün kodu", "gtin", id="Turkish product"),
        pytest.param("Sıra no", None, id="false friend: the Turkish count of rows"),
        pytest.param("Manufacturing date", None, id="another date"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_a_header_names_its_role(header: str, role: str | None) -> None:
    assert role_of(header) == role


def test_no_name_stands_for_two_roles() -> None:
    roles: dict[str, str] = {}
    for role, names in ALIASES.items():
        for name in names:
            assert roles.setdefault(fold(name), role) == role, name


def test_a_chosen_column_wins_over_the_known_names() -> None:
    found = match(["Serial number", "My serials", "GTIN"], {"my SERIALS": "serial"})
    assert found.claims == {"serial": [1], "gtin": [2]}


def test_two_columns_may_claim_one_role() -> None:
    assert match(["Lot", "Batch"], {}).claims == {"batch": [0, 1]}


def test_what_the_report_adds_is_not_unknown() -> None:
    headers = [
        "SerialNumber",
        "row",
        "outcome",
        "code",
        "message",
        "chunk",
        "attempts",
        "recorded_at",
        "sheet",
        "Shift",
    ]
    assert match(headers, {}).unknown == [9]


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("Artikelnr. (GTIN)", "gtin"),
        ("Los [Charge]", "batch"),
        ("Haltbar (EXP)", "expiry"),
        ("SSCC (serial)", None),
        ("Menge (GTIN) (Charge)", None),
    ],
)
def test_a_hint_in_brackets_tells_the_role_where_it_alone_does(header: str, role: str | None) -> None:
    assert role_of(header) == role
