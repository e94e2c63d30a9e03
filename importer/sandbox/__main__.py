"""`python -m importer.sandbox [--host HOST] [--port PORT] [OPTION…]`: prints `{"url": …, "pid": …}` once it listens."""

import argparse
import asyncio
import inspect
import json
import os
import sys

from importer.sandbox import Settings, options, parse_settings, run


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m importer.sandbox",
        description="A simulated Manufacturer V2 API with faults to choose.",
        epilog=f"{inspect.getdoc(options)}\n\n{inspect.getdoc(Settings)}".replace("%", "%%"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 is any free one")
    parser.add_argument("options", nargs="*", metavar="OPTION", help="NAME=VALUE or CLASS:KIND=WHEN, see below")
    given = parser.parse_args()
    try:
        settings = parse_settings(given.options)
    except ValueError as error:
        parser.error(str(error))
    try:
        asyncio.run(run(settings, given.host, given.port, ready=_announce))
    except OSError as error:
        sys.stderr.write(f"The sandbox cannot start at {given.host}:{given.port}: {error}\n")
        return 1
    return 0


def _announce(url: str) -> None:
    sys.stdout.write(json.dumps({"url": url, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
