from __future__ import annotations

from string import Formatter

import pytest

from importer.web.words.translating import german, pairs

_SAMPLES = {
    "n": ("12,480", "12.480"),
    "digits": ("042", "042"),
    "role": ("batch number", "Charge"),
    "roles": ("serial, the GTIN, the expiry", "Seriennummer, GTIN und Verfalldatum"),
    "listed": ('"a", "b" and 3 more', '"a", "b" und 3 weitere'),
    "file": ("a PDF", "ein PDF"),
    "done": ("sent (its answer was lost)", "gesendet (Antwort verloren)"),
    "outcome": ("rejected", "abgewiesen"),
    "month": ("March", "März"),
    "dates": ("5 June 2028 or 6 May 2028", "5. Juni 2028 oder 6. Mai 2028"),
    "expiries": ("281130 in 1 row, 281231 in 2 rows", "281130 in 1 Zeile, 281231 in 2 Zeilen"),
    "row": ("row 5 of sheet X", "Zeile 5 des Blatts X"),
    "char": ("SPACE", "ein Leerzeichen"),
    "runs": ("A, B or one of 3 others", "A, B oder einem von 3 anderen"),
    "cause": ("no answer in time", "keine Antwort in der Zeit"),
    "said": ("no reason given", "kein Grund angegeben"),
    "message": ("the time is up", "die Zeit ist um"),
}


def _filled(text: str, language: int) -> str:
    values = {}
    for _, hole, _, _ in Formatter().parse(text):
        if hole:
            kind = hole.rstrip("0123456789")
            values[hole] = _SAMPLES.get(kind, (f"<{hole}>", f"<{hole}>"))[language]
    return text.format(**values)


@pytest.mark.parametrize(("english", "translated"), pairs())
def test_each_message_comes_out_as_its_german_and_as_no_other(english: str, translated: str) -> None:
    assert german(_filled(english, 0)) == _filled(translated, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Something that nobody has translated.",
        "Not sent. Something that nobody has translated.",
        "The colour is missing. Enter 1 to 20 characters.",
        "x" * 10_000,
    ],
)
def test_what_is_not_known_whole_is_not_translated(text: str) -> None:
    assert german(text) is None


def test_a_value_stands_in_the_german_as_it_stood_in_the_english() -> None:
    value = '"{role} <b>%s</b>"'
    assert german(f"GTIN {value} is all zeros, which is no product. Enter the product's GTIN.") == (
        f"GTIN {value} besteht nur aus Nullen, das ist kein Produkt. Die GTIN des Produkts eintragen."
    )


def test_a_message_within_a_message_needs_no_full_stop_of_its_own() -> None:
    said = (
        "The run stopped before its turn: The API can't be reached (3 attempts): no answer in time. Check "
        "base_url, proxy and network, or try again later. `importer resume 20261122T071500Z-7f3a9c` goes on."
    )
    assert german(said) == (
        "Der Lauf wurde vorher beendet: Die API ist nicht erreichbar (3 Versuche): keine Antwort in der Zeit. "
        "base_url, Proxy und Netz prüfen, oder später noch einmal versuchen. „Fortsetzen“ macht weiter."
    )
