from __future__ import annotations

import pytest

from importer.gs1.nothing import means_nothing
from importer.gs1.suspect import Suspect
from importer.model import Batch
from importer.staging.batch_facts import suspects, warnings

ONE, OTHER = "04006381333931", "00036000291452"


def batches(*names: str, gtin: str = ONE) -> list[Batch]:
    return [Batch(gtin, name, "271130") for name in names]


@pytest.mark.parametrize(
    ("names", "held", "code"),
    [
        pytest.param(("'B1", "'B2"), [0, 1], Suspect.COMMON_MARK, id="an_apostrophe_before_each"),
        pytest.param(("'B1",), [0], Suspect.COMMON_MARK, id="an_apostrophe_before_the_only_one"),
        pytest.param(("1.2E+07", "1.3E+07", "B1"), [0, 1], Suspect.EXPONENTS, id="exponents"),
        pytest.param(("2-Sep", "3-Sep", "B1"), [0, 1], Suspect.DATES, id="dates"),
    ],
)
def test_batch_numbers_that_are_damaged_together_are_held_back(
    names: tuple[str, ...], held: list[int], code: Suspect
) -> None:
    found = suspects(batches(*names))
    assert sorted(found) == held
    assert {reject.code for reject in found.values()} == {code}


@pytest.mark.parametrize(
    "names", [("1.2E+07", "B1"), ("2-Sep", "B1"), ("'B1", "B2"), ("Mar", "Apr"), ("B17", "B18"), ()], ids=str
)
def test_a_single_odd_batch_number_is_not_held_back(names: tuple[str, ...]) -> None:
    assert suspects(batches(*names)) == {}


def test_a_batch_number_under_two_products_is_a_warning() -> None:
    found = warnings([*batches("B1", "B2"), *batches("B1", gtin=OTHER)], {0: 10, 1: 5, 2: 7})
    assert found == {"batch_under_two_products": 17}


@pytest.mark.parametrize(
    ("names", "rows", "slips"),
    [
        pytest.param(("B17", "B18"), (100, 1), 1, id="one_row_of_another_digit"),
        pytest.param(("B17", "B18"), (100, 90), 0, id="two_batches"),
        pytest.param(("B17", "X17"), (100, 1), 0, id="another_letter"),
        pytest.param(("B17", "B81"), (100, 1), 0, id="two_digits"),
        pytest.param(("B17", "B18", "B19"), (100, 1, 2), 3, id="two_slips"),
    ],
)
def test_few_rows_whose_batch_number_differs_in_a_digit_are_a_warning(
    names: tuple[str, ...], rows: tuple[int, ...], slips: int
) -> None:
    assert sum(warnings(batches(*names), dict(enumerate(rows))).values()) == slips


def test_another_expiry_tells_that_it_is_another_batch() -> None:
    assert warnings([Batch(ONE, "B17", "271130"), Batch(ONE, "B18", "271231")], {0: 100, 1: 1}) == {}


@pytest.mark.parametrize(
    "text",
    [
        "NULL",
        "null",
        "N/A",
        "n.a.",
        "NA",
        "-",
        "--",
        "?",
        "TBD",
        "tbc",
        "None",
        "(none)",
        "<null>",
        "nil",
        "k.A.",
        "keine",
        "unbekannt",
        "entfällt",
        "s.o.",
        "néant",
        "n.d.",
        "nessuno",
        "s/d",
        "desconocido",
        "sin lote",
        "sem lote",
        "não aplicável",
        "brak",
        "b.d.",
        "není",
        "neuvedeno",
        "нет",
        "н/д",
        "не указано",
        "geen",
        "n.v.t.",
        "yok",
        "boş",
        "XXX",
        "xxxx",
        "—",
        "no batch",
        "*",
    ],
)
def test_a_word_for_nothing_is_known_in_every_language_of_the_headers(text: str) -> None:
    assert means_nothing(text)


@pytest.mark.parametrize(
    "text",
    [
        "B17",
        "NA1",
        "ND",
        "0",
        "000",
        "X",
        "XX",
        "A",
        "N",
        "SO1",
        "NB",
        "1",
        "NONE5",
        "keine1",
        "",
        "TBD2",
        "N17",
        "LOT",
        "A-1",
        "nr 7",
    ],
)
def test_a_batch_number_is_no_word_for_nothing(text: str) -> None:
    assert not means_nothing(text)
