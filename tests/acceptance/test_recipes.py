"""What `importer recipe` writes works as it stands: each is run, or read by what will read it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from boxes import Box
from commands import Importer
from lists import packs, write_csv

ODD = 'my "plant" 100% $A'
"""A directory that each of these files has to quote in its own way."""
NAMES = ("cron", "systemd", "docker", "fleet", "kubernetes", "airflow", "windows", "alerts", "grafana")
SCHEMA = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


@pytest.fixture
def plant(importer: Importer) -> Importer:
    """The command, in a directory with an odd name, an inbox and a configuration."""
    importer.cwd /= ODD
    (importer.cwd / "inbox").mkdir(parents=True)
    (importer.cwd / "config.toml").write_text("[watch]\nquiet_seconds = 0\n")
    return importer


def program(name: str) -> str:
    """One that is installed beside this Python, or somewhere; skips the test where there is none."""
    bins = [Path(place).parents[2] / "bin" for place in sys.path if place.endswith("site-packages")]
    found = next((str(one / name) for one in bins if (one / name).exists()), None) or shutil.which(name)
    return found or pytest.skip(f"{name} is not installed")


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_written_once_and_never_over_another(name: str, plant: Importer) -> None:
    done = plant("recipe", name)
    assert done.code == 0
    written = sorted(path for path in (plant.cwd / f"importer-{name}").iterdir())
    assert [line for line in done.out.splitlines() if line.startswith("Written: ")] != []
    before = [path.read_bytes() for path in written]
    again = plant("recipe", name)
    assert (again.code, "is there already" in again.errors[0]) == (2, True)
    assert [path.read_bytes() for path in written] == before
    elsewhere = plant("recipe", name, "deep/er", "--inbox", "/srv/in box")
    assert elsewhere.code == 0


def test_a_recipe_that_there_is_not_names_those_that_there_are(plant: Importer) -> None:
    done = plant("recipe", "corn")
    assert (done.code, all(name in done.errors[0] for name in NAMES)) == (2, True)


def test_the_line_of_the_crontab_takes_what_lies_in_the_inbox(plant: Importer, box: Box) -> None:
    assert plant("recipe", "cron").code == 0
    written = plant.cwd / "importer-cron"
    env_file = written / "importer.env"
    assert env_file.stat().st_mode & 0o777 == 0o600
    exports = "".join(f"export {name}='{value}'\n" for name, value in box.env.items())
    env_file.write_text(f"{exports}export IMPORTER_LIMITS__QUOTA_DIR='{box.file.parent}'\n")
    lines = [line for line in (written / "importer.cron").read_text().splitlines() if line and not line.startswith("#")]
    settings, jobs = lines[:2], lines[2:]
    assert all(re.fullmatch(r"[A-Z]+=\S+", line) for line in settings)
    fields = re.compile(r"((?:[\d*/,-]+\s+){5})(.+)")
    watch, doctor = (fields.fullmatch(line) for line in jobs)
    assert watch
    assert doctor
    assert not re.search(r"(?<!\\)%", watch[2])  # cron ends a command there
    write_csv(plant.cwd / "inbox" / "list.csv", packs(3))
    for job in (watch, doctor):
        command = job[2].replace("\\%", "%")
        done = subprocess.run(["/bin/sh", "-c", command], cwd="/", env={"PATH": "/usr/bin:/bin"}, check=False)
        assert done.returncode in {0, 1}  # grep ends with 1 where it has nothing to tell
    assert len(box.commissioned()) == 3
    assert not (plant.cwd / "inbox" / "list.csv").exists()
    assert "{" not in (plant.cwd / "logs" / "cron.log").read_text()[:1]
    assert '"event": "chunk"' in (plant.cwd / "logs" / "importer.log").read_text()


@pytest.mark.parametrize("place", ["plain", ODD])
def test_systemd_takes_the_units(place: str, importer: Importer) -> None:
    analyze = program("systemd-analyze")
    importer.cwd /= place
    importer.cwd.mkdir(parents=True)
    assert importer("recipe", "systemd").code == 0
    units = sorted(map(str, (importer.cwd / "importer-systemd").iterdir()))
    done = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True, encoding="utf-8", check=False)
    ours = [line for line in done.stderr.splitlines() if "importer-" in line]
    assert (ours, done.returncode) == ([], 0)
    service = (importer.cwd / "importer-systemd" / "importer-watch.service").read_text()
    for hardening in ("ProtectSystem=strict", "NoNewPrivileges=yes", "User=importer", "LoadCredential=token:"):
        assert hardening in service


def test_hadolint_has_nothing_against_the_dockerfile(plant: Importer) -> None:
    hadolint = program("hadolint")
    assert plant("recipe", "docker").code == 0
    dockerfile = plant.cwd / "importer-docker" / "Dockerfile"
    done = subprocess.run([hadolint, dockerfile], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (0, "")
    lines = dockerfile.read_text().splitlines()
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001"]
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    compose = (plant.cwd / "importer-docker" / "compose.yaml").read_text()
    assert "read_only: true" in compose
    assert "cap_drop: [ALL]" in compose


@pytest.mark.parametrize(("name", "file"), [("fleet", "compose.yaml"), ("kubernetes", "workers.yaml")])
def test_the_recipes_of_several_machines_are_documents_without_root_and_with_a_worker(
    name: str, file: str, plant: Importer
) -> None:
    assert plant("recipe", name).code == 0
    text = (plant.cwd / f"importer-{name}" / file).read_text()
    documents = list(yaml.safe_load_all(text))
    pods = _pods(documents)
    assert sum(one["args"][0] == "worker" for one in pods) >= 1
    for pod in pods:
        assert pod["read_only"] is True
        assert pod["drop"] == ["ALL"]
        assert not {"IMPORTER_API__TOKEN", "IMPORTER_API__CHANNEL_KEY"} & pod["env"]
        assert {"IMPORTER_API__TOKEN_FILE", "IMPORTER_LEDGER__URL"} <= pod["env"]


def _pods(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What runs the importer, said in one way for both."""
    if services := documents[0].get("services"):
        return [
            {
                "args": one.get("command", ["serve"]),
                "env": set(one["environment"]),
                "read_only": one["read_only"],
                "drop": one["cap_drop"],
            }
            for name, one in services.items()
            if name != "ledger"
        ]
    assert [one["kind"] for one in documents] == ["ConfigMap", "Deployment"]
    spec = documents[1]["spec"]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    assert spec["template"]["spec"]["securityContext"]["runAsNonRoot"] is True
    return [
        {
            "args": one["args"],
            "env": {variable["name"] for variable in one["env"]},
            "read_only": one["securityContext"]["readOnlyRootFilesystem"],
            "drop": one["securityContext"]["capabilities"]["drop"],
        }
        for one in spec["template"]["spec"]["containers"]
    ]


def test_the_task_of_windows_is_of_the_shape_of_its_schema(plant: Importer) -> None:
    assert plant("recipe", "windows").code == 0
    raw = (plant.cwd / "importer-windows" / "importer-task.xml").read_bytes()
    assert raw[:2] in {b"\xff\xfe", b"\xfe\xff"}  # UTF-16, as its first line says
    task = ET.fromstring(raw.decode("utf-16").replace('encoding="UTF-16"', ""))
    assert (task.tag, task.get("version")) == (f"{SCHEMA}Task", "1.2")
    parts = [part.tag.removeprefix(SCHEMA) for part in task]
    assert parts == ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]
    names = ("Command", "Arguments", "WorkingDirectory")
    command, arguments, directory = (task.findtext(f".//{SCHEMA}{name}") for name in names)
    assert command
    assert Path(command).is_file()
    assert directory == str(plant.cwd)
    assert arguments
    assert arguments.startswith("watch ")
    assert "--once" in arguments
    trigger = task.find(f".//{SCHEMA}CalendarTrigger")
    assert trigger is not None
    in_order = ["Repetition", "StartBoundary", "Enabled", "ScheduleByDay"]
    assert [part.tag.removeprefix(SCHEMA) for part in trigger] == in_order


class Airflow(ModuleType):
    """As much of Airflow as a DAG of tasks needs: they run where they are called."""

    def __init__(self) -> None:
        super().__init__("airflow.sdk")
        self.options: list[dict[str, Any]] = []

    def dag(self, **options: Any) -> Callable[[Callable[[], None]], Callable[[], None]]:
        self.options.append(options)
        return lambda made: made

    def task(self, function: Callable[..., Any] | None = None, **options: Any) -> Any:
        self.options.append(options)
        return function or (lambda made: made)


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Airflow:
    stand_in = Airflow()
    monkeypatch.setitem(sys.modules, "airflow", ModuleType("airflow"))
    monkeypatch.setitem(sys.modules, "airflow.sdk", stand_in)
    return stand_in


def test_the_dag_calls_the_command_and_reads_its_json(
    plant: Importer, box: Box, airflow: Airflow, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant("recipe", "airflow").code == 0
    code = (plant.cwd / "importer-airflow" / "importer_dag.py").read_text()
    for name, value in {**box.env, "IMPORTER_LIMITS__QUOTA_DIR": str(box.file.parent)}.items():
        monkeypatch.setenv(name, value)
    write_csv(plant.cwd / "list.csv", [*packs(3), ("#", *packs(1)[0][1:])])
    exec(compile(code, "importer_dag.py", "exec"), {"__name__": "importer_dag"})
    said = capsys.readouterr().out
    assert "'assigned': 3" in said
    assert len(box.commissioned()) == 3
    assert airflow.options[0]["params"] == {"list": str(plant.cwd / "list.csv")}
    (plant.cwd / "list.csv").unlink()
    with pytest.raises(RuntimeError, match=r"ended with 2: .*does not exist"):
        exec(compile(code, "importer_dag.py", "exec"), {"__name__": "importer_dag"})
