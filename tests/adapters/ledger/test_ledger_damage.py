"""Whatever is damaged in a ledger's file, what is read of it is what was written, or LedgerDamaged."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from ledger_builders import ASSIGNED, REFUSED, by_serial, chunks_of, cut, looking, planned, rows_of, send, staged_run
from saying import refused

from importer.errors import LedgerDamaged
from importer.ledger import fingerprint_index
from importer.ledger.ports import View
from importer.ledger.sqlite import view as view_module
from importer.ledger.sqlite.ledger import SqliteLedger
from importer.model import Fate, Outcome


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "importer.db"


@pytest.fixture(autouse=True)
def _each_look_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found sound is looked at again at once: here one file is many ledgers."""
    monkeypatch.setattr(view_module, "_REST", -1)


async def varied(path: Path) -> None:
    """A ledger with something in each of its tables, of several pages."""
    with SqliteLedger(path) as ledger:
        for number in (1, 2):
            serials = [[f"R{number}S{n:03}{k:02}" for k in range(12)] for n in range(8)]
            run = staged_run(ledger, *(planned(rows_of(s, 2 + 50 * n)) for n, s in enumerate(serials)), number=number)
            entries = fingerprint_index.entries(np.arange(1, 90, dtype=np.uint64), np.ones(89, np.uint64))
            ledger.add_rejects(run, 900, 910, 2, b"a stream of rejects" * 20)
            ledger.add_fingerprints(run, fingerprint_index.pieces(entries))
            await ledger.running(run, "unknown")
            first, second, third, fourth, *_ = chunks_of(path, run)
            await send(ledger, run, first, ASSIGNED)
            await send(ledger, run, second, REFUSED)
            await send(ledger, run, third, cut(range(6), range(6, 12)))
            fates = [Fate(Outcome.REFUSED, "api_refused", {"said": f"no {n}"}) for n in range(12)]
            await send(ledger, run, fourth, by_serial(*fates))


READERS: dict[str, Callable[[View], object]] = {
    "runs": lambda view: view.runs(),
    "find": lambda view: view.run("20261122T071500Z-000002"),
    "counts": lambda view: (view.chunk_counts(2), view.reject_counts(2)),
    "chunks": lambda view: [(astuple(one), view.rows(one.id).serials) for one in view.chunks_by_key(2)],
    "planned": lambda view: [_of_root(view, root) for root in range(1, 9)],
    "to_send": lambda view: [astuple(one) for one in view.to_send(2, (0, 0), 100)],
    "rejects": lambda view: list(view.rejects(2)),
    "requests": lambda view: (view.request_counts(2), [astuple(one) for one in view.attempts(2)]),
    "fingerprints": lambda view: [piece.tolist() for piece in view.fingerprints(2, 0, 100)],
    "batches": lambda view: (view.batches(2), view.products("")),
    "events": lambda view: view.events(),
}


def _of_root(view: View, root: int) -> list[object]:
    chunks = view.chunks_of_root(2, root)
    return [*map(astuple, chunks), view.columns(chunks).serials.to_pylist()]


def read(path: Path) -> dict[str, object]:
    """What each reader gets; None: it says that the ledger is damaged."""
    found: dict[str, object] = dict.fromkeys(READERS)
    with suppress(LedgerDamaged), looking(path) as view:
        for name, reader in READERS.items():
            with suppress(LedgerDamaged):
                found[name] = reader(view)
    return found


def zeroed(data: bytes, at: int) -> bytes:
    return data[:at] + bytes(512) + data[at + 512 :]


def flipped(data: bytes, at: int) -> bytes:
    at += at // 512 % 512
    return data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]


def swapped(data: bytes, at: int) -> bytes:
    page = at // 4096 * 4096 or 4096
    other = page + 4096 if page + 8192 <= len(data) else 4096
    low, high = sorted((page, other))
    return (
        data[:low] + data[high : high + 4096] + data[low + 4096 : high] + data[low : low + 4096] + data[high + 4096 :]
    )


@pytest.mark.parametrize("damage", [zeroed, flipped, swapped], ids=lambda one: one.__name__)
def test_no_reader_shows_what_was_not_written(path: Path, damage: Callable[[bytes, int], bytes]) -> None:
    asyncio.run(varied(path))
    whole, data = read(path), path.read_bytes()
    assert None not in whole.values()
    noticed = 0
    for at in range(0, len(data), 512 if damage is not swapped else 4096):
        path.write_bytes(damage(data, at))
        found = read(path)
        wrong = [name for name, said in found.items() if said not in (None, whole[name])]
        assert not wrong, (at, wrong)
        noticed += None in found.values()
    assert noticed > len(data) // 512 // 20


def test_a_page_of_an_older_state_is_noticed(path: Path) -> None:
    async def go_on() -> None:
        with SqliteLedger(path) as ledger:
            for chunk in chunks_of(path, 2):
                await send(ledger, 2, chunk, ASSIGNED)

    asyncio.run(varied(path))
    old = path.read_bytes()
    asyncio.run(go_on())
    new, whole = path.read_bytes(), read(path)
    for page in range(4096, len(old), 4096):
        path.write_bytes(new[:page] + old[page : page + 4096] + new[page + 4096 :])
        assert [name for name, said in read(path).items() if said not in (None, whole[name])] == []


CHANGES = [
    ("run", "UPDATE run SET source_name = 'other.csv' WHERE num = 1", "the runs are"),
    ("chunk", "UPDATE chunk SET outcome = 'assigned' WHERE outcome = 'refused'", "the chunks of run"),
    ("json", "UPDATE chunk SET message = '{' WHERE message != ''", "the chunks of run"),
    ("missing", "DELETE FROM chunk WHERE state = 2", "the chunks of run"),
    ("batch", "UPDATE batch SET expiry = '301231'", "the batches of run"),
    ("attempt", "UPDATE attempt SET verdict = 'no such'", "the requests of run"),
    ("reject", "UPDATE reject SET count = count + 1", "the rejected rows of run"),
    ("rows", "UPDATE chunk_rows SET rows = (SELECT rows FROM chunk_rows AS o WHERE o.chunk = 1)", "parts of it"),
    ("fingerprint", "DELETE FROM fingerprint WHERE first = 1", "the fingerprints of serials of run"),
]


@pytest.mark.parametrize(("sql", "words"), [change[1:] for change in CHANGES], ids=[change[0] for change in CHANGES])
async def test_what_another_program_changes_is_damage(path: Path, sql: str, words: str) -> None:
    await varied(path)
    db = sqlite3.connect(path)
    with db:
        assert db.execute(sql).rowcount > 0
    db.close()

    def everything() -> Iterator[object]:
        with looking(path) as view:
            yield from (reader(view) for reader in READERS.values())

    with refused(LedgerDamaged, words) as caught:
        list(everything())
    assert caught.value.exit_code == 1
    if words.endswith("of run"):
        with looking(path) as view, refused(LedgerDamaged, words.replace(" of run", " are")):
            view.check()


async def test_damage_is_not_made_to_look_sound_by_what_is_written_later(path: Path) -> None:
    await varied(path)
    db = sqlite3.connect(path)
    with db:
        db.execute("UPDATE chunk SET outcome = 'assigned' WHERE outcome = 'refused' AND run = 1")
    db.close()
    with SqliteLedger(path) as ledger:
        await ledger.renew(1)
        await ledger.renew(2)
    with looking(path) as view, refused(LedgerDamaged, "the chunks of run"):
        view.chunk_counts(1)
    with looking(path) as view:
        assert view.chunk_counts(2)
