import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_serial_text import serials

from importer.api import wire
from importer.model import Batch, Chunk
from importer.serial_text import SerialText

batches = st.builds(
    Batch, st.just("01234567891231"), st.text("AZ09\"/'%&-", min_size=1, max_size=20), st.just("271130")
)


def written(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def lines(each: list[str], status: str = "Assigned") -> list[dict[str, str]]:
    return [{"serial_number": serial, "status": status} for serial in each]


@given(serials.filter(bool), batches)
@example(["A1"], Batch("01234567891231", 'B"1', "271130"))
def test_a_request_is_the_json_of_its_chunk(each: list[str], batch: Batch) -> None:
    assert json.loads(wire.encode(Chunk(1, 1, batch, SerialText.of(each)))) == {
        "product_code": batch.gtin,
        "product_code_schema": "GTIN",
        "batch": batch.batch,
        "expiry_date": batch.expiry,
        "serials": each,
    }


def test_the_usual_answer_is_known_by_its_bytes() -> None:
    body = written({"success": True, "message": "Serials commissioned", "data": lines(["A1", "b/2"]), "more": [1]})
    assert wire.says_all_assigned(body, SerialText.of(["A1", "b/2"]))


TWO = SerialText.of(["A1", "B2"])
GOOD = written(lines(["A1", "B2"]))
OTHERS: dict[str, bytes] = {
    "other-order": written({"data": lines(["B2", "A1"])}),
    "one-missing": written({"data": lines(["A1"])}),
    "one-more": written({"data": lines(["A1", "B2", "C3"])}),
    "other-status": written({"data": lines(["A1", "B2"], "Rejected")}),
    "last-one-refused": written({"data": [*lines(["A1"]), *lines(["B2"], "Rejected")]}),
    "not-in-data": b'{"failed":%b,"data":[]}' % GOOD,
    "deeper": b'{"result":{"data":%b}}' % GOOD,
    "twice-deep": b'{"data":[%b]}' % GOOD,
    "cut-off": b'{"data":%b' % GOOD,
    "in-a-text": b'{"data":"%b"}' % GOOD,
    "in-an-escaped-text": written({"data": GOOD.decode()}),
    "alone": GOOD,
    "data-again": b'{"data":%b,"data":[]}' % GOOD,
    "a-page": b"<html>%b</html>" % GOOD,
    "nothing": b"",
}


@pytest.mark.parametrize("body", OTHERS.values(), ids=OTHERS.keys())
def test_what_is_not_the_usual_answer_is_not_taken_for_it(body: bytes) -> None:
    assert not wire.says_all_assigned(body, TWO)


def _damaged(body: bytes, draw: Callable[[st.SearchStrategy[Any]], Any]) -> bytes:
    start, end = sorted(draw(st.tuples(st.integers(0, len(body)), st.integers(0, len(body)))))
    piece: bytes = draw(
        st.sampled_from([b"", b'"', b"]", b"}", b"Assigned", b" ", b"A1", b',"data":[]', body[start:end] * 2])
    )
    return body[:start] + piece + body[end if draw(st.booleans()) else start :]


@given(serials.filter(bool), st.data())
def test_the_short_cut_never_says_more_than_the_decoder(each: list[str], data: st.DataObject) -> None:
    body = written({"success": True, "data": lines(each)})
    if data.draw(st.booleans()):
        body = _damaged(body, data.draw)
    if wire.says_all_assigned(body, SerialText.of(each)):
        assert wire.assigned_names(body) == each
