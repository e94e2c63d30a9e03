"""Recomputes a run offline, from source, ledger and report: that the sums come out, that each row is what the source
makes of it, that nothing is claimed without an answer on record, that the report says what the ledger says.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from importer.errors import ImporterError
from importer.flow.report import report
from importer.flow.restaging import differences
from importer.flow.undoing import FORMAT
from importer.ledger.ports import View
from importer.ledger.records import Run
from importer.model import Message, RunState, is_sandbox
from importer.reports.earlier import same_file
from importer.reports.manifest import MANIFEST, check_manifest
from importer.reports.writing import SUMMARY
from importer.results.outcomes import windows
from importer.results.proof import unproven
from importer.results.totals import count, sheet_names
from importer.rows.tables import Source
from importer.sources.files import file_facts
from importer.sources.moved import find_again
from importer.staging.stage import Staging
from importer.words.language import Language

_OPTIONS = frozenset({"--config", "--ledger", "--report-dir", "--sandbox-option"})


@dataclass(frozen=True, slots=True)
class Finding:
    """The first discrepancy of its kind: what was found, what was expected, where."""

    kind: str
    message: Message


@dataclass(slots=True)
class Verified:
    """`findings` are empty where all is well; `passed` are the kinds of checks that were; `skipped` says why not."""

    findings: list[Finding]
    passed: list[str]
    skipped: list[Finding]

    def run(self, kind: str, look: Callable[[], Iterable[Message]]) -> None:
        """Note the first discrepancy that `look` gives, or that there is none."""
        try:
            first = next(iter(look()), None)
        except ImporterError as error:
            first = error.message
        except (LookupError, ValueError, TypeError) as error:
            why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            first = Message("verify_makes_no_sense", "", {"why": why})
        if first is None:
            self.passed.append(kind)
        else:
            self.findings.append(Finding(kind, first))


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run is verified with, beside the ledger."""

    directory: Path
    """Of its report."""
    reopen: Callable[[Path], Source]
    """Opens the source again, in the way it was read."""
    staging: Staging
    """As the run was staged, its day included."""
    language: Language
    """Of the report."""


def verify(view: View, run: Run, inputs: Inputs) -> Verified:
    """Look at everything; each kind of check goes as far as its first finding. Not from an event loop."""
    done = Verified([], [], [])
    source = find_again(Path(run.source_path), run.source_sha256, run.source_bytes)
    done.run("ledger", lambda: _ledger(view))
    done.run("identity", lambda: _identity(view, run))
    done.run("answers", lambda: unproven(view, run))
    if run.reading.get("format") == FORMAT:
        done.skipped.append(Finding("source", Message("verify_from_ledger", "", {"run": run.undoes})))
    elif source is None:
        done.skipped.append(Finding("source", Message("verify_source_gone", "", {"path": run.source_path})))
    else:
        done.run("source", lambda: _source(view, run, source, inputs))
    if not inputs.directory.exists():
        gone = Message("verify_no_report", "", {"path": str(inputs.directory), "run": run.id})
        done.findings.append(Finding("report", gone))
        return done
    done.run("manifest", lambda: check_manifest(inputs.directory))
    if run.state not in {RunState.FINISHED, RunState.STOPPED}:
        done.skipped.append(Finding("report", Message("verify_still_running")))
    else:
        done.run("report", lambda: _report(view, run, inputs, with_marked=source is not None))
    return done


def _ledger(view: View) -> Iterator[Message]:
    view.check()
    yield from ()


def _identity(view: View, run: Run) -> Iterator[Message]:
    total = sum(count(view, run).tally.outcomes.values())
    rows = sum(len(window) for window in windows(view, run, sheet_names(run)))
    for found in (total, rows):
        if found != run.rows:
            yield Message("verify_identity", "", {"n": run.rows, "found": found})


def _source(view: View, run: Run, path: Path, inputs: Inputs) -> Iterator[Message]:
    found = asyncio.run(file_facts(path)).sha256
    if found != run.source_sha256:
        yield Message("verify_source_changed", "", {"path": str(path), "found": found, "expected": run.source_sha256})
    else:
        yield from differences(view, run, lambda: inputs.reopen(path), inputs.staging)


def _report(view: View, run: Run, inputs: Inputs, *, with_marked: bool) -> Iterator[Message]:
    """Write the report once more, beside the one that is there, and hold the two against each other."""
    there = inputs.directory
    beside = there.parent if os.access(there.parent, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=".verify-", dir=beside) as room:
        again = Path(room) / run.id
        formats = run.settings.get("report", {}).get("formats", ("csv", "xlsx", "html"))
        _, written = report(view, run, again, formats, inputs.language, _said_options(there, run))
        named = json.loads((there / MANIFEST).read_bytes())["run"]
        if named != run.id:
            yield Message("verify_report_of_another_run", "", {"found": str(named)[:80], "run": run.id})
        for name in (file.name for file in written.files):
            if not (there / name).exists():
                yield Message("verify_file_missing", "", {"name": name})
            elif (with_marked or "-marked." not in name) and not same_file(there / name, again / name):
                yield Message("verify_file_differs", "", {"name": name})


def _said_options(directory: Path, run: Run) -> str:
    """The options with which the report completes the command that it suggests: they hang on how it was asked for."""
    try:
        command = json.loads((directory / SUMMARY).read_bytes()).get("next_command", "")
    except (OSError, ValueError, AttributeError):
        return ""
    options = str(command).partition(run.id)[2]
    options = options.removeprefix(" --sandbox") if is_sandbox(run.target) else options
    with suppress(ValueError):
        words = shlex.split(options)
        pairs = zip(words[::2], words[1::2], strict=True)
        if options == "".join(f" {name} {shlex.quote(value)}" for name, value in pairs if name in _OPTIONS):
            return options
    return ""
