"""What reaches a terminal: no control character of a file's, lines that fit, what is wrong with the command first."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from boxes import Box
from commands import COMMAND, Importer
from lists import packs, write_csv, write_xlsx

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
OURS = re.compile(r"\x1b\[[\d;?]*[a-zA-Z]")
"""What rich itself writes: colours, and the cursor of its bar."""


def on_terminal(importer: Importer, *arguments: str, env: dict[str, str] | None = None) -> str:
    """All that a command writes to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    environ = {**importer.environ(env), "COLUMNS": "80", "TERM": "xterm", "NO_COLOR": "1"}
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=importer.cwd, env=environ, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            block = os.read(ours, 1 << 16)
        except OSError:  # the other side is closed
            break
        if not block:
            break
        said += block
    process.wait()
    os.close(ours)
    return said.decode("utf-8", "replace").replace("\r\n", "\n")


def unsafe(said: str) -> list[str]:
    plain = OURS.sub("", said).replace("\r", "")
    return [char for char in plain if (not char.isprintable() and char not in "\n\t") or char == "\u202e"]


@pytest.fixture
def hostile(importer: Importer) -> Path:
    """A list with such characters in its name, in headers and in values."""
    header = ["SerialNumber", "GTIN", "Batch", "ExpirationDate", f"note {EVIL}"]
    rows = [(*row, EVIL) for row in packs(2)]
    rows += [(f"A{EVIL}B", *packs(1)[0][1:], "x"), ("T1", packs(1)[0][1], f"B{EVIL}", "491130", "x")]
    return write_csv(importer.cwd / f"list {EVIL}.csv", rows, header)


@pytest.mark.parametrize("command", [("check",), ("run", "--sandbox")])
def test_no_control_character_of_a_list_reaches_the_terminal(
    command: Sequence[str], importer: Importer, hostile: Path
) -> None:
    said = on_terminal(importer, *command, hostile.name)
    assert "list ␛]0;owned␇␛[2J" in said
    assert unsafe(said) == []


def test_nor_later_where_it_is_shown_again(importer: Importer, hostile: Path, box: Box) -> None:
    assert importer("run", hostile, env=box.env).code == 3
    for command in (["runs"], ["status", "last"], ["verify", "last"], ["trace", f"A{EVIL}B"]):
        said = on_terminal(importer, *command, env=box.env)
        assert unsafe(said) == []


def test_nor_from_a_header_that_is_missing_or_a_path_that_is_wrong(importer: Importer) -> None:
    write_csv(importer.cwd / "list.csv", packs(1), [f"a{EVIL}", "b", "c", "d"])
    for command in (
        ["check", "list.csv"],
        ["run", f"none{EVIL}.csv"],
        ["status", EVIL],
        ["check", "--sheet", EVIL, "list.csv"],
    ):
        said = on_terminal(importer, *command)
        assert said.strip()
        assert unsafe(said) == []


def test_a_check_fits_eighty_columns_and_messages_are_wrapped_between_words(importer: Importer) -> None:
    rows = [*packs(3), ("X" * 25, *packs(1)[0][1:]), ("S1", "09520001010010", "B1", "491130")]
    write_xlsx(importer.cwd / "list.xlsx", rows)
    for command in (
        ["check", "list.xlsx"],
        ["run", "a rather long name of a list that is not there at all, whatever is done.csv"],
    ):
        said = OURS.sub("", on_terminal(importer, *command))
        assert max(map(len, said.splitlines())) <= 80
        assert "  at most" not in said


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("run", "nothing.csv"), "nothing.csv"),
        (("run", "."), "."),
        (("resume", "abcd1234"), "ledger"),
        (("retry", "abcd1234"), "ledger"),
        (("decommission", "abcd1234", "--yes"), "ledger"),
        (("run", "list.csv", "--accept", "nosuch"), "nosuch"),
        (("run", "list.csv", "--stop-at", "25:99"), "25:99"),
    ],
)
def test_what_is_wrong_with_the_command_is_said_before_credentials(
    command: tuple[str, ...], what: str, importer: Importer
) -> None:
    write_csv(importer.cwd / "list.csv", packs(1))
    done = importer(*command)
    assert (done.code, len(done.errors)) == (2, 1)
    assert what in done.errors[0]
    assert "credentials" not in done.errors[0]
    assert "credentials" in importer("run", "list.csv").errors[0]


def test_the_list_of_runs_says_what_is_open_into_which_target_how_it_ended_and_who_did_it(
    importer: Importer, box: Box
) -> None:
    source = write_csv(importer.cwd / "list.csv", [*packs(2), ("#", *packs(1)[0][1:])])
    importer("run", source, env=box.env)
    importer("run", "--sandbox", source)
    importer("decommission", "last", "--sandbox", "--yes")
    lines = importer("runs").out.splitlines()
    assert lines[1].startswith(f"Into {box.url}")
    assert lines[3] == "Into the sandbox:"
    assert [line.split()[1:5] for line in (lines[2], lines[4], lines[5])] == [
        ["finished", "3", "3", "1"],
        ["finished", "3", "3", "1"],
        ["finished", "0", "2", "0"],
    ]
    assert lines[5].endswith("undo: list.csv")
    assert max(len(line) for line in lines if not line.startswith("Into")) <= 80
    (first, *_) = importer("runs", "--json").json
    assert (first["exit_code"], first["to_send"], bool(first["user"])) == (3, 0, True)


def test_the_shell_completes_commands_and_runs(importer: Importer, box: Box) -> None:
    run = importer("run", write_csv(importer.cwd / "list.csv", packs(1)), "--json", env=box.env).json["run"]

    def completed(words: str) -> list[str]:
        env = {"_IMPORTER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        code = "import sys; sys.argv[0] = 'importer'; from importer.__main__ import main; main()"
        done = subprocess.run(
            [COMMAND[0], "-c", code],
            cwd=importer.cwd,
            env=importer.environ(env),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return done.stdout.split()

    assert completed("importer dec") == ["decommission"]
    assert completed("importer status 20") == [run]
    assert completed("importer retry la") == ["last"]
    assert completed("importer retry zz") == []
