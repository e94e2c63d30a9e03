from __future__ import annotations

import pytest
from saying import refused, said

from importer.errors import SourceError
from importer.sources.layout import find_layout
from importer.sources.options import SourceOptions

HEADER = ["SerialNumber", "GTIN", "Batch", "ExpirationDate"]
GTIN = "09521234567891"
ROWS = [[f"SER{i}", "04006381333931", "B1", "281130"] for i in range(4)]


def test_titles_above_the_header_are_skipped() -> None:
    layout = find_layout([["Serials for week 47"], [], HEADER, *ROWS], SourceOptions(), "list.csv")
    assert (layout.header_row, layout.skip) == (3, 3)


def test_what_is_said_once_above_the_list_fills_the_columns_that_lack() -> None:
    above = [["GTIN: 04006381333931"], ["Batch", "", "B1"], ["Expiry date", "281130"]]
    layout = find_layout([*above, ["Serial number"], ["A1"]], SourceOptions(), "list.csv")
    assert layout.given == {"gtin": "04006381333931", "batch": "B1", "expiry": "281130"}


def test_a_list_without_header_is_recognised_by_its_values() -> None:
    layout = find_layout(ROWS, SourceOptions(), "list.csv")
    assert layout.positions == {"serial": 0, "gtin": 1, "batch": 2, "expiry": 3}
    assert (layout.header_row, layout.skip) == (0, 0)
    assert list(map(said, layout.remarks)) == ["list.csv has no header: its columns were recognised by their values."]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(ROWS[:2], id="too few rows to tell"),
        pytest.param([["SER", "4006381333932", "B1", "281130"], *ROWS], id="a first row with a wrong check digit"),
        pytest.param([[r[0], r[1], r[0], r[3]] for r in ROWS], id="two columns that never repeat"),
        pytest.param([[*r, "x"] for r in ROWS], id="one column too many"),
        pytest.param([[r[0], r[1], r[2], "281399"] for r in ROWS], id="no date"),
    ],
)
def test_a_list_without_header_that_leaves_a_doubt_is_refused(rows: list[list[str]]) -> None:
    with refused(SourceError, "no header that names its columns"):
        find_layout(rows, SourceOptions(), "list.csv")


def test_a_list_of_serials_alone_is_recognised_where_all_are_made_alike() -> None:
    options = SourceOptions(gtin=GTIN, batch="B1", expiry="281130")
    assert find_layout([[f"SERIAL00{i}"] for i in range(5)], options, "list.csv").positions == {"serial": 0}


def test_a_misspelt_header_is_not_taken_for_a_serial() -> None:
    options = SourceOptions(gtin=GTIN, batch="B1", expiry="281130")
    with refused(SourceError, "no header"):
        find_layout([["Serialnumbr"], *([f"SERIAL00{i}"] for i in range(5))], options, "list.csv")


@pytest.mark.parametrize(
    ("records", "options", "message"),
    [
        pytest.param(
            [["SerialNumber", "GTIN", "Lot"]],
            SourceOptions(),
            'list.csv has no column for the expiry. Found: "SerialNumber", "GTIN" and "Lot". Name the column with '
            '--map expiry="…", or give one value for all rows with --expiry.',
            id="a missing column",
        ),
        pytest.param(
            [[*HEADER, "Lot no"]],
            SourceOptions(),
            'list.csv has 2 columns for the batch: "Batch" (column 3, C) and "Lot no" (column 5, E). Choose one with '
            '--map batch="Lot no" or --map batch=#5.',
            id="two columns for one role",
        ),
        pytest.param(
            [HEADER],
            SourceOptions(gtin=GTIN),
            "list.csv has a column for the GTIN, and --gtin gives it too. Leave out --gtin.",
            id="given in the file and by an option",
        ),
        pytest.param(
            [["Batch: B2"], ["SN", "GTIN", "EXP"]],
            SourceOptions(batch="B1"),
            'list.csv says "B2" for the batch above the list, --batch says "B1". '
            "Leave out --batch, or correct one of them.",
            id="said above the list and by an option",
        ),
        pytest.param(
            [[""], []],
            SourceOptions(),
            "list.csv is empty: a list has a header and one row per pack. Export it again.",
            id="empty",
        ),
    ],
)
def test_what_is_not_clear_is_an_error_that_says_what_to_do(
    records: list[list[str]], options: SourceOptions, message: str
) -> None:
    with pytest.raises(SourceError) as caught:
        find_layout(records, options, "list.csv")
    assert said(caught.value) == message


def test_columns_that_nobody_knows_are_named() -> None:
    layout = find_layout([[*HEADER, "Shift", "row"]], SourceOptions(), "list.csv")
    assert list(map(said, layout.remarks)) == ['list.csv: columns not used: "Shift".']
