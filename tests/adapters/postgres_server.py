"""A PostgreSQL of the tests' own, never a shared one: its own user, data directory and socket; no port."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

PORT = 5432
"""Of its socket's name only."""
_PATIENCE = 60.0


def binaries() -> Path | None:
    """Where the server's programs are: Debian has none of them on PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class PostgresServer:
    """One server with `fsync` on. Roles: `importer` owns all and needs no password; `planner` needs PASSWORD."""

    PASSWORD = "bosseler-7"

    def __init__(self, programs: Path, settings: Mapping[str, str] | None = None) -> None:
        self._programs = programs
        self._settings = settings or {}
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self.directory = Path(tempfile.mkdtemp(prefix="importer-postgres-"))
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # it refuses to run as root
            user = _unprivileged()
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        self.directory.chmod(0o755)  # its socket is for other users, too
        data = self.directory / "data"
        self._program("initdb", "-D", str(data), "-U", "importer", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        (data / "pg_hba.conf").write_text(
            "local all planner scram-sha-256\nlocal all all trust\nlocal replication all trust\n", "ascii"
        )
        self.start()
        self.execute(f"CREATE ROLE planner LOGIN SUPERUSER PASSWORD '{self.PASSWORD}'")

    def _program(self, name: str, *arguments: str) -> None:
        command, env = [str(self._programs / name), *arguments], {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
        subprocess.run(command, check=True, capture_output=True, cwd=self.directory, env=env, **self._as)

    @property
    def socket(self) -> Path:
        """To which a proxy of a test's own may connect."""
        return self.directory / f".s.PGSQL.{PORT}"

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def url(self, database: str = "postgres", user: str = "importer") -> str:
        return f"postgresql://{user}@/{database}?host={self.directory}"

    def start(self) -> None:
        """Start it, and wait until it answers. It dies with the thread that started it."""
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.directory), **self._settings}
        given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [
            "setpriv",
            "--pdeathsig",
            "QUIT",
            str(self._programs / "postgres"),
            "-D",
            str(self.directory / "data"),
        ]
        with (self.directory / "log").open("ab") as log:
            process = self._process = subprocess.Popen(
                [*command, "-D", str(self.directory / "data"), "-p", str(PORT), *given],
                stdout=log,
                stderr=log,
                cwd=self.directory,
                **self._as,
            )
        until = time.monotonic() + _PATIENCE
        while not self._answers():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self.directory / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        import psycopg  # noqa: PLC0415  it is an extra

        with suppress(psycopg.OperationalError), psycopg.connect(self.url()):
            return True
        return False

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: fast, what is open is rolled back; SIGQUIT: immediate, as after a crash."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait(_PATIENCE)
            self._process = None

    def restart(self, how: signal.Signals = signal.SIGQUIT) -> None:
        self.stop(how)
        self.start()

    def close(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory)

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """One statement as the owner of all, outside a transaction."""
        import psycopg  # noqa: PLC0415  it is an extra

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"ledger_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)

    @staticmethod
    def name_of(url: str) -> str:
        """The database's name, for `execute`."""
        return url.partition("@/")[2].partition("?")[0]


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("there is neither a user postgres nor a user nobody to run PostgreSQL as")
