"""What a person has looked up becomes the fate of a chunk that is unknown, whole or in parts, and of no other."""

from __future__ import annotations

import pytest
from ledger_builders import ASSIGNED, chunks_of, looking, planned, rows_of, send, staged_run

from importer.errors import LedgerError
from importer.ledger.ports import Place
from importer.model import ChunkState, Doubt, Fate, Outcome, Part, Settlement
from importer.reconcile import LOST, RESOLVED_ASSIGNED, RESOLVED_NOT_ASSIGNED

FOUND, ABSENT = Fate(Outcome.ASSIGNED, RESOLVED_ASSIGNED), Fate(Outcome.REFUSED, RESOLVED_NOT_ASSIGNED)
UNKNOWN = Settlement(ChunkState.SETTLED, LOST, doubt=Doubt.THIS_RUN)


async def test_an_unknown_chunk_is_resolved_in_parts_and_stays_in_doubt(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        number = staged_run(ledger, planned(rows_of(["A", "B", "C"])))
        await send(ledger, number, chunks_of(place, number)[0], UNKNOWN)
        (chunk,) = view.problem_chunks(number, 9)
        parts = [Part([0], FOUND), Part([1], ABSENT), Part([2], chunk.fate)]
        ledger.resolve(number, chunk.id, Settlement(ChunkState.CUT, parts=parts))
        found = list(view.chunks_by_key(number))
    assert [one.fate for one in found if one.fate] == [FOUND, ABSENT, LOST]
    assert {one.doubt for one in found} == {Doubt.THIS_RUN}


async def test_what_an_answer_has_settled_is_never_resolved(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        number = staged_run(ledger, planned(rows_of(["A"])))
        (chunk,) = chunks_of(place, number)
        await send(ledger, number, chunk, ASSIGNED)
        with pytest.raises(LedgerError):
            ledger.resolve(number, chunk.id, Settlement(ChunkState.SETTLED, ABSENT))
        assert [one.fate for one in view.chunks_by_key(number)] == [ASSIGNED.fate]
