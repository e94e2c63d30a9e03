"""Damages ledgers of real runs, and looks whether any command then shows or sends what is not so.

    python benchmarks/damage.py --damages 1000 --seed 1

The ledgers are those of imports into the sandbox: one that has finished, one that was killed while it was sending, and
one that was killed while it was resumed. Bytes of the database, its -wal file or its anchor are zeroed, flipped, cut
off, swapped, put back from an older copy, or the file is removed or is an older copy as a whole. Then `runs`, `status`,
`trace`, `report`, `verify` and `resume` each must say what they say of the sound ledger, or that it is damaged (exit
code 1, one line); `resume` must send nothing again that was assigned, and call nothing assigned that it did not send.
Exits with 1 where that is not so; the directory of the damage stays, to look at.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "acceptance"))

from boxes import Box
from forks import started_importer
from lists import DROPS, TABLETS, packs, write_csv

LEDGER = "importer.db"
_FILES = ("", "-wal", "-anchor")
_SLOW = "commission:latency=1,seconds=0.02"
_REFUSES = "refused_share=0.05"
_TAKES_TWICE = "twice=assigned"
_WENT_ON = frozenset({0, 3, 5})
_DAMAGED = 1
_VERIFIED = 0.2
"""How often `verify` is asked, too, which takes as long as all others."""
_ENV = {
    "IMPORTER_LIMITS__CHUNK_SIZE": "20",
    "IMPORTER_LIMITS__MAX_FAILURE_PERCENT": "0",
    "IMPORTER_LIMITS__BACKOFF_SECONDS": "0.01",
    "IMPORTER_REPORT__FORMATS": "csv",
}


@dataclass(slots=True)
class Original:
    """A ledger of real runs and what it says while it is sound."""

    name: str
    directory: Path
    box: Box
    older: bytes
    """The database at an earlier time."""
    runs: list[str] = field(default_factory=list)
    truth: dict[str, Any] = field(default_factory=dict)
    assigned: set[tuple[str, str]] = field(default_factory=set)
    """By the ledger."""

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, **_ENV, **self.box.env}


@dataclass(frozen=True, slots=True)
class Tried:
    """One damage: what was done, who noticed it, and what was wrong."""

    what: str
    noticed: Sequence[str]
    wrong: Sequence[str]


# The ledgers.
def originals(room: Path) -> Iterator[Original]:
    for name, kills in (("finished", 0), ("killed", 1), ("killed twice", 2)):
        directory = room / name.replace(" ", "-")
        directory.mkdir(parents=True)
        box = Box(directory / "box.sandbox", _SLOW, _REFUSES, _TAKES_TWICE)
        original = Original(name, directory, box, b"")
        _import(original, kills)
        yield _told(original)


def _import(original: Original, kills: int) -> None:
    """Two lists that share serials, the second one killed so often while it is sent."""
    first = [
        *packs(100, TABLETS),
        *packs(40, DROPS, "M-7"),
        ("", TABLETS, "B", "271130"),
        ("S00001", TABLETS, "X", "271130"),
    ]
    second = [*packs(100, TABLETS), *packs(240, TABLETS, prefix="T"), *packs(40, TABLETS, prefix="T")]
    command(original, "run", str(write_csv(original.directory / "first.csv", first)))
    original.older = (original.directory / LEDGER).read_bytes()
    name = str(write_csv(original.directory / "second.csv", second))
    for kill in range(kills):
        _killed(original, *(("run", name) if not kill else ("resume",)), after=len(original.box.commissioned()) + 80)
    if not kills:
        command(original, "run", name)


def _killed(original: Original, *arguments: str, after: int) -> None:
    out = original.directory / "out"
    process = started_importer(arguments, original.directory, original.env, out, out)
    while process.is_alive() and len(original.box.commissioned()) < after:
        time.sleep(0.01)
    process.kill()
    process.join()


def _told(original: Original) -> Original:
    directory = original.directory / "sound"
    directory.mkdir()
    copied(original, directory)
    original.runs = in_a_fork(lambda: _ask(original, directory))["ids"]
    original.truth = in_a_fork(lambda: _readings(original, directory, original.runs, with_verify=True))
    wrong = {
        name: said for name, said in original.truth.items() if said["code"] not in (0, 1) or "fault" in said["err"]
    }
    if wrong:
        raise RuntimeError(f"{original.name} is not sound: {wrong}")
    original.assigned = {
        (line.split(",")[1], line.split(",")[0])
        for run in original.runs
        for line in original.truth[f"report {run}"]["said"]["assigned.csv"].splitlines()[1:]
        if ",assigned," in line
    }
    return original


# Commands, in this process or a fork of it.
def command(original: Original, *arguments: str) -> None:
    out = original.directory / "out"
    process = started_importer(arguments, original.directory, original.env, out, out)
    process.join()


def in_a_fork(work: Any) -> Any:
    """What a function returns that is called in a fork: nothing of it stays here."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)
            with os.fdopen(writing, "w") as file:
                json.dump(work(), file)
            code = 0
        except BaseException:  # noqa: BLE001  whatever it is, the fork must not go on as its parent
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as file:
        said = file.read()
    os.waitpid(pid, 0)
    return json.loads(said)


def _run(directory: Path, env: Mapping[str, str], arguments: Sequence[str]) -> dict[str, Any]:
    """Call a command as `importer` does; in a fork only."""
    from importer import __main__ as door  # noqa: PLC0415  loaded in the parent
    from importer.cli.app import app  # noqa: PLC0415

    os.chdir(directory)
    os.environ.update(env)
    said = {}
    kept = [os.dup(1), os.dup(2)]
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(directory / name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), number)
    sys.argv = ["importer", *arguments]
    try:
        code = door._guarded(app)  # noqa: SLF001  as `main` does, but for the end of the process
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, handle in zip((1, 2), kept, strict=True):
            os.dup2(handle, number)
    for name in ("stdout", "stderr"):
        said[name] = (directory / name).read_text("utf-8", "replace")
    return {"code": int(code), "out": said["stdout"], "err": said["stderr"]}


def _ask(original: Original, directory: Path) -> dict[str, Any]:
    done = _run(directory, original.env, ["runs", "--json"])
    return {"ids": [run["run"] for run in json.loads(done["out"])]}


def _readings(original: Original, directory: Path, runs: Sequence[str], *, with_verify: bool) -> dict[str, Any]:
    """What each command says of a ledger and of some of its runs: exit code, what it says of rows, lines to people."""
    commands = {
        "runs": ["runs", "--json"],
        "trace": ["trace", "S00001", "--json"],
        "trace T": ["trace", "T00200", "--json"],
    }
    for run in runs:
        commands[f"status {run}"] = ["status", run, "--json"]
        commands[f"report {run}"] = ["report", run, "--report-dir", "again"]
        if with_verify:
            commands[f"verify {run}"] = ["verify", run]
    found = {}
    for name, arguments in commands.items():
        done = _run(directory, original.env, arguments)
        found[name] = {"code": done["code"], "err": done["err"], "said": _of_rows(directory, arguments, done)}
    return found


def _of_rows(directory: Path, arguments: Sequence[str], done: Mapping[str, Any]) -> Any:
    kind = arguments[0]
    if done["code"] != 0 or kind == "verify":
        return None
    if kind == "report":
        room = directory / "again" / arguments[1]
        return {name: (room / name).read_text("utf-8-sig") for name in ("assigned.csv", "not_assigned.csv")}
    document = json.loads(done["out"])
    if kind == "status":
        return {name: document[name] for name in ("outcomes", "codes", "batches", "state", "to_send", "source")}
    return document


# Damages.
def copied(original: Original, directory: Path) -> list[str]:
    """Copy a ledger and its lists to a directory; return by what the names of its files end."""
    for name in ("first.csv", "second.csv"):
        shutil.copy(original.directory / name, directory)
    present = [end for end in _FILES if (original.directory / f"{LEDGER}{end}").exists()]
    for end in present:
        shutil.copy(original.directory / f"{LEDGER}{end}", directory)
    return present


def damage(original: Original, directory: Path, dice: random.Random) -> str:
    """Damage a ledger in a copy of it; tell how."""
    present = copied(original, directory)
    end = dice.choices(present, [{"": 6, "-wal": 3, "-anchor": 1}[one] for one in present])[0]
    path = directory / f"{LEDGER}{end}"
    kind = dice.choice([*_KINDS, "gone", "older"])
    if kind == "gone" or (kind == "older" and end):
        path.unlink()
        return f"{LEDGER}{end} gone"
    data = bytearray(path.read_bytes())
    at = dice.randrange(max(1, len(data) // 512)) * 512
    if kind == "older":
        data = _older(data, original.older, at // 4096 * 4096, dice)
    else:
        _KINDS[kind](data, at, dice)
    path.write_bytes(data)
    return f"{LEDGER}{end} {kind} at {at}"


def _zeroed(data: bytearray, at: int, dice: random.Random) -> None:
    size = dice.choice([1, 16, 512, 512, 4096])
    data[at : at + size] = bytes(len(data[at : at + size]))


def _flipped(data: bytearray, _: int, dice: random.Random) -> None:
    for _ in range(dice.choice([1, 1, 8])):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _cut(data: bytearray, at: int, dice: random.Random) -> None:
    del data[dice.choice([at, dice.randrange(len(data))]) :]


def _swapped(data: bytearray, _: int, dice: random.Random) -> None:
    size = dice.choice([512, 4096])
    one, other = (dice.randrange(max(1, len(data) // size)) * size for _ in range(2))
    data[one : one + size], data[other : other + size] = data[other : other + size], data[one : one + size]


def _older(data: bytearray, older: bytes, page: int, dice: random.Random) -> bytearray:
    """The file as it was earlier, or one page of it."""
    if dice.choice([True, False, False]):
        return bytearray(older)
    data[page : page + 4096] = older[page : page + 4096] or data[page : page + 4096]
    return data


_KINDS = {"zeroed": _zeroed, "flipped": _flipped, "cut": _cut, "swapped": _swapped}


def tried(original: Original, room: Path, dice: random.Random) -> Tried:
    """Damage a ledger, ask each command that reads it, and go on with another copy of it."""
    states = [dice.getstate()] * 2
    noticed: list[str] = []
    wrong: list[str] = []
    what = ""
    for kind, state in zip(("read", "resume"), states, strict=True):
        directory = room / kind
        directory.mkdir(parents=True)
        dice.setstate(state)
        what = damage(original, directory, dice)
        if kind == "read":
            asked = [dice.choice(original.runs)]
            verified = dice.random() < _VERIFIED
            found = in_a_fork(partial(_readings, original, directory, asked, with_verify=verified))
            for name, said in found.items():
                wrong += _wrong(original.truth[name], said, name)
                noticed += [name] if said["code"] == _DAMAGED and original.truth[name]["code"] == 0 else []
        else:
            refused, complaints = _resumed(original, directory)
            wrong += complaints
            noticed += refused
    return Tried(f"{original.name}: {what}", noticed, wrong)


def _wrong(truth: Mapping[str, Any], said: Mapping[str, Any], name: str) -> Iterator[str]:
    lines = [line for line in said["err"].splitlines() if line]
    if "internal fault" in said["err"] or "Traceback" in said["err"]:
        yield f"{name}: {said['err']}"
    elif said["code"] == 0 and said["said"] != truth["said"]:
        yield f"{name} shows {said['said']}"
    elif said["code"] not in (truth["code"], _DAMAGED):
        yield f"{name} ends with {said['code']}: {lines}"
    elif said["code"] == _DAMAGED and not name.startswith("verify") and len(lines) != 1:
        yield f"{name} says {lines}"


def _resumed(original: Original, directory: Path) -> tuple[list[str], list[str]]:
    before = {key: entry.received for key, entry in original.box.ledger().items()}
    done = in_a_fork(lambda: _run(directory, original.env, ["resume", "--report-dir", "again"]))
    sent = {key for key, entry in original.box.ledger().items() if entry.received > before.get(key, 0)}
    wrong = [f"resume sends {key} again" for key in sorted(sent & original.assigned)]
    if "internal fault" in done["err"] or "Traceback" in done["err"]:
        wrong.append(f"resume: {done['err']}")
    if done["code"] not in {*_WENT_ON, _DAMAGED}:
        wrong.append(f"resume ends with {done['code']}: {done['err']}")
    for path in directory.glob("again/*/assigned.csv"):
        for line in path.read_text("utf-8-sig").splitlines()[1:]:
            serial, gtin = line.split(",")[:2]
            if ",assigned," in line and (gtin, serial) not in original.assigned | sent:
                wrong.append(f"resume calls {serial} assigned, and has not sent it")
    return ["resume"] if done["code"] == _DAMAGED else [], wrong


def _worker(room: Path, seed: int, damages: int, until: float) -> list[dict[str, Any]]:

    found = []
    ledgers = list(originals(room / "originals"))
    try:
        for number in range(damages):
            if time.monotonic() > until:
                break
            at = room / f"{number}"
            one = tried(ledgers[number % len(ledgers)], at, random.Random(f"{seed}-{number}"))
            found.append({"what": one.what, "noticed": list(one.noticed), "wrong": list(one.wrong)})
            if one.wrong:
                print(f"WRONG {at} {one.what}: {one.wrong[:2]}", flush=True)
            else:
                shutil.rmtree(at)
    finally:
        for original in ledgers:
            original.box.kill()
    return found


def tried_all(room: Path, seed: int, damages: int, processes: int = 1, minutes: float = 600) -> list[dict[str, Any]]:
    """Each process has ledgers and sandboxes of its own. Ends early where the minutes are over."""
    until = time.monotonic() + 60 * minutes
    share = -(-damages // processes)
    pipes = []
    for number in range(processes - 1):
        reading, writing = os.pipe()
        if os.fork() == 0:
            with os.fdopen(writing, "w") as file:
                json.dump(_worker(room / str(number), seed + 1000 * (number + 1), share, until), file)
            os._exit(0)
        os.close(writing)
        pipes.append(reading)
    found = _worker(room / "last", seed, damages - share * (processes - 1), until)
    for reading in pipes:
        with os.fdopen(reading) as file:
            found += json.load(file)
        os.wait()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--damages", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=600, help="then it ends with what it has done")
    options = parser.parse_args()
    began = time.monotonic()
    room = Path(tempfile.mkdtemp(prefix="damage-"))
    found = tried_all(room, options.seed, options.damages, options.processes, options.minutes)
    wrong = [one for one in found if one["wrong"]]
    counts = Counter("noticed" if one["noticed"] else "harmless" for one in found if not one["wrong"])
    print(
        f"{len(found):,} damages of seed {options.seed} in {time.monotonic() - began:.0f} s: "
        f"{counts['noticed']:,} noticed, "
        f"{counts['harmless']:,} after which each command said what it said before, {len(wrong):,} wrong"
    )
    if not wrong:
        shutil.rmtree(room)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
