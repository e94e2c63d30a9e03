from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from saying import refused

from importer.errors import ConfigError, SourceError
from importer.sources.opening import SourceOptions, open_source
from importer.sources.template import HEADER, write_template


@pytest.mark.parametrize("name", ["list.csv", "list.xlsx"])
def test_an_empty_list_is_one_that_only_lacks_rows(tmp_path: Path, name: str) -> None:
    write_template(tmp_path / name)
    source = open_source(tmp_path / name, SourceOptions())
    assert list(source.reading.sheets[0].columns.values()) == list(HEADER[:4])
    with refused(SourceError, "a header and no rows"):
        list(source)


def test_the_code_columns_of_a_workbook_keep_what_is_typed_as_text(tmp_path: Path) -> None:
    write_template(tmp_path / "list.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx")["Serials"]
    columns = sheet.column_dimensions["A"]
    assert (columns.min, columns.max, columns.number_format) == (1, 5, "@")
    assert len(sheet.data_validations.dataValidation) == 4


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("mine")
    with refused(ConfigError, "exists already"):
        write_template(tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_text() == "mine"


def test_another_extension_is_refused(tmp_path: Path) -> None:
    with refused(ConfigError, r"neither with \.csv nor with \.xlsx"):
        write_template(tmp_path / "list.doc")
