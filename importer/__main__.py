"""The command `importer`: whatever goes wrong ends in one line on stderr and the exit code of the contract."""

from __future__ import annotations

import os
import sys

from importer.errors import ImporterError


def main() -> None:
    from importer.cli.app import app  # noqa: PLC0415  what it raises while it is imported is caught, too

    sys.exit(_guarded(app))


def _guarded(app: object) -> int:
    try:
        app()  # type: ignore[operator]  # typer's application
    except ImporterError as error:
        _say(f"importer: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has gone; nothing more can be said to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1
    except Exception as error:
        if os.environ.get("PYTHONDEVMODE") or "--debug" in sys.argv:
            raise
        text = " ".join(str(error).split())[:300]
        what = f"internal fault, {type(error).__name__}: {text}"
        _say(f"importer: {what}. What was recorded is kept (PYTHONDEVMODE=1 shows where).")
        return 1
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201  the last word of a command


if __name__ == "__main__":
    main()
