"""Spans to OpenTelemetry (extra `otel`): one per run, step, chunk and request. Where they go, its own variables say
(OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, …).
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from importer import spans
from importer.errors import ConfigError
from importer.version import VERSION


@cache
def start_tracing() -> None:
    """From here on, once a process. Raises ConfigError where the extra is not installed."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError("otel_missing") from error
    resource = Resource.create({"service.name": "importer", "service.version": VERSION})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    atexit.register(provider.shutdown)
    spans.use(spans_of(provider.get_tracer("importer")))


def spans_of(tracer: Any) -> spans.Start:
    """Spans of a tracer, as `spans.use` takes them."""

    def start(name: str, values: Mapping[str, Any]) -> AbstractContextManager[object]:
        attributes = {f"importer.{key}": value for key, value in values.items()}
        started: AbstractContextManager[object] = tracer.start_as_current_span(
            f"importer.{name}", attributes=attributes
        )
        return started

    return start
