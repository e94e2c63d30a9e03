import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.gs1.codes import LONGEST, parse_serial
from importer.model import Parsed
from importer.serial_text import SerialText

ALPHABET = "".join(chr(code) for code in range(0x21, 0x7F) if isinstance(parse_serial(chr(code)), Parsed))
serials = st.lists(st.text(ALPHABET, min_size=1, max_size=LONGEST), max_size=5)


@given(serials)
def test_serials_come_back_as_they_were(given_serials: list[str]) -> None:
    text = SerialText.of(given_serials)
    assert (list(text), len(text)) == (given_serials, len(given_serials))
    assert SerialText(text.text, len(text)) == text


def test_each_serial_ends_with_a_line_feed() -> None:
    assert SerialText.of(["a,b", '"q', "=1+1"]).text == b'a,b\n"q\n=1+1\n'


@pytest.mark.parametrize(("serial", "plain"), [("A-1", True), ("a/b", True), ('"q', False)])
def test_a_quotation_mark_is_not_plain_in_json(serial: str, *, plain: bool) -> None:
    assert SerialText.of(["A1", serial]).plain is plain
