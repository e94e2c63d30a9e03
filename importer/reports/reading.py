"""Reads a report's lists back, for `verify`: streamed, with the values as they were before they were made harmless."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from importer.errors import ImporterError
from importer.reports.columns import FIELDS, SHEET, SHEET_SHIFT, headers
from importer.reports.manifest import check_manifest
from importer.reports.spelling import restored

__all__ = ["READ_BACK", "check_manifest", "read_back"]

READ_BACK = pa.schema(
    [
        ("key", pa.int64()),
        *(
            (name, pa.string())
            for name in ("serial", "gtin", "batch", "expiry", "outcome", "code", "chunk", "attempts")
        ),
    ]
)
"""The rows of a list as `read_back` gives them; `key` as in tables.py."""

_BLOCK = 1 << 23
"""Bytes read at once; a line must fit in."""


def read_back(path: Path, sheet_names: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
    """The rows of `path` (assigned.csv or not_assigned.csv) in the file's order, as batches of READ_BACK.

    `sheet_names` are those the report was written with. Raises ImporterError for a file that is not such a list.
    """
    try:
        with csv.open_csv(path, *_options(sheet_names)) as reader:
            for batch in reader:
                yield _batch(batch, sheet_names)
    except (pa.ArrowException, OSError) as error:
        raise ImporterError(
            f"{path} can't be read back: {error}. Write the report again with `importer report`."
        ) from error


def _options(sheet_names: Sequence[str]) -> tuple[csv.ReadOptions, csv.ParseOptions, csv.ConvertOptions]:
    names = headers(sheet_names)
    types = {name: pa.int64() if name == "row" else pa.string() for name in names}
    return (
        csv.ReadOptions(use_threads=False, block_size=_BLOCK),
        csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        csv.ConvertOptions(column_types=types, include_columns=list(names), strings_can_be_null=False, null_values=[]),
    )


def _batch(batch: pa.RecordBatch, sheet_names: Sequence[str]) -> pa.RecordBatch:
    column_of = {field: column for column, field in FIELDS.items()}
    key = batch["row"]
    if len(sheet_names) > 1:
        index = pc.index_in(restored(batch[SHEET]), pa.array(sheet_names, pa.string())).cast(pa.int64())
        if index.null_count:
            raise pa.ArrowInvalid("it names a sheet that the source does not have")
        key = pc.bit_wise_or(pc.shift_left(index, SHEET_SHIFT), key)
    return pa.RecordBatch.from_arrays(
        [key, *(restored(batch[column_of[name]]) for name in READ_BACK.names[1:])], schema=READ_BACK
    )
