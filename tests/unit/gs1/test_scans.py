from __future__ import annotations

import pytest

from importer.gs1.scans import Scan, is_scan, read_scan
from importer.model import Reject
from importer.words.language import language

say = language("en").say

G = "09520101001146"
ALL = Scan(G, "ABC123", "B1", "281130")


@pytest.mark.parametrize(
    ("text", "scan"),
    [
        pytest.param(f"(01){G}(17)281130(10)B1(21)ABC123", ALL, id="bracketed"),
        pytest.param(f" (01) {G} (17) 281130 (10) B1 (21) ABC123 ", ALL, id="bracketed with blanks"),
        pytest.param(f"(01){G}(21)AB(C(17)281130", Scan(G, "AB(C", "", "281130"), id="a bracket in the serial"),
        pytest.param(f"01{G}1728113010B1\x1d21ABC123", ALL, id="raw"),
        pytest.param(f"\x1d01{G}1728113010B1\x1d21ABC123\x1d", ALL, id="raw between two FNC1"),
        pytest.param(f"01{G}21ABC123\x1d1728113010B1", ALL, id="serial first"),
        *(
            pytest.param(f"01{G}1728113010B1{fnc1}21ABC123", ALL, id=f"FNC1 as {fnc1}")
            for fnc1 in ("<GS>", "{GS}", "[FNC1]", "~1", "^]", "^", "|", "\\x1d", "\\u001d", "_x001D_", "\u241d")
        ),
        *(
            pytest.param(f"{prefix}01{G}1728113010B1\x1d21ABC123", ALL, id=f"behind {prefix}")
            for prefix in ("]d2", "]Q3", "]C1", "]d2\x1d")
        ),
        pytest.param(f"01{G}1728113021ABC123", Scan(G, "ABC123", "", "281130"), id="no separator needed"),
        pytest.param(f"01{G}1728113010B1\x1d21A10B", Scan(G, "A10B", "B1", "281130"), id="10 in a serial that ends"),
        pytest.param(f"01{G}21ABC\x1d91EE06\x1d92x", Scan(G, "ABC"), id="other elements"),
        pytest.param("urn:epc:id:sgtin:0614141.112345.a%2Fb", Scan("10614141123459", "a/b"), id="EPC"),
        pytest.param("urn:epc:id:sgtin:0614141.112345.a%2fb", Scan("10614141123459", "a/b"), id="EPC, small hex"),
        pytest.param("urn:epc:tag:sgtin-96:3.0614141.112345.400", Scan("10614141123459", "400"), id="EPC tag 96"),
        pytest.param("urn:epc:tag:sgtin-198:0.0614141.112345.x.y", Scan("10614141123459", "x.y"), id="EPC tag 198"),
        pytest.param(f"https://id.gs1.org/01/{G}/10/B1/21/ABC123?17=281130", ALL, id="Digital Link"),
        pytest.param(f"https://x.de/p/q/01/{G}/21/ABC123?10=B1&17=281130&utm=1", ALL, id="Digital Link, any host"),
        pytest.param(f"HTTP://X.DE/01/{G}/21/A%2FB%2B?10=A+B", Scan(G, "A/B+", "A+B"), id="Digital Link, percent"),
        pytest.param(f"https://x/gtin/{G}/lot/B1/ser/ABC123?exp=281130", ALL, id="Digital Link 1.0 names"),
    ],
)
def test_a_scan_says_what_it_encodes(text: str, scan: Scan) -> None:
    assert is_scan(text)
    assert read_scan(text) == scan


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        pytest.param(f"01{G}1728113010B121ABC123", "scan_ambiguous", "(10)B121ABC123", id="separator lost after 10"),
        pytest.param(f"01{G}21ABC12317281130", "scan_ambiguous", "(21)ABC12317281130", id="separator lost after 21"),
        pytest.param(f"01{G}1728113021AB10C", "scan_ambiguous", "may hold another", id="a serial that may hold 10"),
        pytest.param(f"01{G}21{'A' * 20}1728113010B1", "scan_ambiguous", "is not marked", id="too long for one"),
        pytest.param(f"(01){G}(21)A(10)B(10)C", "scan_ambiguous", '(10) twice, as "B" and "C"', id="a batch twice"),
        pytest.param(f"https://x/01/{G}/21/A?10=B&10=C", "scan_ambiguous", "10 twice", id="Digital Link, twice"),
        pytest.param(f"(01){G}(17)281130(10)B1", "scan_incomplete", "holds no serial", id="no serial"),
        pytest.param("(17)281130(10)B1(21)ABC123", "scan_incomplete", "holds no GTIN", id="no GTIN"),
        pytest.param(f"01{G}05xxx", "scan_unreadable", 'no GS1 element begins at "05xxx"', id="no such element"),
        pytest.param("urn:epc:id:sscc:0614141.1234567890", "scan_unreadable", "no SGTIN", id="a logistic unit"),
        pytest.param("urn:epc:id:sgtin:061.112345.4", "scan_unreadable", "13 digits", id="a wrong company prefix"),
        pytest.param("https://example.com/a/page", "scan_unreadable", "holds no GTIN", id="a web page"),
    ],
)
def test_a_scan_that_leaves_a_doubt_is_rejected(text: str, code: str, words: str) -> None:
    assert is_scan(text)
    found = read_scan(text)
    assert isinstance(found, Reject)
    assert found.code == code
    assert words in say(found)


@pytest.mark.parametrize("text", ["X" * 21, "01" + "1" * 23, "AB#C", "urn:abc#", "Ä(01)"])
def test_what_is_only_no_serial_is_no_scan(text: str) -> None:
    assert not is_scan(text)
