"""A simulated Manufacturer V2 API: faithful to API.md, with faults to choose and a ledger of its own.

It imports nothing of the rest of the importer, and nothing of the rest but a door imports it.

In the process, on a free port of 127.0.0.1:

    settings = Settings(twice="error", refused=Pick(share=0.05), faults=(Fault(Kind.DROP_AFTER, probability=0.1),))
    async with Sandbox(settings) as box:
        ...  # requests to box.url; box.ledger.get(gtin, serial).commissioned, box.requests, box.throttled

From a command line: `parse_settings(["twice=error", "refused_share=0.05", "commission:drop_after=0.1"])` gives the same
settings (ValueError with a message otherwise), and `await run(settings, host, port, ready=print)` serves until SIGTERM.
As a process of its own: `python -m importer.sandbox --port 0 twice=error ledger=box.db`, which prints
{"url": …, "pid": …} once it listens.

What it has taken: `GET /_sandbox/ledger` (`?gtin=`), `/_sandbox/requests`, `/_sandbox/health`; with the knob
`ledger`, an SQLite file, at any time and from any process: `read_ledger(path)[gtin, serial]`, `read_requests(path)`.
The credentials it accepts by default are those of `Settings`: token "sandbox-token", key "sandbox-key", secret
"sandbox-secret", channel "sandbox-channel". All knobs: `Settings`; all faults: `Kind`; as text: `options`.
"""

from importer.sandbox.faults import Fault, Kind, On
from importer.sandbox.options import parse_fault, parse_settings
from importer.sandbox.registry import Book, Entry, Visit, read_ledger, read_requests
from importer.sandbox.server import Sandbox, run
from importer.sandbox.settings import Pick, Settings

__all__ = [
    "Book",
    "Entry",
    "Fault",
    "Kind",
    "On",
    "Pick",
    "Sandbox",
    "Settings",
    "Visit",
    "parse_fault",
    "parse_settings",
    "read_ledger",
    "read_requests",
    "run",
]
