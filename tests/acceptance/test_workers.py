"""Several workers share a ledger in PostgreSQL: one sends for the channel; when it is gone, another goes on."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from boxes import Box
from commands import COMMAND, Importer
from conftest import StartBox
from lists import packs, write_csv
from postgres_server import PostgresServer


class Plant:
    """Hosts that share a ledger; each has a directory of its own."""

    def __init__(self, directory: Path, url: str, box: Box) -> None:
        self._directory, self.url, self.box = directory, url, box
        self._started: list[subprocess.Popen[bytes]] = []
        self.env = {
            **box.env,
            "IMPORTER_LEDGER__URL": url,
            "IMPORTER_LIMITS__CHUNK_SIZE": "10",
            "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "20",
            "IMPORTER_LIMITS__MAX_IN_FLIGHT": "4",
            "IMPORTER_API__TIMEOUT_SECONDS": "5",
        }

    def host(self, name: str) -> Importer:
        directory = self._directory / name
        directory.mkdir(exist_ok=True)
        return Importer(directory)

    def worker(self, name: str) -> subprocess.Popen[bytes]:
        host = self.host(name)
        with (host.cwd / "log").open("wb") as log:
            process = subprocess.Popen(
                [*COMMAND, "worker"], cwd=host.cwd, env=host.environ(self.env), stdout=log, stderr=log
            )
        self._started.append(process)
        return process

    def requests(self) -> int:
        return sum(visit.serials > 0 for visit in self.box.requests())

    def owner(self) -> str:
        """The process id of the worker that sends; empty: none."""
        with psycopg.connect(self.url) as db:
            found = db.execute(
                "SELECT owner FROM importer.lease WHERE owner != '' AND expires_at > clock_timestamp()"
            ).fetchone()
        return found[0].split("/")[1] if found else ""

    def in_doubt(self) -> int:
        """Chunks that are, or ever were."""
        with psycopg.connect(self.url) as db:
            found = db.execute("SELECT count(*) FROM importer.chunk WHERE doubt != 0").fetchone()
        assert found
        return int(found[0])

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()


def until(comes: Callable[[], object], seconds: float = 40.0) -> None:
    ends = time.monotonic() + seconds
    while not comes():
        assert time.monotonic() < ends
        time.sleep(0.05)


@pytest.fixture
def plant(tmp_path: Path, postgres: PostgresServer, sandbox: StartBox) -> Iterator[Plant]:
    plant = Plant(tmp_path, postgres.new_database(), sandbox("channel_keys="))
    yield plant
    plant.close()


def listed(plant: Plant, count: int, prefix: str = "S") -> Path:
    return write_csv(plant.host("desk").cwd / f"{prefix}.csv", packs(count, prefix=prefix))


def test_a_list_that_is_handed_over_is_sent_by_a_worker_and_reported_where_it_was_handed_over(plant: Plant) -> None:
    plant.worker("a")
    source = listed(plant, 100)
    result = plant.host("desk")("run", "--queue", source, "--json", env=plant.env)
    assert (result.code, result.json["outcomes"]["assigned"]) == (0, 100)
    assert len(plant.box.commissioned()) == 100
    assert "worker" in plant.host("desk")("status", "last", "--json", env=plant.env).json


def test_when_the_owner_is_killed_another_sends_on_within_15_seconds(plant: Plant) -> None:
    workers = {str(one.pid): one for one in (plant.worker("a"), plant.worker("b"))}
    source = listed(plant, 6000)
    assert plant.host("desk")("run", "--queue", "--no-wait", source, env=plant.env).code == 0
    until(lambda: plant.requests() > 20)
    owner = plant.owner()
    workers[owner].kill()
    killed, before = time.monotonic(), plant.requests()
    until(lambda: plant.requests() > before + 5)
    assert time.monotonic() - killed < 15
    assert plant.owner() not in {owner, ""}


def test_an_owner_that_was_paused_for_longer_than_its_lease_sends_nothing_among_the_others_requests(
    plant: Plant,
) -> None:
    workers = {str(one.pid): one for one in (plant.worker("a"), plant.worker("b"))}
    assert plant.host("desk")("run", "--queue", "--no-wait", listed(plant, 3000), env=plant.env).code == 0
    until(lambda: plant.requests() > 20)
    owner = plant.owner()
    workers[owner].send_signal(signal.SIGSTOP)
    until(lambda: plant.owner() not in {owner, ""})
    before = plant.requests()
    until(lambda: plant.requests() > before + 5)
    workers[owner].send_signal(signal.SIGCONT)
    until(lambda: len(plant.box.commissioned()) == 3000)
    ticks = sorted(visit.tick for visit in plant.box.requests() if visit.serials)
    assert max(sum(start <= tick < start + 1 for tick in ticks) for start in ticks) <= 21


def test_a_run_without_workers_has_the_channel_to_itself(plant: Plant) -> None:
    plant.worker("a")
    desk = plant.host("desk")
    assert desk("run", "--queue", "--no-wait", listed(plant, 3000), env=plant.env).code == 0
    until(lambda: plant.requests() > 20)
    busy = desk("run", listed(plant, 50, "D"), env=plant.env)
    assert busy.code == 75
    assert "--queue" in busy.err
    until(lambda: len(plant.box.commissioned()) == 3000)
    until(lambda: not plant.owner())
    assert desk("resume", env=plant.env).code == 0
    assert len(plant.box.commissioned()) == 3050


def test_two_channels_of_one_tenant_don_t_send_one_product_at_the_same_time(plant: Plant) -> None:
    """Else each could send what the other has sent already."""
    tenant = {"IMPORTER_API__TENANT": "plant"}
    one, other = (plant.env | tenant | {"IMPORTER_API__CHANNEL_KEY": key} for key in ("line-1", "line-2"))
    desk = plant.host("desk")
    sending = desk.start("run", listed(plant, 3000), env=one)
    until(lambda: plant.requests() > 5)
    result = desk("run", listed(plant, 3000, "S"), env=other)
    sending.send(signal.SIGTERM)
    assert sending.ended().code == 143
    assert result.code == 75


def test_a_worker_that_is_told_to_end_finishes_what_is_in_flight_and_gives_the_channel_free(plant: Plant) -> None:
    workers = {str(one.pid): one for one in (plant.worker("a"), plant.worker("b"))}
    source = listed(plant, 3000)
    assert plant.host("desk")("run", "--queue", "--no-wait", source, env=plant.env).code == 0
    until(lambda: plant.requests() > 20)
    owner = plant.owner()
    workers[owner].send_signal(signal.SIGTERM)
    assert workers[owner].wait(20) == 143
    assert plant.owner() != owner
    before = plant.requests()
    until(lambda: plant.requests() > before + 5)
    assert plant.in_doubt() == 0


def test_workers_wait_for_a_server_that_is_restarted_and_go_on(plant: Plant, postgres: PostgresServer) -> None:
    plant.worker("a")
    source = listed(plant, 2000)
    assert plant.host("desk")("run", "--queue", "--no-wait", source, env=plant.env).code == 0
    until(lambda: plant.requests() > 20)
    postgres.restart(signal.SIGQUIT)
    before = plant.requests()
    until(lambda: plant.requests() > before + 40, 20)


def test_an_urgent_list_goes_before_one_that_is_being_sent(plant: Plant) -> None:
    plant.worker("a")
    desk = plant.host("desk")
    assert desk("run", "--queue", "--no-wait", listed(plant, 6000), env=plant.env).code == 0
    until(lambda: plant.requests() > 20)
    urgent = desk("run", "--queue", "--priority", listed(plant, 50, "U"), "--json", env=plant.env)
    assert urgent.json["outcomes"]["assigned"] == 50
    assert len(plant.box.commissioned()) < 3000


def test_equals_have_their_turns(plant: Plant) -> None:
    plant.worker("a")
    desk = plant.host("desk")
    assert desk("run", "--queue", "--no-wait", listed(plant, 6000), env=plant.env).code == 0
    until(lambda: plant.requests() > 20)
    small = desk("run", "--queue", listed(plant, 50, "T"), "--json", env=plant.env)
    assert small.json["outcomes"]["assigned"] == 50
    assert len(plant.box.commissioned()) < 3000


def test_a_worker_sends_nothing_outside_of_the_times_of_the_schedule(plant: Plant) -> None:
    desk = plant.host("desk")
    assert desk("run", "--queue", "--no-wait", listed(plant, 20), env=plant.env).code == 0
    closed = {**plant.env, "IMPORTER_SCHEDULE__WINDOWS": "holiday 08:00-12:00"}
    assert desk("worker", "--once", env=closed).code == 0
    assert plant.requests() == 0
    assert desk("worker", "--once", env=plant.env).code == 0
    assert len(plant.box.commissioned()) == 20


def test_after_a_restore_nothing_is_sent_until_a_person_has_put_in_doubt_what_may_be_missing(plant: Plant) -> None:
    desk = plant.host("desk")
    assert desk("run", listed(plant, 20, "A"), env=plant.env).code == 0
    with psycopg.connect(plant.url) as db:
        db.execute("UPDATE importer.server SET identity = 'the one before'")
    refused = desk("run", listed(plant, 20, "B"), env=plant.env)
    assert (refused.code, "ledger doubt --since" in refused.err) == (1, True)
    assert len(plant.box.commissioned()) == 20
    assert desk("ledger", "doubt", "--since", "1h", env=plant.env).code == 0
    assert plant.in_doubt() == 2
    assert desk("resume", env=plant.env).code == 0
    assert desk("run", listed(plant, 20, "C"), env=plant.env).code == 0
    assert plant.in_doubt() == 4, "what is staged afterwards may have been sent by a run that was forgotten"


def test_without_a_shared_ledger_there_are_no_workers(importer: Importer, env: dict[str, str]) -> None:
    result = importer("worker", env=env)
    assert result.code == 2
    assert "ledger.url" in result.err
