"""Three hosts, two channels, one ledger in PostgreSQL; owners are killed or paused, the server is restarted as after a
power cut, answers are lost. Then: every serial is accounted for on both sides, no request began in another's lease.

    python benchmarks/fleet_chaos.py --minutes 2 --seed 1

A host's requests pass a forwarder of its own, which notes when their first byte comes; a trigger of the database notes
who had the lease when. Seconds are counted at the forwarders: a sandbox that gets no turn on a busy machine takes what
has gathered at once.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import psycopg

from importer.errors import Exit
from importer.model import ChunkState

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / room) for room in ("acceptance", "adapters")]
from boxes import Box  # noqa: E402
from commands import COMMAND, Importer  # noqa: E402
from postgres_server import PostgresServer, binaries  # noqa: E402

HOSTS = ("a", "b", "c")
PRODUCTS = {"line-1": "09520001010019", "line-2": "09520001010026"}
QUOTA = 10
LEASE = 10.0
_PAUSE = LEASE + 3
_ROWS, _CHUNK = 3000, 10
_AT_LEAST = 4
"""Lists that wait, while the storm lasts."""
_WATCH = """
CREATE TABLE importer.lease_history (at timestamptz, channel text, owner text, token bigint, expires_at timestamptz);
CREATE FUNCTION importer.note_lease() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO importer.lease_history VALUES (CASE WHEN NEW.owner = '' THEN clock_timestamp()
        ELSE NEW.expires_at - interval '10 seconds' END, NEW.channel, NEW.owner, NEW.token, NEW.expires_at);
    RETURN NEW; END $$;
CREATE TRIGGER noted AFTER INSERT OR UPDATE ON importer.lease FOR EACH ROW EXECUTE FUNCTION importer.note_lease();
"""


class Begun(NamedTuple):
    at: float
    pid: int
    channel: str


class Forwarders:
    """Stands between workers and the sandbox as an HTTP proxy, one port a worker."""

    def __init__(self, url: str) -> None:
        self._url = url.encode()
        self._port = int(url.rsplit(":", 1)[1])
        self.begun: list[tuple[float, int]] = []
        """When the first byte of a request came, and at which port."""
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def open(self) -> int:
        """A new port."""
        return asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    async def _open(self) -> int:
        port = 0

        async def pair(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                there, back = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                writer.close()
                return
            await asyncio.gather(self._requests(reader, back, port), _copy(there, writer))

        server = await asyncio.start_server(pair, "127.0.0.1", 0)
        port = int(server.sockets[0].getsockname()[1])
        return port

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        try:
            while data := await reader.read(1 << 16):
                if data.startswith(b"POST "):
                    self.begun.append((time.time(), port))
                    data = data.replace(self._url, b"", 1)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


class Fleet:
    def __init__(self, directory: Path, server: PostgresServer, dice: random.Random) -> None:
        self.dice, self.server, self.directory = dice, server, directory
        self.box = Box(directory / "box.db", "channel_keys=", "twice=error", "commission:drop_after=0.1")
        self.url = server.new_database()
        self.forwarders = Forwarders(self.box.url)
        self.workers: dict[tuple[str, str], subprocess.Popen[bytes]] = {}
        self.pids: dict[int, tuple[int, str]] = {}
        """Port of a worker's forwarder to its process and channel."""
        self.listed: set[tuple[str, str]] = set()
        self.handed = Counter[str]()
        self.did = Counter[str]()
        self.desk = Importer(self.made("desk"))
        for channel in PRODUCTS:
            self.hand_over(channel)
        with self.connect() as db:
            db.execute(_WATCH)
        for host in HOSTS:
            for channel in PRODUCTS:
                self.start(host, channel)

    def made(self, name: str) -> Path:
        path = self.directory / name
        path.mkdir(exist_ok=True)
        return path

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.url, autocommit=True)

    def env(self, channel: str) -> dict[str, str]:
        limits = {"CHUNK_SIZE": _CHUNK, "REQUESTS_PER_SECOND": QUOTA, "MAX_IN_FLIGHT": 4, "MAX_FAILURE_PERCENT": 0}
        return {
            **self.box.env,
            "IMPORTER_LEDGER__URL": self.url,
            "IMPORTER_API__TENANT": channel,
            "IMPORTER_API__CHANNEL_KEY": channel,
            "IMPORTER_API__TIMEOUT_SECONDS": "5",
            "IMPORTER_REPORT__FORMATS": "csv",
            **{f"IMPORTER_LIMITS__{name}": str(value) for name, value in limits.items()},
        }

    def hand_over(self, channel: str) -> None:
        self.handed[channel] += 1
        prefix = f"{channel[-1]}x{self.handed[channel]}x"
        serials = [f"{prefix}{number:05}" for number in range(_ROWS)]
        lines = [f"{serial},{PRODUCTS[channel]},B1,491130\n" for serial in serials]
        source = self.desk.cwd / f"{prefix}.csv"
        source.write_text("SerialNumber,GTIN,Batch,ExpirationDate\n" + "".join(lines), "ascii")
        ended = self.desk("run", "--queue", "--no-wait", source, env=self.env(channel))
        if ended.code == 0:
            self.listed |= {(PRODUCTS[channel], serial) for serial in serials}
        elif ended.code != Exit.TRY_AGAIN:  # the server is being restarted
            raise AssertionError(ended.err)

    def start(self, host: str, channel: str) -> None:
        importer = Importer(self.made(f"{host}-{channel}"))
        port = self.forwarders.open()
        env = self.env(channel) | {"IMPORTER_API__PROXY": f"http://127.0.0.1:{port}"}
        with (importer.cwd / "log").open("ab") as log:
            process = subprocess.Popen(
                [*COMMAND, "worker"], cwd=importer.cwd, env=importer.environ(env), stdout=log, stderr=log
            )
        self.workers[host, channel] = process
        self.pids[port] = (process.pid, channel)

    def owner(self, channel: str) -> tuple[str, str] | None:
        """The worker that sends for a channel."""
        try:
            with self.connect() as db:
                rows = db.execute("SELECT channel, owner FROM importer.lease WHERE owner != ''").fetchall()
        except psycopg.OperationalError:
            return None
        pids = {int(str(row[1]).split("/")[1]) for row in rows}
        found = [key for key, one in self.workers.items() if key[1] == channel and one.pid in pids]
        return found[0] if found else None

    def disturb(self, channel: str) -> None:
        """Kill the owner, or pause it for longer than its lease."""
        key = self.owner(channel)
        if key is None:
            return
        process = self.workers[key]
        if self.dice.choice((True, False)):
            process.kill()
            process.wait()
            self.start(*key)
            self.did["killed"] += 1
            return
        process.send_signal(signal.SIGSTOP)
        self.did["paused"] += 1
        threading.Timer(_PAUSE, _go_on, [process]).start()

    def waiting(self) -> int:
        with self.connect() as db:
            row = db.execute("SELECT count(*) FROM importer.queued WHERE waits").fetchone()
        return int(str(row[0])) if row else 0

    def close(self) -> None:
        for process in self.workers.values():
            process.kill()
            process.wait()
        self.box.kill()


def _go_on(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)


def go(fleet: Fleet, minutes: float) -> None:
    """The storm, then calm until nothing waits. Raises AssertionError where it makes no progress."""
    dice, ends = fleet.dice, time.monotonic() + minutes * 60
    at: dict[str | None, float] = {None: time.monotonic() + dice.uniform(20, 40)}
    at |= {channel: time.monotonic() + dice.uniform(8, 15) for channel in PRODUCTS}
    while time.monotonic() < ends:
        time.sleep(0.2)
        for what in [what for what, moment in at.items() if moment < time.monotonic()]:
            at[what] = time.monotonic() + (dice.uniform(40, 90) if what is None else dice.uniform(20, 30))
            if what is None:
                fleet.server.restart()
                fleet.did["restarted"] += 1
            else:
                fleet.disturb(what)
        if fleet.waiting() < _AT_LEAST:
            fleet.hand_over(dice.choice(list(PRODUCTS)))
    calm = time.monotonic() + 600
    while fleet.waiting():
        assert time.monotonic() < calm, "the workers don't come to an end"
        time.sleep(0.5)


def wrongs(fleet: Fleet) -> list[str]:
    """What must not be."""
    with fleet.connect() as db:
        rows = db.execute(
            "SELECT run.id, chunk.outcome, chunk.serials, chunk.state FROM importer.chunk "
            "JOIN importer.run ON run.num = chunk.run WHERE chunk.state != 3"
        ).fetchall()
    found = [f"{row[0]} has {row[2]} serials without an outcome" for row in rows if row[3] != ChunkState.SETTLED]
    told: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for run in sorted({str(row[0]) for row in rows}):
        reports = fleet.made("reports")
        ended = fleet.desk("report", run, "--report-dir", reports, env=fleet.env("line-1"))
        found += [f"{run}: {ended.err}"] if ended.code else []
        for name in ("assigned", "not_assigned"):
            for line in (reports / run / f"{name}.csv").read_text("utf-8-sig").splitlines()[1:]:
                serial, gtin, *_ = line.split(",")
                told[line.split(",")[5]].add((gtin, serial))
    taken = fleet.box.commissioned()
    every = set().union(*told.values())
    found += [f"{len(fleet.listed ^ every)} serials are in lists or reports only"] if fleet.listed ^ every else []
    for outcome, keys in told.items():
        if outcome == "assigned" and keys - taken:
            found.append(f"{len(keys - taken)} serials are assigned in the report only")
        if outcome not in {"assigned", "unknown"}:
            found.append(f"{len(keys)} serials are {outcome}, {len(keys & taken)} of them taken")
    fleet.did.update({f"serials {outcome}": len(keys) for outcome, keys in told.items()})
    return found + _strangers(fleet) + _too_many(fleet)


def _strangers(fleet: Fleet) -> list[str]:
    """Requests that one process began while another had the lease."""
    with fleet.connect() as db:
        rows = db.execute(
            "SELECT extract(epoch FROM at)::float8, channel, owner FROM importer.lease_history ORDER BY at"
        ).fetchall()
    history: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for at, channel, owner in rows:
        pid = int(str(owner).split("/")[1]) if owner else 0
        history[str(channel)].append((float(str(at)), pid))
    by_pid = {pid: channel for channel, taken in history.items() for _, pid in taken if pid}
    late = []
    for at, port in fleet.forwarders.begun:
        pid, _ = fleet.pids[port]
        if pid not in by_pid:
            late.append(float("inf"))
            continue
        taken = history[by_pid[pid]]
        place = bisect_right(taken, (at, sys.maxsize)) - 1
        if place >= 0 and taken[place][1] not in {pid, 0}:
            late.append(at - max(moment for moment, one in taken[: place + 1] if one == taken[place][1]))
    fleet.did["requests"] = len(fleet.forwarders.begun)
    return [f"{len(late)} requests began in another's lease, {max(late):.3f} s into it"] if late else []


def _too_many(fleet: Fleet) -> list[str]:
    found = []
    for channel in PRODUCTS:
        ticks = sorted(at for at, port in fleet.forwarders.begun if fleet.pids[port][1] == channel)
        most = max(bisect_right(ticks, tick + 1) - place for place, tick in enumerate(ticks))
        fleet.did[f"most in a second of {channel}"] = most
        if most > QUOTA + 1:
            found.append(f"a second of {channel} holds {most} requests, {QUOTA} are allowed")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    programs = binaries()
    if programs is None:
        sys.exit("postgresql is not installed: Debian's package `postgresql` has its server")
    directory = Path(tempfile.mkdtemp(prefix="fleet-chaos-"))
    server = PostgresServer(programs)
    try:
        fleet = Fleet(directory, server, random.Random(given.seed))
        try:
            go(fleet, given.minutes)
            found = wrongs(fleet)
        finally:
            fleet.close()
    finally:
        server.close()
    print(f"seed {given.seed}, {given.minutes} minutes: {dict(fleet.did)}; logs in {directory}")
    print("\n".join(found) or "every serial is accounted for, no request began in another's lease")
    least = given.minutes * 60 * QUOTA / 4
    if fleet.did["requests"] < least:
        found.append(f"{fleet.did['requests']} requests are too little progress")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
