"""The importer from a program or a notebook: the cells of one, to be read from top to bottom.

python sample_data/notebook.py [LIST]

It imports into a simulated API inside the process: nothing to set up, no credentials. Without `sandbox=True` the same
calls go where config.toml and the environment say.
"""

# %% The functions are coroutines: in a notebook `await` them, in a script run one that does.
from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from importer import Progress, SourceError, check, explain, run, runs

LIST = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("messy.csv")


def show(progress: Progress) -> None:
    """Take what `run` tells: where the import is."""
    if progress.stage == "sending" and progress.total:
        print(f"  {progress.done / progress.total:.0%} of {progress.total:,} serials")


async def main() -> int:
    # %% What a run would do: nothing is sent, nothing is kept.
    try:
        found = await check(LIST)
    except SourceError as error:
        print(explain(error))
        return error.exit_code
    print(f"{found.rows:,} rows, {found.to_send:,} serials to send in {found.requests} requests")
    print(found.batches().to_string(index=False))
    print(found.examples()[["row", "code", "message"]].head(3).to_string(index=False))

    # %% The import: staged whole, then sent, then reported.
    done = await run(LIST, sandbox=True, progress=show)
    print(
        f"run {done.run}: { ({name: n for name, n in done.outcomes.items() if n}) }, sum right: {done.identity_holds}"
    )

    # %% What became of every row, as a frame or one by one.
    print(done.frame().groupby(["gtin", "outcome"], observed=True).size().to_string())
    for row in done:
        if not row.good:
            print(f"row {row.row}: {row.code}")
            break

    # %% All runs of the ledger.
    print([f"{one.run} {one.state}, {one.to_send} to send" for one in runs()][-1])
    return done.exit_code


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
