"""Hard cells, one line each: what a spreadsheet makes of codes, in workbooks alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

_DIGITS_LOST = "its digits are lost. Format the column as text"
_NUMERIC = "stands in a numeric cell, which drops leading zeros"


@dataclass(frozen=True)
class Cell:
    """A row of native cells; text that begins with =! is an error. What is None is something ordinary.

    `in_ods` is the code where .ods comes to another one: LibreOffice writes truth values as numbers.
    """

    id: str
    serial: Any = None
    gtin: Any = None
    batch: Any = None
    expiry: Any = None
    sent: str = ""
    code: str = ""
    words: str = ""
    in_ods: str = ""


CELLS = [
    Cell("text", serial="00012", sent="00012"),
    Cell("number", serial=12, code="serial_numeric_cell", words=f"The serial 12 {_NUMERIC}"),
    Cell("number_zero", serial=0, code="serial_numeric_cell", words="The serial 0 stands"),
    Cell("number_negative", serial=-7, code="serial_numeric_cell", words="The serial -7 stands"),
    Cell("number_15", serial=123456789012345, code="serial_numeric_cell", words="123456789012345"),
    Cell("number_16", serial=1234567890123456, code="serial_digits_lost", words=_DIGITS_LOST),
    Cell("number_20", serial=12345678901234567890, code="serial_digits_lost", words="as 1.23456789012346E+19"),
    Cell("fraction", serial=12.5, code="serial_digits_lost", words="as 12.5"),
    Cell("boolean", serial=True, code="boolean_cell", words="the truth value TRUE", in_ods="serial_numeric_cell"),
    Cell("date", serial=dt.date(2027, 1, 1), code="serial_date_cell", words="made a date of the serial (2027-01-01)"),
    Cell("error_na", serial="=!#N/A", code="error_cell", words="the error #N/A"),
    Cell("error_div", serial="=!#DIV/0!", code="error_cell", words="the error #DIV/0!"),
    Cell("gtin_number", gtin=4006381333931, sent="GTIN 04006381333931"),
    Cell("gtin_number_8", gtin=96385074, sent="GTIN 00000096385074"),
    Cell("gtin_number_zeros", gtin=36000291452, sent="GTIN 00036000291452"),
    Cell("gtin_number_wrong", gtin=4006381333932, code="gtin_check_digit", words="its check digit is 1"),
    Cell("gtin_fraction", gtin=4006381333931.5, code="gtin_digits_lost", words="The GTIN stands in a numeric cell"),
    Cell(
        "gtin_boolean", gtin=False, code="boolean_cell", words="The GTIN is the truth value FALSE", in_ods="gtin_length"
    ),
    Cell("gtin_date", gtin=dt.date(2027, 1, 1), code="gtin_date_cell", words="made a date of the GTIN"),
    Cell("gtin_error", gtin="=!#REF!", code="error_cell", words="The GTIN is the error #REF!"),
    Cell("batch_number", batch=220, code="batch_numeric_cell", words=f"The batch 220 {_NUMERIC}"),
    Cell("batch_long_number", batch=10**18, code="batch_digits_lost", words="as 1E+18"),
    Cell("batch_date", batch=dt.date(2027, 9, 2), code="batch_date_cell", words="take the batch from the source"),
    Cell(
        "batch_boolean",
        batch=True,
        code="boolean_cell",
        words="The batch is the truth value TRUE",
        in_ods="batch_numeric_cell",
    ),
    Cell("expiry_date", expiry=dt.date(2028, 11, 30), sent="expiry 281130"),
    Cell("expiry_number", expiry=281130, sent="expiry 281130"),
    Cell("expiry_number_yyyymm", expiry=202811, code="expiry_yyyymm", words="year and month"),
    Cell("expiry_number_5", expiry=50131, code="expiry_zero_lost", words="5 digits"),
    Cell("expiry_day_number", expiry=47087, code="expiry_day_number", words="enter it as 281130"),
    Cell(
        "expiry_boolean",
        expiry=True,
        code="boolean_cell",
        words="The expiry is the truth value TRUE",
        in_ods="expiry_format",
    ),
    Cell("expiry_error", expiry="=!#VALUE!", code="error_cell", words="#VALUE!"),
    Cell("expiry_fraction", expiry=28.5, code="expiry_ambiguous", words="no year of four digits"),
]
