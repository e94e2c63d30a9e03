"""What the sample lists hold, and what becomes of it: sample_data/make.py says how each was made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from commands import Importer
from readback import Report

SAMPLES = Path(__file__).parents[2] / "sample_data"


def test_the_clean_sample_is_assigned_whole(importer: Importer, report: Callable[[], Report]) -> None:
    done = importer("run", "--sandbox", SAMPLES / "clean.csv")
    assert (done.code, report().outcomes) == (0, {"assigned": 2400})
    assert len(report().summary["batches"]) == 5
