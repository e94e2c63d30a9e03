"""A long, rate-limited import with faults: memory, file handles and the ledger must not grow without bound.

    python benchmarks/soak.py --minutes 30 --rate 10

The sandbox answers in a process of its own, with 429, 503, cut connections and late answers. Every ten seconds memory,
handles, ledger and WAL of the importer are looked at; at the end the run is verified. Exits with 1 where anything grew
that should not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from make_lists import blocks

_EVERY = 10.0
_CHUNK = 200
_FAULTS = [
    "commission:429=0.02,retry_after=2",
    "commission:503=0.02",
    "commission:drop_after=0.01",
    "commission:latency=0.02,seconds=1",
]
_GROWTH = 1.2
_HANDLES = 16
_WAL_MB = 100


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds since the start; megabytes."""

    at: float
    rss: float
    handles: int
    ledger: float
    wal: float


def _sample(process: psutil.Process, ledger: Path, began: float) -> Sample:
    wal = ledger.with_name(ledger.name + "-wal")
    return Sample(
        round(time.time() - began, 1),
        round(process.memory_info().rss / 1e6, 1),
        process.num_fds(),
        round(ledger.stat().st_size / 1e6, 2),
        round(wal.stat().st_size / 1e6, 2) if wal.exists() else 0.0,
    )


def _sandbox() -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "importer.sandbox", "--port", "0", *_FAULTS]
    box = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert box.stdout is not None
    return box, json.loads(box.stdout.readline())["url"]


def _environment(url: str, rate: float) -> dict[str, str]:
    return os.environ | {
        "IMPORTER_API__BASE_URL": url,
        "IMPORTER_API__TOKEN": "sandbox-token",
        "IMPORTER_API__CHANNEL_KEY": "sandbox-channel",
        "IMPORTER_API__TIMEOUT_SECONDS": "5",
        "IMPORTER_LIMITS__REQUESTS_PER_SECOND": str(rate),
        "IMPORTER_LIMITS__CHUNK_SIZE": str(_CHUNK),
        "IMPORTER_LIMITS__MAX_ATTEMPTS": "20",
        "IMPORTER_REPORT__FORMATS": "csv,html",
    }


def _watch(command: subprocess.Popen[bytes], ledger: Path, began: float) -> list[Sample]:
    process = psutil.Process(command.pid)
    samples = []
    while command.poll() is None:
        time.sleep(_EVERY)
        try:
            samples.append(_sample(process, ledger, began))
        except (psutil.Error, FileNotFoundError):
            continue
        print(json.dumps(asdict(samples[-1])), flush=True)
    return samples


def _grown(samples: list[Sample]) -> list[str]:
    """What grew between the second tenth of the time and the last but one."""
    tenth = max(1, len(samples) // 10)
    early, late = samples[tenth : 2 * tenth], samples[-2 * tenth : -tenth]
    rss = [statistics.median(sample.rss for sample in part) for part in (early, late)]
    handles = [max(sample.handles for sample in part) for part in (early, late)]
    wal = max(sample.wal for sample in samples)
    found = []
    if rss[1] > rss[0] * _GROWTH:
        found.append(f"memory from {rss[0]} to {rss[1]} MB")
    if handles[1] > handles[0] + _HANDLES:
        found.append(f"handles from {handles[0]} to {handles[1]}")
    if wal > _WAL_MB:
        found.append(f"the WAL to {wal} MB")
    print(f"memory {rss[0]} -> {rss[1]} MB, handles {handles[0]} -> {handles[1]}, WAL at most {wal} MB")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=10, help="requests per second")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".soak-") as name:
        directory = Path(name)
        rows = int(options.minutes * 60 * options.rate * 0.9) * _CHUNK
        with (directory / "list.csv").open("wb") as file:
            file.write(b"SerialNumber,GTIN,Batch,ExpirationDate\n")
            file.writelines(blocks(0, rows, 50_000, "sorted", 1))
        box, url = _sandbox()
        began = time.time()
        with (directory / "log").open("wb") as log:
            arguments = [sys.executable, "-m", "importer", "run", "list.csv", "--json"]
            environment = _environment(url, options.rate)
            command = subprocess.Popen(arguments, cwd=directory, env=environment, stderr=log, stdout=subprocess.PIPE)
            samples = _watch(command, directory / "importer.db", began)
            out = command.communicate()[0]
        summary = json.loads(out)
        verified = subprocess.run(
            [sys.executable, "-m", "importer", "verify", summary["run"]], cwd=directory, check=False, env=environment
        )
        box.terminate()
        print(
            f"{rows:,} rows, exit {command.returncode}, outcomes {summary['outcomes']}, requests {summary['requests']}"
        )
        grown = _grown(samples)
        print("grew: " + "; ".join(grown) if grown else "nothing grew")
        return 1 if grown or verified.returncode or not summary["identity_holds"] else 0


if __name__ == "__main__":
    sys.exit(main())
