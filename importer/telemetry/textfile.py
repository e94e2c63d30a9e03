"""Metrics for cron: a file that the node exporter's textfile collector reads. Counters go on from what is in it, so
that they rise from one command to the next, whichever process writes.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from filelock import FileLock
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

_RISING = frozenset({"counter", "histogram"})
_MOMENT = "_timestamp_seconds"
"""Ends the name of a gauge whose latest value counts, whichever process has set it."""
_SECONDS = 10.0
_Key = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name and labels."""


class Textfile:
    """One for a process: it knows what it has added to the file already."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._added: dict[_Key, float] = {}

    def write(self, registry: CollectorRegistry) -> None:
        """Raises OSError where it can't be written, and Timeout where another process keeps it for ten seconds."""
        path = self._path
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=_SECONDS):
            there = _read(path)
            ours = list(registry.collect())
            added = dict(_samples(ours))
            summed = [_with(family, self._risen(there, added)) for family in ours]
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            draft.write_bytes(generate_latest(_Collected(summed)))
            draft.replace(path)
            self._added = added

    def _risen(self, there: Mapping[_Key, float], added: Mapping[_Key, float]) -> Mapping[_Key, float]:
        """What is in the file, and what this process has counted since it last wrote."""
        risen = defaultdict(float, there)
        for key, value in added.items():
            if key[0].endswith(_MOMENT):
                risen[key] = max(risen[key], value)
            else:
                risen[key] += value - self._added.get(key, 0.0)
        return risen


class _Collected:
    """What generate_latest takes for a registry."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def _read(path: Path) -> dict[_Key, float]:
    """The samples of a file that are to be kept; none where it isn't there or is no such file."""
    try:
        return dict(_samples(text_string_to_metric_families(path.read_text("utf-8"))))
    except (OSError, ValueError):
        return {}


def _is_kept(family: Metric) -> bool:
    return family.type in _RISING or family.name.endswith(_MOMENT)


def _samples(families: Iterable[Metric]) -> Iterator[tuple[_Key, float]]:
    for family in families:
        if _is_kept(family):
            for sample in family.samples:
                yield (sample.name, tuple(sorted(sample.labels.items()))), float(sample.value)


def _with(family: Metric, values: Mapping[_Key, float]) -> Metric:
    """The family with these values in place of its own, and with samples that only the file has."""
    if not _is_kept(family):
        return family
    whole = Metric(family.name, family.documentation, family.type, family.unit)
    names = {f"{family.name}{end}" for end in ("", "_total", "_bucket", "_count", "_sum")}
    own = dict.fromkeys((sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples)
    for name, labels in [*own, *(key for key in values if key[0] in names and key not in own)]:
        whole.add_sample(name, dict(labels), values[name, labels])
    return whole
