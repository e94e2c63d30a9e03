"""Hard columns, one line each: what the column shows, or what dates in it mean, in each format.

A line is a list of its own. `codes` are those of the rows that are held back, by their number from 1; others go out.
"""

# ruff: noqa: RUF001  dates in other languages

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hard_rows import GTIN
from shown import Shown, shown

OTHER = "00036000291452"
_TIME = "suspect_time_of_day"


@dataclass(frozen=True)
class Column:
    """What is None is something ordinary. `sent` are the expiries of the rows that go out."""

    id: str
    serials: Sequence[Any] | None = None
    gtins: Sequence[str] | None = None
    batches: Sequence[Any] | None = None
    expiries: Sequence[Any] | None = None
    codes: Mapping[int, str] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    sent: Sequence[str] = ()
    cells: bool = False
    """Only a workbook can hold it."""

    def rows(self) -> list[list[Any]]:
        count = len(self.serials or self.batches or self.expiries or ())
        serials = self.serials or [f"OK{number:03}" for number in range(count)]
        gtins = self.gtins or [GTIN] * count
        batches = self.batches or ["B17"] * count if self.expiries is None else [f"L{n}" for n in range(count)]
        expiries = self.expiries or ["281130"] * count
        return [[*row, self.id] for row in zip(serials, gtins, batches, expiries, strict=True)]


def numbers(count: int, length: int) -> list[str]:
    """Random digits, none of which begins with a zero."""
    chance = random.Random(length)
    return [str(chance.randrange(10 ** (length - 1), 10**length)) for _ in range(count)]


def shortened(serials: Sequence[str], at: Mapping[int, int]) -> list[str]:
    """Numbers of which some, by their number from 1, have lost so many zeros."""
    return [serial[at.get(number, 0) :].lstrip("0") for number, serial in enumerate(serials, 1)]


def every(count: int, code: str) -> dict[int, str]:
    return dict.fromkeys(range(1, count + 1), code)


def moments(*moments: dt.datetime, form: str = "dd.mm.yyyy") -> list[Shown]:
    return [shown(moment, form) for moment in moments]


_30TH = dt.datetime(2028, 11, 30)  # noqa: DTZ001  a spreadsheet's clock has no zone
_29TH = dt.datetime(2028, 11, 29)  # noqa: DTZ001  likewise

SERIALS = [
    Column("exponents", serials=["1.23457E+17"] * 5, codes=every(5, "suspect_exponents")),
    Column("exponents_comma", serials=["1,23457E+17", "9,87654E+17"], codes=every(2, "suspect_exponents")),
    Column("exponents_java", serials=["1.23457E17", "1.2346E17"], codes=every(2, "suspect_exponents")),
    Column(
        "exponents_in_a_part",
        serials=[*numbers(10, 11), "1.23457E+11", "2.3E+11"],
        codes={11: "suspect_exponents", 12: "suspect_exponents"},
    ),
    Column("exponent_alone", serials=["1.23E+15", "AB1", "AB2"], warnings={"serial_looks_damaged": 1}),
    Column("zeros_behind_18", serials=[n + "000" for n in numbers(5, 15)], codes=every(5, "suspect_zeros_behind")),
    Column("zeros_behind_20", serials=[n + "00000" for n in numbers(3, 15)], codes=every(3, "suspect_zeros_behind")),
    Column("zeros_behind_twice", serials=["123456789012345000"] * 4, codes=every(4, "suspect_zeros_behind")),
    Column(
        "zeros_behind_in_a_part",
        serials=[*numbers(10, 18), *(n + "000" for n in numbers(3, 15))],
        codes=dict.fromkeys((11, 12, 13), "suspect_zeros_behind"),
    ),
    Column("zeros_behind_alone", serials=[*numbers(10, 18), "123456789012345000"]),
    Column(
        "zeros_lost",
        serials=shortened(numbers(60, 12), {6: 3, 18: 1, 21: 1, 40: 1, 41: 1}),
        codes=dict.fromkeys((6, 18, 21, 40, 41), "suspect_zeros_lost"),
    ),
    Column(
        "zeros_lost_in_two",
        serials=shortened(numbers(25, 8), {3: 1, 9: 2}),
        codes=dict.fromkeys((3, 9), "suspect_zeros_lost"),
    ),
    Column(
        "zeros_kept",
        serials=[*shortened(numbers(40, 10), {5: 1}), "0123456789"],
        warnings={"serial_shorter": 1},
    ),
    Column("counter", serials=[str(n) for n in range(1, 121)]),
    Column("counter_over_a_power", serials=[str(n) for n in range(9_990, 10_060)]),
    Column("counter_padded", serials=[f"{n:06}" for n in range(1, 60)]),
    Column("apostrophe", serials=[f"'{n:05}" for n in range(4)], codes=every(4, "suspect_common_mark")),
    Column("single_quotes", serials=[f"'HA{n:03}'" for n in range(3)], codes=every(3, "suspect_common_mark")),
    Column("code_39", serials=[f"*HA{n:03}*" for n in range(3)], codes=every(3, "suspect_common_mark")),
    Column("identifier", serials=[f"(21)HA{n:03}" for n in range(3)], codes=every(3, "suspect_common_mark")),
    Column("decimals", serials=["12345.0", "67890.0", "7.0"], codes=every(3, "suspect_common_mark")),
    Column("label", serials=["SN:12345", "SN:67890"], codes=every(2, "suspect_common_mark")),
    Column("comma_behind", serials=[f"HA{n:03}," for n in range(3)], codes=every(3, "suspect_common_mark")),
    Column("apostrophe_alone", serials=["'0012", "0013", "0014"]),
    Column(
        "apostrophe_in_three_products",
        serials=["'A1", "'A2", "'A3"],
        gtins=[GTIN, OTHER, "00000096385074"],
        codes=every(3, "suspect_common_mark"),
    ),
    Column(
        "several",
        serials=["ERP001\nERP002\nERP003", "ERP004, ERP005", "ERP006;ERP007", "ERP010-ERP019"],
        codes=every(4, "suspect_several_serials"),
    ),
    Column(
        "several_among_others",
        serials=["ERP001", "ERP002", "ERP003,ERP004", "ERP005/ERP006", "ERP010..ERP019"],
        codes=dict.fromkeys((3, 4, 5), "suspect_several_serials"),
    ),
    Column(
        "several_too_long",
        serials=["K3M9Q2;P7R4T8;W2X5Z9", "A1B2C3D4E5;F6G7H8I9J0;K1L2M3N4O5", "K3M9Q1"],
        codes=dict.fromkeys((1, 2), "suspect_several_serials"),
    ),
    Column("several_with_words", serials=["ERP010 bis ERP019", "ERP001"], codes={1: "suspect_several_serials"}),
    Column("marks_within", serials=["AB-12/C;3", "AB-13/C,4", "AB-14/D;5"]),
    Column("blank_within", serials=["ERP 001", "ERP002"], codes={1: "serial_character"}),
    Column("dates", serials=["2-Sep", "3-Sep", "AB12"], codes={1: "suspect_dates", 2: "suspect_dates"}),
    Column("months", serials=["Sep-02", "Mar-01", "AB12"], codes={1: "suspect_dates", 2: "suspect_dates"}),
    Column("entities", serials=["A&amp;B1", "A&lt;B2", "AB3"], codes={1: "suspect_escaped", 2: "suspect_escaped"}),
    Column("escapes", serials=[f"A%2F{n}" for n in range(5)], codes=every(5, "suspect_escaped")),
    Column("percents_that_are_none", serials=["A%2F1", "A%2F2", "A%2F3", "A%2F4", "A%2F5", "50%OFF"]),
    Column("cut_off", serials=["PHARMA2028"] * 30, codes=every(30, "suspect_repeated")),
    Column(
        "filled_down",
        serials=[*(f"S{n}X" for n in range(9)), *["S9X"] * 21],
        codes=dict.fromkeys(range(10, 31), "suspect_repeated"),
    ),
    Column("dates_that_are_none", serials=["12-34-56", "12-11-27", "99-10-01"]),
]

BATCHES = [
    *(
        Column(f"nothing_{number}", batches=[word, "B17"], codes={1: "suspect_placeholder"})
        for number, word in enumerate(
            (
                *("NULL", "N/A", "n.a.", "-", "TBD", "None", "?", "k.A.", "unbekannt", "néant", "s/d", "brak", "žádná"),
                *("нет", "н/д", "geen", "yok", "boş", "sem lote", "#", "XXX", "--"),
            )
        )
    ),
    Column("batch_apostrophe", batches=["'B1", "'B1", "'B2"], codes=every(3, "suspect_common_mark")),
    Column("batch_exponents", batches=["1.2E+07", "1.3E+07"], codes=every(2, "suspect_exponents")),
    Column("batch_dates", batches=["2-Sep", "3-Sep", "B1"], codes={1: "suspect_dates", 2: "suspect_dates"}),
    Column("batch_exponent_alone", batches=["1.2E+07", "B1"], warnings={"batch_looks_damaged": 1}),
    Column("batch_dragged_down", batches=[f"B{n}" for n in range(95, 107)], warnings={"batch_counts_up": 12}),
    Column("batches_of_a_pack", batches=[f"B{2 * n}" for n in range(12)]),
    Column("batch_slip", batches=["B17"] * 20 + ["B18"], warnings={"batch_differs_in_a_digit": 1}),
    Column(
        "batch_under_two_products",
        batches=["B17", "B17", "B18"],
        gtins=[GTIN, OTHER, GTIN],
        warnings={"batch_under_two_products": 2},
    ),
]

DATES = [
    Column(
        "month_names",
        expiries=["30-Nov-2028", "30 NOV 2028", "30NOV2028", "Nov 30, 2028", "2028-Nov-30", "30 novembre 2028"],
        sent=["281130"] * 6,
    ),
    Column(
        "month_names_elsewhere",
        expiries=[
            "30-Kas-2028",
            "30 listopada 2028 r.",
            "30 ноября 2028 г.",
            "30. listopadu 2028",
            "30 de nov. de 2028",
        ],
        sent=["281130"] * 5,
    ),
    Column(
        "months_alone",
        expiries=["NOV-2028", "Nov 2028", "11/2028", "novembre 2028"],
        sent=["281100"] * 4,
        warnings={"expiry_month_only": 4},
    ),
    Column(
        "national_marks",
        expiries=["2028. 11. 30.", "30.11.2028.", "2028年11月30日", "30. 11. 2028", "30.11.2028 г."],
        sent=["281130"] * 5,
    ),
    Column(
        "midnight",
        expiries=["30.11.2028 0:00:00", "11/30/2028 12:00:00 AM", "2028-11-30T00:00:00Z", "2028-11-30T00:00:00+01:00"],
        sent=["281130"] * 4,
    ),
    Column(
        "time_of_day",
        expiries=["2028-11-29T23:00:00.000Z", "29.11.2028 22:00", "11/29/2028 11:59:59 PM", "47086.99944"],
        codes=every(4, _TIME),
    ),
    Column("seconds", expiries=["2028-11-30 00:00:43"], sent=["281130"], warnings={"expiry_time_dropped": 1}),
    Column(
        "short_years",
        expiries=["30-Nov-28", "30.11.28", "Nov-28"],
        codes=every(3, "expiry_ambiguous"),
    ),
    Column(
        "cells_before_midnight",
        expiries=moments(
            _29TH.replace(hour=23, minute=59, second=12), _29TH.replace(hour=22), _30TH, _30TH.replace(hour=1)
        ),
        codes=dict.fromkeys((1, 2, 4), _TIME),
        sent=["281130"],
        cells=True,
    ),
    Column(
        "cells_after_midnight",
        expiries=moments(_30TH.replace(second=43)),
        sent=["281130"],
        warnings={"expiry_time_dropped": 1},
        cells=True,
    ),
    Column("cell_without_format", expiries=[47086.99944, 47086.5], codes=every(2, _TIME), cells=True),
    Column(
        "cells_that_show_a_month",
        expiries=[
            *moments(_30TH, dt.datetime(2028, 11, 1), form="mmm-yy"),  # noqa: DTZ001  likewise
            *moments(_30TH, form="mm/yyyy"),
            *moments(_30TH, form="mmmm yyyy"),
            *moments(_30TH, form="yyyy-mm"),
            *moments(_30TH, form="dd mmm yyyy"),
        ],
        sent=["281100"] * 5 + ["281130"],
        warnings={"expiry_month_only": 5},
        cells=True,
    ),
]

COLUMNS = [*SERIALS, *BATCHES, *DATES]
