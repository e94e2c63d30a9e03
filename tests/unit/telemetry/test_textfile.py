"""Counters in the file for the node exporter rise from one process to the next."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from importer.telemetry.textfile import Textfile


class Process:
    """What one process measures."""

    def __init__(self, path: Path) -> None:
        self.registry = CollectorRegistry()
        self.rows = Counter("rows", "Rows.", ["outcome"], registry=self.registry)
        self.waiting = Gauge("waiting", "Files.", registry=self.registry)
        self.success = Gauge("success_timestamp_seconds", "When.", registry=self.registry)
        self.seconds = Histogram("seconds", "Seconds.", buckets=(1.0,), registry=self.registry)
        self._file = Textfile(path)

    def write(self) -> None:
        self._file.write(self.registry)


def read(path: Path) -> dict[tuple[str, str], float]:
    families = text_string_to_metric_families(path.read_text("utf-8"))
    return {(one.name, "".join(one.labels.values())): one.value for family in families for one in family.samples}


def test_counters_go_on_from_what_earlier_processes_have_counted(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "importer.prom"
    first, second = Process(path), Process(path)
    first.rows.labels("assigned").inc(5)
    first.seconds.observe(0.5)
    first.write()
    first.rows.labels("assigned").inc(2)
    second.rows.labels("refused").inc(1)
    second.seconds.observe(3)
    second.write()
    first.write()
    first.write()
    found = read(path)
    assert (found["rows_total", "assigned"], found["rows_total", "refused"]) == (7, 1)
    assert (found["seconds_count", ""], found["seconds_sum", ""]) == (2, 3.5)
    assert (found["seconds_bucket", "1.0"], found["seconds_bucket", "+Inf"]) == (1, 2)


def test_a_gauge_is_what_the_last_process_saw_but_a_moment_is_the_latest(tmp_path: Path) -> None:
    path = tmp_path / "importer.prom"
    first, second = Process(path), Process(path)
    first.waiting.set(3)
    first.success.set(1000)
    first.write()
    second.write()
    assert (read(path)["waiting", ""], read(path)["success_timestamp_seconds", ""]) == (0, 1000)


def test_what_is_no_such_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "importer.prom"
    path.write_text("no { metrics")
    process = Process(path)
    process.rows.labels("assigned").inc()
    process.write()
    assert read(path)["rows_total", "assigned"] == 1
    assert [one.name for one in tmp_path.iterdir() if not one.name.startswith(".")] == ["importer.prom"]
