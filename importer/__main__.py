"""The command `importer`: whatever goes wrong ends in one line on stderr and the exit code of the contract; with --json
also in one document on stdout.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from contextlib import suppress
from typing import TextIO

from importer.errors import Exit, ImporterError
from importer.readers.starting import start_early
from importer.redaction import Redactor
from importer.runtime import give_memory_back, loading, share_one_heap, sort_well
from importer.words.language import terminal

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_AFTER = "`importer resume` goes on, `importer report RUN` writes a report again"


_READING = frozenset({"run", "check", "watch", "serve"})
"""Commands that read lists: what a reader needs is loaded beside what the command needs."""


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in _READING:
        start_early()
    loading()
    share_one_heap(os.environ)
    give_memory_back(os.environ)
    sort_well(os.environ)
    from importer.cli.app import app  # noqa: PLC0415  what it raises while it is imported is caught, too

    code = _guarded(app)
    try:
        sys.stderr.flush()
    except OSError:
        _give_up(sys.stderr)
    sys.exit(code)


def _guarded(app: object) -> int:
    try:
        try:
            app()  # type: ignore[operator]  # typer's application
        finally:
            sys.stdout.flush()
    except ImporterError as error:
        return _failed(terminal().say(error.message), error.exit_code, error.message.code)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _give_up(sys.stdout)  # the reader of the output has gone: nothing more can be said to it
        return Exit.FAULT
    except SystemExit as exit_:
        said = getattr(exit_.__context__, "format_message", None)  # typer has said on stderr how the command was wrong
        if said:
            _document(said(), Exit.USAGE, "usage")
        return exit_.code if isinstance(exit_.code, int) else Exit.FAULT
    except Exception as error:
        if os.environ.get("PYTHONDEVMODE") or "--debug" in sys.argv:
            raise
        if isinstance(error, OSError) and error.errno in _FULL:
            _give_up(sys.stdout)
            _say(f"importer: {error.strerror}: free some space. What was recorded is kept: {_AFTER}.")
            return Exit.FAULT
        text = " ".join(str(error).split())[:300]
        what = f"internal fault, {type(error).__name__}: {text}"
        return _failed(
            f"{what}. What was recorded is kept (PYTHONDEVMODE=1 shows where).", Exit.FAULT, "internal_fault"
        )
    return Exit.DONE


def _failed(text: str, exit_code: int, code: str) -> int:
    text = Redactor()(text)  # a token that was given as the name of a file
    _say(f"importer: {text}")
    _document(text, exit_code, code)
    return exit_code


def _document(text: str, exit_code: int, code: str) -> None:
    """What a command that failed as a whole prints instead of its own document, where --json asks for one."""
    if "--json" in sys.argv:
        with suppress(OSError):
            print(json.dumps({"error": text, "code": code, "exit_code": exit_code}, indent=2), flush=True)  # noqa: T201


def _give_up(stream: TextIO) -> None:
    """Keep what it could not write from failing once more at the end, which would change the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _say(text: str) -> None:
    with suppress(OSError):
        from importer.cli.screen import tell_wrapped  # noqa: PLC0415  what it raises is caught, too

        tell_wrapped(text, err=True)


if __name__ == "__main__":
    main()
