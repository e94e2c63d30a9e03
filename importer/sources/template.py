"""An empty list to fill in: the vendor's own header, and in a workbook columns that keep codes as they are typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from importer.errors import ConfigError

HEADER = ("SerialNumber", "GTIN", "Batch", "ExpirationDate", "ManufacturingDate")
_LAST_ROW = 1_048_575
_EXPLAINED = (
    ("Column", "What belongs there", "Example"),
    (
        "SerialNumber",
        "AI 21: 1 to 20 characters, unique per product; upper and lower case differ",
        "DI8U86IYQI9KS4G87WGI",
    ),
    ("GTIN", "AI 01: 14 digits; fill a shorter one with zeros on the left", "09521234567891"),
    ("Batch", "AI 10: 1 to 20 characters; upper and lower case differ", "BATCH002"),
    ("ExpirationDate", "AI 17: YYMMDD; day 00 is the end of the month; also 2028-11-30", "281130"),
    ("ManufacturingDate", "May stay empty; it is not sent", "261130"),
    ("", "", ""),
    ("Legal characters", "A-Z a-z 0-9 ! \" % & ' ( ) * + , - . / : ; < = > ? _ and no space", ""),
    ("One row per pack", "No totals, no blank header; every row of one batch has the same expiration date", ""),
    ("Paste", "as values (paste special, text): a pasted number loses zeros, and digits behind the 15th", ""),
    ("Then", "importer check FILE shows what would be sent, and sends nothing", ""),
)
_RULES = (
    (0, "SerialNumber", "1 to 20 characters, as text.", {"criteria": "between", "minimum": 1, "maximum": 20}),
    (1, "GTIN", "14 digits, as text.", {"criteria": "==", "value": 14}),
    (2, "Batch", "1 to 20 characters, as text.", {"criteria": "between", "minimum": 1, "maximum": 20}),
    (3, "ExpirationDate", "YYMMDD, as text: 281130.", {"criteria": "==", "value": 6}),
)


def write_template(path: Path) -> None:
    """Write an empty list; its extension, .csv or .xlsx, says which kind. An existing file is never replaced."""
    writers = {".csv": _write_csv, ".xlsx": _write_xlsx}
    write = writers.get(path.suffix.lower())
    if write is None:
        raise ConfigError("template_of_other_kind", name=path.name)
    try:
        with path.open("xb"):
            pass
        write(path)
    except FileExistsError:
        raise ConfigError("file_exists", path=str(path)) from None
    except OSError as error:
        raise ConfigError("file_unwritable", path=str(path), reason=error.strerror or str(error)) from error


def _write_csv(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + ",".join(HEADER).encode() + b"\r\n")


def _write_xlsx(path: Path) -> None:
    import xlsxwriter  # noqa: PLC0415  heavy, and seldom needed

    with xlsxwriter.Workbook(str(path)) as workbook:
        head = workbook.add_format({"bold": True, "bg_color": "#1F4E78", "font_color": "white", "num_format": "@"})
        _write_list(workbook, head)
        _write_explanations(workbook, head)


def _write_list(workbook: Any, head: Any) -> None:
    sheet = workbook.add_worksheet("Serials")
    sheet.set_column(0, len(HEADER) - 1, 24, workbook.add_format({"num_format": "@"}))
    sheet.write_row(0, 0, HEADER, head)
    sheet.freeze_panes(1, 0)
    for column, title, message, rule in _RULES:
        hint = {"input_title": title, "input_message": message, "error_title": title, "error_message": message}
        sheet.data_validation(
            1, column, _LAST_ROW, column, {"validate": "length", "error_type": "warning", **rule, **hint}
        )


def _write_explanations(workbook: Any, head: Any) -> None:
    sheet = workbook.add_worksheet("Explanations")
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 90)
    sheet.set_column(2, 2, 26)
    for row, cells in enumerate(_EXPLAINED):
        for column, text in enumerate(cells):
            sheet.write_string(row, column, text, *([head] if row == 0 else []))
