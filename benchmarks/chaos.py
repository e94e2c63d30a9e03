"""Kills the importer again and again, and proves that nothing was lost and nothing claimed.

    python benchmarks/chaos.py --kills 1000 --seed 1 --warm

Each round makes a list, imports it once undisturbed, then some times more into a sandbox that loses 10 % of the
answers, gives 10 % 5xx (before and after the work), 20 % 429 and refuses 5 % of the serials, while the importer's real
command gets SIGKILL at random moments: while it starts, stages, sends and reports, also while it resumes. In a third of
the imports the API is away for a while instead (503, 502, cut connections, a web page): then no more chunks may be in
doubt than were in flight. In a third the wall clock jumps by hours between two commands; in a quarter a second importer
with a ledger of its own sends on the same channel, and no second may hold more requests than the limit. In the end
sandbox, ledger and report are compared row by row. The first difference ends it; the directory stays for a look.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chaos_list import List, gtin_of, make
from chaos_process import Starter
from chaos_proof import (
    How,
    Told,
    assigned_in,
    chunks_in_doubt,
    differences,
    most_in_a_second,
    received,
    resent,
    told,
)

from importer.flow.report import is_reported
from importer.ledger.sqlite.view import SqliteView

FAULTS = (
    "any:latency=1,seconds=0.002,jitter=0.02",
    "commission:drop_after=0.04",
    "commission:truncate=0.03",
    "commission:hang_after=0.02,seconds=1",
    "commission:hang_before=0.01,seconds=1",
    "commission:error_before=0.04",
    "commission:error_after=0.04",
    "commission:html_after=0.02",
    "commission:429=0.2,retry_after=0",
)
OUTAGES = ("503=1", "error_before=1,status=502", "drop_before=1", "html_before=1,status=200", "html_before=1")
"""How the API is away; nothing of such a request is taken, which the importer can't know."""
_DAY = 86_400.0
_FOREVER = 600.0
"""Seconds after which a command counts as hanging."""
_CASES_PER_LIST = 6
_FINAL = {0, 3, 5}
_KILLED = -9
_AWAY = 75
"""The API was away, and no chunk may be asked again whether it is back (unknown.policy = "hold")."""


class Different(Exception):  # noqa: N818  it says what was found
    """Sandbox, ledger and report do not agree."""


@dataclass(frozen=True, slots=True)
class Case:
    """One import with its faults; `directory` holds all of it."""

    starter: Starter
    directory: Path
    rows: List
    how: How
    options: tuple[str, ...]
    limits: tuple[tuple[str, str], ...]
    outage: bool = False
    """The API is away for a while, and spoils nothing else."""
    jumps: bool = False
    """The wall clock is wrong by hours, by others for each command."""
    shared: bool = False
    """A second importer sends on the same channel."""

    @property
    def ledger(self) -> Path:
        return self.directory / "importer.db"

    def limit(self, name: str) -> float:
        return float(dict(self.limits)[f"LIMITS__{name}"])

    @property
    def box(self) -> Path:
        return self.directory / "box.db"

    def environ(self, url: str) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("IMPORTER_")}
        ours = {
            "API__BASE_URL": url,
            "API__TOKEN": "sandbox-token",
            "API__CHANNEL_KEY": "sandbox-channel",
            "API__TIMEOUT_SECONDS": "0.3",
            "LIMITS__CHUNK_SIZE": "20",
            "LIMITS__MAX_ATTEMPTS": "60",
            "LIMITS__MAX_FAILURE_PERCENT": "0",
            "LIMITS__BACKOFF_SECONDS": "0.002",
            "UNKNOWN__POLICY": self.how.policy,
            "UNKNOWN__EXISTS_MEANS": self.how.exists_means,
            **dict(self.limits),
        }
        return {**clean, **{f"IMPORTER_{name}": value for name, value in ours.items()}}


@dataclass(slots=True)
class Tally:
    """What has been done so far."""

    kills: int = 0
    imports: int = 0
    rows: int = 0
    phases: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)

    def line(self, seed: int) -> str:
        minutes = (time.monotonic() - self.started) / 60
        phases = ", ".join(f"{count} {phase}" for phase, count in self.phases.most_common())
        outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in self.outcomes.most_common())
        return (
            f"seed {seed}: {self.kills:,} kills ({phases}) in {self.imports:,} imports of {self.rows:,} rows "
            f"({outcomes}), {minutes:.1f} min"
        )


class Sandbox:
    """The simulated API as a process of its own."""

    def __init__(self, case: Case) -> None:
        options = [f"ledger={case.box}", *case.rows.options, *case.options]
        source, sink = os.pipe()
        self._process = case.starter.start("importer.sandbox", ["--port", "0", *options], sink, case.directory)
        os.close(sink)
        with os.fdopen(source) as said:
            self.url: str = json.loads(said.readline())["url"]
        self._db = sqlite3.connect(f"file:{case.box}?mode=ro", uri=True)

    def requests(self) -> int:
        return int(self._db.execute("SELECT coalesce(max(number), 0) FROM visit").fetchone()[0])

    def close(self) -> None:
        self._db.close()
        self._process.kill()
        self._process.wait(_FOREVER)


class Killer:
    """Chooses moments: some time after the start, or some time after an event."""

    def __init__(self, dice: random.Random, case: Case, box: Sandbox, seconds: float) -> None:
        """`seconds` is how long a whole run takes."""
        self._dice = dice
        self._case = case
        self._box = box
        self._seconds = seconds

    def moment(self) -> Callable[[], bool]:
        """To be asked again and again; True when the time has come."""
        weights = (1, 0, 5, 2) if self._case.ledger.exists() else (1, 3, 4, 1)
        kind = self._dice.choices(("time", "staging", "request", "report"), weights)[0]
        event: Callable[[], bool]
        if kind == "time":
            event, pause = (lambda: True), self._dice.uniform(0.2, 1.0) * self._seconds
        elif kind == "staging":
            event, pause = self._case.ledger.exists, self._dice.uniform(0, 0.15)
        elif kind == "request":
            wanted = self._box.requests() + self._dice.randint(1, 12)
            event, pause = (lambda: self._box.requests() >= wanted), self._dice.uniform(0, 0.03)
        else:
            event, pause = self._drafts, self._dice.uniform(0, 0.08)
        return _After(event, pause)

    def _drafts(self) -> bool:
        return any(self._case.directory.glob("reports/*/.*.partial"))


class _After:
    def __init__(self, event: Callable[[], bool], pause: float) -> None:
        self._event = event
        self._pause = pause
        self._at: float | None = None

    def __call__(self) -> bool:
        now = time.monotonic()
        if self._at is None and self._event():
            self._at = now + self._pause
        return self._at is not None and now >= self._at


def execute(
    case: Case, url: str, arguments: list[str], kill_at: Callable[[], bool] | None, clock_off: float = 0.0
) -> int:
    """Run a command to its end (its exit code) or to its death (-9)."""
    with (case.directory / "output.txt").open("ab") as output:
        output.write(f"--- {' '.join(arguments)}\n".encode())
        output.flush()
        process = case.starter.start(
            "importer", arguments, output.fileno(), case.directory, case.environ(url), clock_off=clock_off
        )
    until = time.monotonic() + _FOREVER
    while kill_at and process.ended() is None and time.monotonic() < until:
        if kill_at():
            process.kill()
            break
        time.sleep(0.002)
    code = process.wait(_FOREVER)
    if code is None:
        process.kill()
        raise Different(f"`importer {' '.join(arguments)}` hangs")
    return code


def state_of(case: Case) -> tuple[str, str]:
    """The run's id and state; empty where there is none."""
    try:
        db = sqlite3.connect(f"file:{case.ledger}?mode=ro", uri=True)
    except sqlite3.OperationalError:
        return "", ""
    try:
        runs = db.execute("SELECT id, state FROM run WHERE state != 'staging'").fetchall()
    except sqlite3.OperationalError:
        return "", ""
    finally:
        db.close()
    if len(runs) > 1:
        raise Different(f"there are {len(runs)} runs: {runs}")
    return runs[0] if runs else ("", "")


def next_command(case: Case, dice: random.Random) -> list[str]:
    run, state = state_of(case)
    if not run:
        return ["run", "list.csv"]
    if state == "finished":
        return dice.choice((["resume", run], ["resume"], ["report", run]))
    return dice.choice((["run", "list.csv"], ["resume"], ["resume", run]))


def disturbed(case: Case, dice: random.Random, kills: int, seconds: float, tally: Tally) -> int:
    """Import with kills; the exit code of the end."""
    box = Sandbox(case)
    second = Second(case, box.url) if case.shared else None
    try:
        killer = Killer(dice, case, box, seconds)
        done = 0
        while True:
            moment = killer.moment() if done < kills else None
            command, (run, before) = next_command(case, dice), state_of(case)
            clock_off = dice.uniform(-_DAY, _DAY) if case.jumps else 0.0
            code = execute(case, box.url, command, moment, clock_off)
            if code != _KILLED and before == "finished" and command != ["resume", run]:
                must_be_reported(case, run, command)
                continue
            if code == _AWAY and case.outage and case.how.policy == "hold":
                continue
            if code != _KILLED:
                if second:
                    second.must_end_well()
                return code
            done += 1
            tally.kills += 1
            run, state = state_of(case)
            tally.phases[{"": "staging", "finished": "reporting"}.get(state, "sending")] += 1
            if state:
                killed_after(case, received(assigned_in(case.ledger), case.box))
    finally:
        box.close()
        if second:
            second.close()


class Second:
    """Another importer on the same channel, with a list and a ledger of its own."""

    ROWS = 120
    GTIN = gtin_of("0952999999999")

    def __init__(self, case: Case, url: str) -> None:
        self.directory = case.directory / "second"
        self.directory.mkdir()
        lines = [f"SECOND{number:06},{self.GTIN},S1,490128" for number in range(self.ROWS)]
        (self.directory / "list.csv").write_text("\n".join(["SerialNumber,GTIN,Batch,ExpirationDate", *lines, ""]))
        with (self.directory / "output.txt").open("wb") as output:
            self._process = case.starter.start(
                "importer", ["run", "list.csv"], output.fileno(), self.directory, case.environ(url)
            )

    def must_end_well(self) -> None:
        if (code := self._process.wait(_FOREVER)) not in {0, 5}:  # 5: an answer was lost
            raise Different(f"the second importer ended with {code}: see {self.directory}")

    def close(self) -> None:
        self._process.kill()
        self._process.wait(_FOREVER)


def must_be_reported(case: Case, run: str, command: list[str]) -> None:
    """`report`, and `resume` of nothing, leave a whole report."""
    view = SqliteView(case.ledger)
    whole = is_reported(view.run(run), case.directory / "reports" / run)
    view.close()
    if not whole:
        raise Different(f"`importer {' '.join(command)}` after a kill leaves no whole report")


def killed_after(case: Case, before: dict[tuple[str, str], int]) -> None:
    """Keep what was assigned at a kill, beside what was at those before."""
    path = case.directory / "assigned.json"
    kept = json.loads(path.read_text()) if path.exists() else []
    known = {(gtin, serial) for gtin, serial, _ in kept}
    kept += [[*key, count] for key, count in before.items() if key not in known]
    path.write_text(json.dumps(kept))


def prove(case: Case, code: int, undisturbed: Told, tally: Tally, kills: int) -> None:
    """Raise Different for the first difference; the import was killed `kills` times."""
    if code not in _FINAL:
        raise Different(f"it ended with {code}")
    run, _ = state_of(case)
    report, wrong = told(case.directory / "reports" / run, case.rows.rows)
    for text in wrong or differences(case.rows, case.ledger, case.box, report, undisturbed, case.how):
        raise Different(text)
    if case.outage and (doubts := chunks_in_doubt(case.ledger)) > case.limit("MAX_IN_FLIGHT") * (kills + 1):
        raise Different(f"{doubts} chunks are in doubt after one outage and {kills} kills")
    rate = case.limit("REQUESTS_PER_SECOND")
    if rate and (most := most_in_a_second(case.box)) > rate + 1:
        raise Different(f"{most} requests came in a second, the limit is {rate:g}")
    path = case.directory / "assigned.json"
    before = {(gtin, serial): count for gtin, serial, count in json.loads(path.read_text())} if path.exists() else {}
    for text in resent(before, case.box):
        raise Different(text)
    outcomes = Counter(outcome for outcome, _ in report.values())
    if code != (5 if outcomes["unknown"] else 3):
        raise Different(f"it ended with {code}, though {dict(outcomes)}")
    if execute(case, "http://127.0.0.1:9", ["verify", run], None):
        raise Different("`importer verify` finds it wrong: see output.txt")
    tally.outcomes += outcomes
    tally.imports += 1
    tally.rows += len(report)


def case_of(starter: Starter, directory: Path, rows: List, dice: random.Random, longest_outage: float) -> Case:
    directory.mkdir()
    rows.write(directory / "list.csv")
    how = How(
        twice=dice.choice(("assigned", "assigned", "error", "status")),
        exists_means=dice.choice(("unknown", "assigned")),
        policy=dice.choice(("replay",) * 9 + ("hold",)),
    )
    outage, jumps, shared = (dice.random() < share for share in (1 / 3, 1 / 3, 1 / 4))
    begins = dice.uniform(0.5, 3)
    away = f"any:{dice.choice(OUTAGES)},since_seconds={begins},until_seconds={begins + dice.uniform(1, longest_outage)}"
    faults = (FAULTS[0], away) if outage else FAULTS
    options = (
        *faults,
        f"twice={how.twice}",
        f"seed={dice.randrange(1 << 30)}",
        f"names={dice.choice(('all', 'first', 'none'))}",
        f"error_shape={dice.choice(('flat', 'name', 'type', 'nested'))}",
        f"shuffle={dice.choice(('yes', 'no'))}",
        f"extra={dice.choice((0, 1))}",
    )
    limits = (
        ("LIMITS__REQUESTS_PER_SECOND", "40" if shared else dice.choice(("0", "0", "100", "400"))),
        ("LIMITS__MAX_IN_FLIGHT", dice.choice(("1", "3", "8"))),
        ("REPORT__FORMATS", dice.choice(("csv", "csv,html", "csv,xlsx,html"))),
    )
    return Case(starter, directory, rows, how, options, limits, outage, jumps, shared)


def undisturbed_of(starter: Starter, directory: Path, rows: List) -> tuple[Told, float]:
    """What a run without faults and kills says, held against what is known of the list; and how long it took."""
    directory.mkdir()
    rows.write(directory / "list.csv")
    plain = How("assigned", "unknown", "replay")
    case = Case(starter, directory, rows, plain, (), (("LIMITS__REQUESTS_PER_SECOND", "0"),))
    box = Sandbox(case)
    started = time.monotonic()
    try:
        code = execute(case, box.url, ["run", "list.csv"], None)
    finally:
        box.close()
    seconds = time.monotonic() - started
    report, wrong = told(directory / "reports" / state_of(case)[0], rows.rows)
    wrong += [
        f"undisturbed, row {place + 2} is {report[place + 2]}, expected {set(row.outcomes)}"
        for place, row in enumerate(rows.rows)
        if report[place + 2][0] not in row.outcomes
    ]
    for text in wrong or differences(rows, case.ledger, case.box, report, report, case.how):
        raise Different(f"undisturbed: {text}")
    if code != 3:  # noqa: PLR2004  some are rejected
        raise Different(f"undisturbed, it ended with {code}")
    return report, seconds


def chaos(starter: Starter, kills: int, seed: int, rows: int, directory: Path, longest_outage: float) -> Tally:
    dice = random.Random(seed)
    tally = Tally()
    number = 0
    while tally.kills < kills:
        listed = make(dice, rows)
        home = directory / f"list-{number}"
        undisturbed, seconds = undisturbed_of(starter, home, listed)
        for place in range(_CASES_PER_LIST):
            if tally.kills >= kills:
                break
            case = case_of(starter, directory / f"list-{number}-case-{place}", listed, dice, longest_outage)
            wanted = min(dice.randint(4, 10), kills - tally.kills)
            try:
                code = disturbed(case, dice, wanted, seconds, tally)
                prove(case, code, undisturbed, tally, wanted)
            except Different as found:
                settings = f"{case.how}, {dict(case.limits)}, sandbox {' '.join(case.options)}"
                raise Different(f"{found}\n{settings}\n{tally.line(seed)}\nLook into {case.directory}") from None
            shutil.rmtree(case.directory)
        shutil.rmtree(home)
        number += 1
        print(tally.line(seed), flush=True)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--outage", type=float, default=5, help="seconds that the API is away at the most")
    parser.add_argument("--warm", action="store_true", help="fork each command from a process that has all imported")
    parser.add_argument("--directory", type=Path, help="where everything stays after a difference; default: a new one")
    given = parser.parse_args()
    directory = given.directory or Path(tempfile.mkdtemp(prefix="chaos-"))
    directory.mkdir(exist_ok=True)
    starter = Starter(given.warm)
    starter.prepare()
    try:
        tally = chaos(starter, given.kills, given.seed, given.rows, directory, given.outage)
    except Different as found:
        print(f"DIFFERENT: {found}")
        return 1
    shutil.rmtree(directory)
    print(f"{tally.line(given.seed)}\n0 rows lost, 0 misreported, 0 sent again that the ledger had as assigned")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
