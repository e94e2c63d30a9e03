"""What can't be imported is told in one line that says what to do; nothing is sent, and no run is kept."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from boxes import Box
from commands import Importer, Result
from lists import HEADER, TABLETS, packs, write_csv, write_xlsx

CHANNEL = {"IMPORTER_API__CHANNEL_KEY": "sandbox-channel"}
IMPATIENT = {
    "IMPORTER_LIMITS__MAX_ATTEMPTS": "2",
    "IMPORTER_LIMITS__BACKOFF_SECONDS": "0.01",
    "IMPORTER_LIMITS__PATIENCE_MINUTES": "0.05",
}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """One sandbox for all: it never hears a request."""
    box = Box(tmp_path_factory.mktemp("box") / "box.db")
    yield box
    box.kill()


def runs_in(ledger: Path) -> int:
    if not ledger.exists():
        return 0
    db = sqlite3.connect(ledger)
    try:
        return int(db.execute("SELECT count(*) FROM run").fetchone()[0])
    finally:
        db.close()


def only_line(done: Result) -> str:
    """The one line that is said to people, on either stream."""
    assert "Traceback" not in done.err
    (line,) = done.errors
    return line


def directory(cwd: Path) -> Path:
    path = cwd / "lists"
    path.mkdir()
    return path


def bytes_as(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(cwd: Path) -> Path:
        path = cwd / name
        path.write_bytes(content)
        return path

    return make


def csv_of(header: tuple[str, ...], *rows: tuple[str, ...]) -> Callable[[Path], Path]:
    return lambda cwd: write_csv(cwd / "list.csv", rows, header)


def truncated(cwd: Path) -> Path:
    path = write_xlsx(cwd / "list.xlsx", packs(500))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def protected(cwd: Path) -> Path:
    """A compound file with the stream in which Excel keeps an encrypted workbook."""
    path = cwd / "list.xlsx"
    path.write_bytes(compound_file("EncryptedPackage", b"\x00" * 4096))
    return path


def compound_file(stream: str, content: bytes) -> bytes:
    """The smallest OLE file: header, one FAT sector, one directory sector, the stream."""
    sectors = len(content) // 512
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += (0x3E).to_bytes(2, "little") + (3).to_bytes(2, "little") + b"\xfe\xff"
    header += (9).to_bytes(2, "little") + (6).to_bytes(2, "little") + bytes(10)
    header += (1).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes(4) + (4096).to_bytes(4, "little")
    header += b"\xfe\xff\xff\xff" + bytes(4) + b"\xfe\xff\xff\xff" + bytes(4) + bytes(4) + b"\xff" * 4 * 108
    chain = [2 + number + 1 for number in range(sectors - 1)] + [0xFFFFFFFE]
    fat = b"".join(entry.to_bytes(4, "little") for entry in [0xFFFFFFFD, 0xFFFFFFFE, *chain]).ljust(512, b"\xff")
    root = entry_of("Root Entry", 5, 1, 0xFFFFFFFE, 0)
    return header + fat + (root + entry_of(stream, 2, 0xFFFFFFFF, 2, len(content))).ljust(512, b"\x00") + content


def entry_of(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    text = name.encode("utf-16-le")
    none = b"\xff" * 4
    entry = text.ljust(64, b"\x00") + (len(text) + 2).to_bytes(2, "little") + bytes([kind, 1]) + none + none
    entry += child.to_bytes(4, "little") if child != 0xFFFFFFFF else none
    return entry + bytes(36) + start.to_bytes(4, "little") + size.to_bytes(8, "little")


ROW = packs(1)[0]
LISTS = [
    pytest.param(lambda cwd: cwd / "list.csv", ["list.csv", "does not exist", "Check the name"], id="missing"),
    pytest.param(directory, ["lists is a directory", "importer watch"], id="directory"),
    pytest.param(bytes_as("list.csv", b""), ["list.csv is empty", "a header and one row per pack"], id="empty"),
    pytest.param(csv_of(HEADER), ["list.csv has a header and no rows", "nothing to import"], id="header_alone"),
    pytest.param(
        csv_of(("SerialNumber", "GTIN", "Batch"), ROW[:3]), ["list.csv", "expiry", "SerialNumber"], id="missing_column"
    ),
    pytest.param(
        csv_of((*HEADER, "Lot"), (*ROW, "B2")), ["list.csv", '"Batch"', '"Lot"', "--map"], id="two_columns_for_one"
    ),
    pytest.param(bytes_as("list.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8), ["list.csv"], id="picture"),
    pytest.param(bytes_as("list.csv", bytes(range(256)) * 64), ["list.csv"], id="binary"),
    pytest.param(truncated, ["list.xlsx is damaged or cut off", "again"], id="truncated"),
    pytest.param(protected, ["list.xlsx is protected by a password", "Save it without one"], id="protected"),
]


@pytest.mark.parametrize(("make", "words"), LISTS)
def test_a_list_that_cannot_be_read_is_told_in_one_line(
    make: Callable[[Path], Path], words: list[str], importer: Importer, box: Box
) -> None:
    done = importer("run", make(importer.cwd).name, env=box.env)
    line = only_line(done)
    assert (done.code, done.out) == (2, "")
    assert [word for word in words if word not in line] == []
    assert box.requests() == []
    assert runs_in(importer.cwd / "importer.db") == 0


NO_CREDENTIALS = {"IMPORTER_API__TOKEN": ""}
SETTINGS = [
    pytest.param({"IMPORTER_LIMITS__CHUNKSIZE": "5"}, "", ["IMPORTER_LIMITS__CHUNK_SIZE"], id="unknown_variable"),
    pytest.param({}, "[limits]\nchunksize = 5\n", ["config.toml", "limits.chunk_size"], id="unknown_key"),
    pytest.param({}, "[limit]\nchunk_size = 5\n", ["config.toml", "Did you mean limits"], id="unknown_section"),
    pytest.param({}, "[limits\n", ["config.toml is no TOML"], id="no_toml"),
    pytest.param({}, '[api]\ntoken = "hush"\n', ["IMPORTER_API__TOKEN", "token_file"], id="a_secret_in_the_file"),
    pytest.param({"IMPORTER_LIMITS__MAX_IN_FLIGHT": "0"}, "", ["IMPORTER_LIMITS__MAX_IN_FLIGHT", '"0"'], id="range"),
    pytest.param(NO_CREDENTIALS, "", ["no credentials", "IMPORTER_API__TOKEN", "--sandbox"], id="no_credentials"),
    pytest.param({"IMPORTER_API__TOKEN": "", "IMPORTER_API__KEY": "k"}, "", ["IMPORTER_API__SECRET"], id="half"),
    pytest.param({"IMPORTER_API__BASE_URL": "http://example.com"}, "", ["https"], id="http"),
    pytest.param(
        {"IMPORTER_LEDGER__PATH": "list.csv/importer.db"}, "", ["list.csv", "--ledger"], id="ledger_in_a_file"
    ),
    pytest.param({"IMPORTER_LEDGER__PATH": "."}, "", ["Ledger .", "--ledger"], id="ledger_is_a_directory"),
]


@pytest.mark.parametrize(("env", "config", "words"), SETTINGS)
def test_a_setting_that_is_wrong_is_told_in_one_line(
    env: dict[str, str], config: str, words: list[str], importer: Importer, box: Box
) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(3))
    (importer.cwd / "config.toml").write_text(config, "utf-8")
    done = importer("run", source, env={**box.env, **env})
    line = only_line(done)
    assert (done.code, done.out) == (2, "")
    assert line.startswith("importer: ")
    assert [word for word in words if word not in line] == []
    assert "hush" not in line
    assert box.requests() == []
    assert runs_in(importer.cwd / "importer.db") == 0


def closed_port() -> int:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port: int = reserved.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param(
            lambda: f"http://127.0.0.1:{closed_port()}",
            ["no connection to 127.0.0.1, port", "(Connection refused)", "Check base_url, proxy and network"],
            id="refused",
        ),
        pytest.param(
            lambda: "https://api.invalid", ["api.invalid", "Check base_url, proxy and network"], id="host_not_found"
        ),
    ],
)
@pytest.mark.parametrize(
    "token",
    [{"IMPORTER_API__TOKEN": "the-token"}, {"IMPORTER_API__KEY": "the-api-key", "IMPORTER_API__SECRET": "the-secret"}],
)
def test_an_api_that_cannot_be_reached_ends_the_run_with_75_and_resume_goes_on(
    url: Callable[[], str], words: list[str], token: dict[str, str], importer: Importer
) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(3))
    env = {**CHANNEL, **IMPATIENT, **token, "IMPORTER_API__BASE_URL": url()}
    done = importer("run", source, "--json", env=env)
    assert (done.code, done.json["outcomes"]["unsent"]) == (75, 3)
    line, last = done.errors
    assert [word for word in words if word not in line] == []
    assert last == f"Go on with: importer resume {done.json['run']}"
    assert "Traceback" not in done.err


def test_an_address_that_is_none_of_the_api_stops_the_run(importer: Importer, box: Box) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(3))
    done = importer("run", source, "--json", env={**box.env, "IMPORTER_API__COMMISSION_PATH": "/v1/elsewhere"})
    assert (done.code, done.json["outcomes"]["unsent"]) == (4, 3)
    line, _ = done.errors
    assert "HTTP 404: there is no such address; check base_url and commission_path." in line
    assert "Traceback" not in done.err
    assert box.ledger() == {}


def test_a_place_where_no_report_can_be_written_is_told_before_anything_is_sent(importer: Importer, box: Box) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(3))
    done = importer("run", source, "--report-dir", "list.csv/reports", env=box.env)
    line = only_line(done)
    assert done.code == 2
    assert "list.csv/reports" in line
    assert box.requests() == []
    assert runs_in(importer.cwd / "importer.db") == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--max-duration", "soon"), ['"soon"', "4h"]),
        (("--stop-at", "25:00"), ['"25:00"', "05:00"]),
        (("--map", "serail=X"), ['"serail=X"', "serial", "gtin", "batch", "expiry"]),
        (("--gtin", TABLETS), ["has a column for the GTIN", "Leave out --gtin"]),
        (("--encoding", "utf-7x"), ['"utf-7x"', "cp1250"]),
        (("--config", "none.toml"), ["none.toml", "--config"]),
        (("--sandbox-option", "twise=error"), ["did you mean 'twice'?"]),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_an_option_that_is_wrong_is_told_in_one_line(
    options: tuple[str, str], words: list[str], importer: Importer, box: Box
) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(3))
    done = importer("run", source, *options, env=box.env)
    line = only_line(done)
    assert (done.code, done.out) == (2, "")
    assert [word for word in words if word not in line] == []
    assert box.requests() == []
    assert runs_in(importer.cwd / "importer.db") == 0


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--gtin", "09520001010018", "check digit"),
        ("--batch", "LOT 7", "SPACE"),
        ("--expiry", "281331", "month 13"),
    ],
)
def test_a_value_for_all_rows_is_checked_before_the_list_is_read(
    importer: Importer, option: str, value: str, says: str
) -> None:
    result = importer("check", "list.csv", option, value)
    assert result.code == 2
    assert f"{option}: " in result.err
    assert says in result.err


def test_a_file_of_a_secret_that_others_can_read_is_told_of_and_used(importer: Importer, box: Box) -> None:
    token = importer.cwd / "token.txt"
    token.write_text(box.env["IMPORTER_API__TOKEN"])
    token.chmod(0o644)
    env = {**box.env, "IMPORTER_API__TOKEN": "", "IMPORTER_API__TOKEN_FILE": "token.txt"}
    done = importer("run", write_csv(importer.cwd / "list.csv", packs(3)), env=env)
    assert done.code == 0
    (told,) = [line for line in done.logs if line["event"] == "secret_file_open"]
    assert (told["setting"], told["path"], told["mode"]) == ("api.token_file", "token.txt", "0644")
    assert "can read or change token.txt (mode 0644)" in importer("doctor", env=env).out
    token.chmod(0o600)
    assert "secret_file_open" not in importer("run", importer.cwd / "list.csv", env=env).err


@pytest.mark.parametrize("command", [("run", "list.csv"), ("runs",), ("doctor",), ("run", "list.csv", "--json")])
def test_a_token_in_the_place_of_its_file_is_shown_nowhere(
    command: Sequence[str], importer: Importer, box: Box
) -> None:
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJhcGlfa2V5IjoiaHVzaCJ9.c2lnbmF0dXJl"
    write_csv(importer.cwd / "list.csv", packs(3))
    for where in ("IMPORTER_API__TOKEN_FILE", "IMPORTER_API__CA_FILE", "IMPORTER_LEDGER__PATH"):
        done = importer(*command, env={**box.env, where: jwt})
        assert done.code == 2
        assert where in done.err
        assert "eyJ" not in done.out + done.err
    assert "eyJ" not in importer("run", "list.csv", "--config", jwt, env=box.env).err
