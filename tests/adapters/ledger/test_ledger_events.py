from __future__ import annotations

import json
from pathlib import Path

import pytest
from ledger_builders import looking
from saying import refused

from importer.errors import LedgerError
from importer.events import Actor, Event, EventKind
from importer.ledger.sqlite import left_events
from importer.ledger.sqlite.ledger import SqliteLedger

ANNA = Actor("anna", "root", host="plant", tty="/dev/pts/3")
BEN = Actor("ben", door="page", host="plant", address="10.0.0.7")
RUN = "20261122T071500Z-000001"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "importer.db"


def test_an_event_is_read_back_as_it_was_recorded(path: Path) -> None:
    event = Event(EventKind.PRUNE, ANNA, RUN, "u1", {"runs": ["a", "b"]}, {}, "made\nroom 'x'", "2026-11-26T08:00:00Z")
    with SqliteLedger(path) as ledger:
        ledger.record_event(event)
    with looking(path) as view:
        assert view.events() == [event]


async def test_an_event_that_was_begun_is_open_until_it_is_closed_and_closed_once(path: Path) -> None:
    event = Event(EventKind.RETRY, ANNA, RUN, before={"refused": 3})
    with SqliteLedger(path) as ledger, looking(path) as view:
        await ledger.begin_event(event)
        (begun,) = view.events()
        await ledger.close_event(event, {"assigned": 3})
        await ledger.close_event(event, {"assigned": 4})
        (closed,) = view.events()
    assert begun.after is None
    assert (closed.before, closed.after) == ({"refused": 3}, {"assigned": 3})


def test_an_event_that_is_left_while_another_holds_the_ledger_is_read_at_once_and_recorded_once(path: Path) -> None:
    event = Event(EventKind.UPLOAD, BEN, upload="u1")
    with SqliteLedger(path) as ledger, looking(path) as view:
        left_events.leave_event(path, event)
        while_left = view.events()
        ledger.record_event(Event(EventKind.STOP, ANNA, RUN))
        taken = view.events()
    assert [one.id for one in while_left] == [event.id]
    assert [one.kind for one in taken] == [EventKind.UPLOAD, EventKind.STOP]
    assert not list(left_events.directory(path).iterdir())


def test_a_writer_that_was_killed_before_it_forgot_what_it_took_records_nothing_twice(path: Path) -> None:
    event = Event(EventKind.UPLOAD, BEN, upload="u1")
    SqliteLedger(path).close()
    left_events.leave_event(path, event)
    (file,) = left_events.directory(path).iterdir()
    content = file.read_bytes()
    SqliteLedger(path).close()
    file.write_bytes(content)
    with looking(path) as view:
        assert len(view.events()) == 1
    SqliteLedger(path).close()
    with looking(path) as view:
        assert len(view.events()) == 1


def test_what_was_done_with_the_list_belongs_to_the_run_that_was_made_of_it(path: Path) -> None:
    with SqliteLedger(path) as ledger, looking(path) as view:
        ledger.record_event(Event(EventKind.UPLOAD, BEN, upload="u1"))
        ledger.record_event(Event(EventKind.UPLOAD, BEN, upload="other"))
        ledger.record_event(Event(EventKind.CONFIRM, ANNA, RUN, "u1"))
        left_events.leave_event(path, Event(EventKind.CORRECT, BEN, upload="u1"))
        kinds = [event.kind for event in view.events(RUN)]
    assert kinds == [EventKind.UPLOAD, EventKind.CONFIRM, EventKind.CORRECT]


async def test_a_report_knows_what_happened_up_to_the_end_that_it_reports(path: Path) -> None:
    with SqliteLedger(path) as ledger, looking(path) as view:
        event = Event(EventKind.RUN, ANNA, RUN)
        await ledger.begin_event(event)
        left_events.leave_event(path, Event(EventKind.STOP, BEN, RUN))
        before = view.reported_events(RUN)
        await ledger.close_event(event, {"unsent": 1})
        left_events.leave_event(path, Event(EventKind.CONFIRM, BEN, RUN))
        ledger.record_event(Event(EventKind.GO_ON, BEN, RUN))
        kinds = [event.kind for event in view.reported_events(RUN)]
    assert before == []
    assert kinds == [EventKind.RUN, EventKind.STOP]


def test_events_are_told_from_a_moment_on(path: Path) -> None:
    with SqliteLedger(path) as ledger, looking(path) as view:
        for day in (1, 2, 3):
            ledger.record_event(Event(EventKind.LOG_IN, BEN, at=f"2026-11-0{day}T00:00:00.000Z"))
        assert [event.at[9] for event in view.events(since="2026-11-02")] == ["2", "3"]


def test_a_left_event_that_makes_no_sense_is_named_to_readers_and_keeps_no_writer_waiting(path: Path) -> None:
    SqliteLedger(path).close()
    left_events.leave_event(path, Event(EventKind.LOG_IN, BEN))
    (file,) = left_events.directory(path).iterdir()
    file.write_text(json.dumps({"kind": "assigned"}))
    with SqliteLedger(path):
        pass
    with looking(path) as view, refused(LedgerError, f"{file.name}.*not a valid EventKind"):
        view.events()
    assert file.exists()
