from __future__ import annotations

import gc

from ledger_builders import ASSIGNED, asked, chunks_of, cut, looking, planned, rows_of, send, spoil, staged_run
from saying import refused

from importer.errors import ConfigError, LedgerError
from importer.ledger.ports import Place


async def test_readers_see_each_commit_while_the_ledger_is_held(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        run = staged_run(ledger, planned(rows_of(["A"])), planned(rows_of(["B"], 3)))
        counts = []
        for chunk in chunks_of(place, run):
            await send(ledger, run, chunk, ASSIGNED)
            counts.append(sum(kept.fate is not None for kept in view.chunks_by_key(run)))
    assert counts == [1, 2]


async def test_a_reader_in_the_middle_of_a_run_does_not_hold_up_the_writer(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        run = staged_run(ledger, *(planned(rows_of([f"S{i}"], 2 + i)) for i in range(300)))
        reading = view.chunks_by_key(run)
        assert next(reading).fate is None
        for chunk in chunks_of(place, run)[:20]:
            await send(ledger, run, chunk, ASSIGNED)
        assert len(list(reading)) == 299


async def test_what_is_read_at_one_moment_is_the_same_whatever_is_written_meanwhile(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        run = staged_run(ledger, planned(rows_of(["A"])), planned(rows_of(["B"], 3)))
        first, second = chunks_of(place, run)
        with view.at_one_moment():
            before = view.chunk_counts(run)
            await send(ledger, run, first, ASSIGNED)
            assert view.chunk_counts(run) == before
            await send(ledger, run, second, ASSIGNED)
            assert [kept.fate for kept in view.chunks_by_key(run)] == [None, None]
        assert [kept.fate for kept in view.chunks_by_key(run)] == [ASSIGNED.fate, ASSIGNED.fate]


def test_an_unknown_run_is_named(place: Place) -> None:
    place.open().close()
    why = r'^There is no run "x" in ledger \S+\. `importer runs` lists them\.$'
    with looking(place) as view, refused(ConfigError, why):
        view.run("x")


def test_the_run_of_the_same_file_that_stopped_early_is_found(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        run = staged_run(ledger)
        twin = view.unfinished_twin("0" * 64, "{}", "")
        assert twin is not None
        assert twin.num == run
        assert view.unfinished_twin("1" * 64, "{}", "") is None
        assert view.unfinished_twin("0" * 64, '{"sheet":"2"}', "") is None
        assert view.unfinished_twin("0" * 64, "{}", "https://elsewhere") is None


def test_runs_come_in_the_order_in_which_they_began_whatever_their_ids_say(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        first, second = staged_run(ledger, number=9), staged_run(ledger, number=1)
        assert [run.num for run in view.runs()] == [first, second]
        youngest = view.unfinished_twin("0" * 64, "{}", "")
        assert youngest is not None
        assert youngest.num == second


def test_who_reads_no_further_is_not_heard_of_once_the_view_is_closed(place: Place) -> None:
    with place.open() as ledger:
        run = staged_run(ledger)
        with looking(place) as view:
            reading = view.chunks_by_key(run)
            next(reading)
        del reading
        gc.collect()


DAMAGE = r"^Ledger \S+ is damaged: parts of it are not as they were recorded, so nothing is shown .* Put back"


def test_a_chunk_with_a_flipped_bit_is_not_sent(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        run = staged_run(ledger)
        spoil(place, "chunk_rows", "rows")
        with refused(LedgerError, DAMAGE):
            chunks_of(place, run)
        with refused(LedgerError, DAMAGE):
            view.rows(1)


def test_a_chunk_that_holds_more_than_it_says_is_not_reported(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        run = staged_run(ledger)
        asked(place, "UPDATE chunk SET serials = serials - 1")
        with refused(LedgerError, r"is damaged: (the chunks of run \S+|parts of it) are not as they were recorded"):
            view.columns(list(view.chunks_by_key(run)))


async def test_a_chunk_with_a_flipped_bit_is_not_cut(place: Place) -> None:
    with place.open() as ledger:
        run = staged_run(ledger)
        (chunk,) = chunks_of(place, run)
        spoil(place, "chunk_rows", "rows")
        with refused(LedgerError, DAMAGE):
            await send(ledger, run, chunk, cut([0], [1, 2]))


def test_rejects_and_fingerprints_with_a_flipped_bit_are_not_read(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        run = staged_run(ledger)
        ledger.add_rejects(run, 2, 2, 1, b"a stream of rows")
        ledger.add_fingerprints(run, [(1, 2, b"\0" * 30)])
        spoil(place, "reject", "rows")
        with refused(LedgerError, DAMAGE):
            list(view.rejects(run))
        with refused(LedgerError, "is damaged"):
            list(view.fingerprints(run, 0, 9))
