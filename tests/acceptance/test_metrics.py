"""What operators see: metrics as Prometheus reads them, spans, a log that is kept, whether the page is ready."""

from __future__ import annotations

import json
import os
import re
import socket
import urllib.error
import urllib.request
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from boxes import Box
from commands import Importer
from conftest import StartBox
from lists import packs, write_csv
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families
from webserver import Server

from importer import run, spans
from importer.telemetry.metrics import Metrics
from importer.telemetry.traces import spans_of

DATA = files("importer.telemetry") / "data"
_SUFFIXES = ("_total", "_bucket", "_count", "_sum")


def read(text: str) -> dict[tuple[str, ...], float]:
    """Samples by name and labels, as a real parser reads them."""
    return {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetched(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_commands_of_cron_count_on_in_a_file(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox("refused=S00003")
    env = {**box.env, "IMPORTER_METRICS__TEXTFILE": "metrics/importer.prom"}
    source = write_csv(importer.cwd / "list.csv", [*packs(5), ("#", *packs(1)[0][1:])])
    run_id = importer("run", source, "--json", env=env).json["run"]
    importer("run", write_csv(importer.cwd / "more.csv", packs(2, first=50)), env=env)
    importer("retry", run_id, env=env)
    found = read((importer.cwd / "metrics" / "importer.prom").read_text("utf-8"))
    rows = {outcome: found["importer_rows_total", outcome, "false"] for outcome in ("assigned", "refused", "rejected")}
    assert rows == {"assigned": 6, "refused": 1, "rejected": 1}
    assert found["importer_runs_total", "commission", "0", "false"] == 1
    assert found["importer_runs_total", "commission", "3", "false"] == 2
    assert found["importer_requests_total", "settled"] == len(box.requests()) == 3
    assert found["importer_request_seconds_count",] == 3
    assert found["importer_rows_read_total",] == 8
    assert found["importer_unknown_rows",] == 0
    assert found["importer_last_success_timestamp_seconds", "false"] > 1.7e9


def test_a_pass_over_an_inbox_tells_what_still_waits_in_it(importer: Importer, box: Box) -> None:
    env = {**box.env, "IMPORTER_METRICS__TEXTFILE": "importer.prom", "IMPORTER_WATCH__QUIET_SECONDS": "0"}
    inbox = importer.cwd / "inbox"
    inbox.mkdir()
    write_csv(inbox / "list.csv", packs(3))
    (inbox / "cut.csv").write_text("SerialNumber,GTIN,Batch,ExpirationDate\nS1,0952")
    os.utime(inbox / "cut.csv", (0, 0))
    importer("watch", "inbox", "--once", env=env)
    found = read((importer.cwd / "importer.prom").read_text("utf-8"))
    assert found["importer_rows_total", "assigned", "false"] == 3
    assert found["importer_inbox_files",] == 1
    assert found["importer_inbox_oldest_file_seconds",] > 1e9


def test_unknown_rows_are_counted_while_they_are_open(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox("missing=S00002")
    env = {**box.env, "IMPORTER_METRICS__TEXTFILE": "importer.prom"}
    assert importer("run", write_csv(importer.cwd / "list.csv", packs(3)), env=env).code == 5
    assert read((importer.cwd / "importer.prom").read_text("utf-8"))["importer_unknown_rows",] == 1


def test_a_file_that_cannot_be_written_harms_no_import(importer: Importer, box: Box) -> None:
    (importer.cwd / "taken").write_text("a file")
    env = {**box.env, "IMPORTER_METRICS__TEXTFILE": "taken/importer.prom"}
    done = importer("run", write_csv(importer.cwd / "list.csv", packs(3)), env=env)
    assert done.code == 0
    assert [log["event"] for log in done.logs if log["level"] == "warning"] == ["metrics_not_written"]


def test_a_port_shows_them_while_a_run_goes_on(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox("commission:latency=1,seconds=0.2")
    port = free_port()
    env = {**box.env, "IMPORTER_METRICS__PORT": str(port), "IMPORTER_LIMITS__CHUNK_SIZE": "1"}
    with importer.start("run", write_csv(importer.cwd / "list.csv", packs(100)), env=env) as running:
        running.wait_for("chunk", times=9)
        status, text = fetched(f"http://127.0.0.1:{port}/metrics")
        assert status == 200
        assert read(text)["importer_requests_total", "settled"] >= 8
        assert read(text)["importer_requests_in_flight",] > 0


def test_the_page_shows_them_and_tells_ready_from_alive(server: Server, tmp_path: Path) -> None:
    status, text = fetched(f"{server.url}/metrics")
    assert (status, read(text)["importer_api_up",]) == (200, 1)
    assert fetched(f"{server.url}/api/health/ready")[0] == 200
    document = json.loads(fetched(f"{server.url}/api/health")[1])
    assert (document["ok"], document["ready"], document["not_ready"]) == (True, True, [])
    ledger = next((tmp_path / "work").glob("importer.db"))
    ledger.write_bytes(b"no ledger" * 1000)
    status, text = fetched(f"{server.url}/api/health/ready")
    assert (status, json.loads(text)["not_ready"]) == (503, ["ledger"])
    assert fetched(f"{server.url}/api/health")[0] == 200


def test_strangers_see_no_metrics(guarded: Server) -> None:
    assert "importer_rows" not in fetched(f"{guarded.url}/metrics")[1]
    assert fetched(f"{guarded.url}/api/health/ready")[0] == 200


def test_each_line_of_the_log_names_run_and_file_also_in_the_one_that_is_kept(importer: Importer, box: Box) -> None:
    env = {
        **box.env,
        "IMPORTER_LOG__MEGABYTES": "0.003",
        "IMPORTER_LOG__FILES": "3",
        "IMPORTER_LIMITS__CHUNK_SIZE": "1",
    }
    source = write_csv(importer.cwd / "list.csv", packs(40))
    done = importer("run", source, "--json", "--log-file", "logs/night.log", env=env)
    assert {log["source"] for log in done.logs} == {"list.csv"}
    assert {log["run"] for log in done.logs} == {done.json["run"]}
    kept = sorted((importer.cwd / "logs").iterdir())
    assert [one.name for one in kept] == ["night.log", "night.log.1", "night.log.2", "night.log.3"]
    assert all(one.stat().st_size <= 3000 for one in kept)
    lines = [json.loads(line) for one in kept for line in one.read_text("utf-8").splitlines()]
    assert {line["run"] for line in lines} == {done.json["run"]}
    assert box.env["IMPORTER_API__TOKEN"] not in "".join(one.read_text("utf-8") for one in kept)


def test_a_log_file_that_cannot_be_written_is_an_error_before_anything_is_sent(importer: Importer, box: Box) -> None:
    (importer.cwd / "taken").write_text("a file")
    source = write_csv(importer.cwd / "list.csv", packs(1))
    done = importer("run", source, "--log-file", "taken/x.log", env=box.env)
    assert (done.code, "taken/x.log" in done.errors[0], box.requests()) == (2, True, [])


async def test_there_is_a_span_for_run_steps_chunk_and_request(box: Box, tmp_path: Path) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans.use(spans_of(provider.get_tracer("test")))
    try:
        env = box.env
        api = {name: env[f"IMPORTER_API__{name.upper()}"] for name in ("base_url", "channel_key", "token")}
        settings: dict[str, dict[str, Any]] = {
            "api": api,
            "ledger": {"path": tmp_path / "importer.db"},
            "report": {"dir": tmp_path / "reports"},
            "limits": {"chunk_size": 2, "requests_per_second": 0, "quota_dir": tmp_path},
            "metrics": {"textfile": tmp_path / "importer.prom"},
        }
        done = await run(write_csv(tmp_path / "list.csv", packs(4)), settings=settings)
    finally:
        spans.use(spans._nothing)
    ended = exporter.get_finished_spans()
    names = [span.name.removeprefix("importer.") for span in ended]
    assert sorted(names) == ["chunk", "chunk", "report", "request", "request", "run", "stage", "submit"]
    by_id = {span.context.span_id: span.name for span in ended if span.context}
    parents = {span.name: by_id.get(span.parent.span_id) for span in ended if span.parent}
    assert parents["importer.request"] == "importer.chunk"
    assert parents["importer.chunk"] == parents["importer.report"] == "importer.submit"
    assert parents["importer.submit"] == parents["importer.stage"] == "importer.run"
    attributes = [dict(span.attributes or {}) for span in ended]
    assert {one["importer.run"] for one in attributes if "importer.run" in one} == {done.run}
    assert "S0000" not in str(attributes)


@pytest.mark.parametrize("name", ["alerts.yml", "grafana.json"])
def test_dashboard_and_alerts_ask_for_metrics_that_there_are(name: str) -> None:
    known = {family.name for family in Metrics().registry.collect()}
    asked = set(re.findall(r"importer_[a-z_]+", (DATA / name).read_text("utf-8")))
    assert asked
    for one in asked:
        assert any(one.removesuffix(end) in known for end in ("", *_SUFFIXES)), one


def test_the_dashboard_is_json_with_panels_and_the_rules_say_what_to_do() -> None:
    dashboard = json.loads((DATA / "grafana.json").read_text("utf-8"))
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) > 8
    alerts = (DATA / "alerts.yml").read_text("utf-8")
    assert alerts.count("- alert:") == alerts.count("summary:") == alerts.count("description:") > 5
