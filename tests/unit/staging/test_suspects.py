from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pytest

from importer.gs1.characters import CSET_82
from importer.gs1.suspect import Suspect
from importer.staging.serial_column import read_serials
from importer.staging.serial_facts import SerialFacts
from importer.staging.several import several_in
from importer.staging.suspects import Found, Suspects

ALPHABETS = {
    "digits": string.digits,
    "hex": "0123456789ABCDEF",
    "base32": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "crockford": "0123456789ABCDEFGHJKMNPQRSTVWXYZ",
    "base36": string.digits + string.ascii_uppercase,
    "base62": string.digits + string.ascii_letters,
    "letters": string.ascii_uppercase,
    "base64_of_urls": string.digits + string.ascii_letters + "-_",
    "all_82": CSET_82,
}


def gathered(serials: Sequence[str], products: Sequence[int] = (), at_once: int = 1 << 16) -> SerialFacts:
    facts = SerialFacts()
    for start in range(0, len(serials), at_once):
        read = read_serials(pa.array(serials[start : start + at_once], pa.string()))
        own = products[start : start + at_once] or [0] * len(read.column)
        facts.add(
            read.column,
            np.array(own, np.int32),
            plain=not read.notes,
            damaged=read.notes.get("serial_looks_damaged"),
        )
    return facts


def held(serials: Sequence[str], products: Sequence[int] = (), accept: tuple[str, ...] = ()) -> dict[str, str]:
    """The serials that are held back, with the code."""
    found = looked_at(serials, products, accept)
    return {serials[row]: finding.code for row, finding in found.held.items()}


def looked_at(serials: Sequence[str], products: Sequence[int] = (), accept: tuple[str, ...] = ()) -> Found:
    suspects = Suspects(gathered(serials, products))
    own = np.array(products or [0] * len(serials), np.int32)
    return suspects.find(pa.array(serials, pa.string()), own, accept)


def numbers(count: int, length: int, seed: int = 1) -> list[str]:
    chance = random.Random(seed)
    return ["".join(chance.choices(string.digits, k=length)) for _ in range(count)]


def opened_in_a_spreadsheet(serials: Sequence[str]) -> list[str]:
    return [serial.lstrip("0") or "0" for serial in serials]


LOST = opened_in_a_spreadsheet(numbers(200, 12))

DAMAGED = {
    "all_collapsed_to_one_exponent": (["1.23457E+17"] * 5, 5, Suspect.EXPONENTS),
    "exponents_with_commas": (["1,23457E+17", "1,23459E+17", "8,12E+17"], 3, Suspect.EXPONENTS),
    "a_part_of_them_collapsed": ([*numbers(50, 9), "1.5E+11", "1.6E+11"], 2, Suspect.EXPONENTS),
    "one_exponent_twice_among_many": ([*numbers(5000, 9), "1.5E+11", "1.5E+11"], 2, Suspect.EXPONENTS),
    "zeros_behind_the_fifteenth": ([number[:15] + "000" for number in numbers(10, 18)], 10, Suspect.ZEROS_BEHIND),
    "zeros_behind_in_a_part_of_them": (
        [*numbers(20, 18, 3), *(number[:15] + "000" for number in numbers(10, 18, 2))],
        10,
        Suspect.ZEROS_BEHIND,
    ),
    "zeros_lost": (LOST, sum(len(serial) < 12 for serial in LOST), Suspect.ZEROS_LOST),
    "an_apostrophe_before_each": ([f"'{number:05}" for number in range(4)], 4, Suspect.COMMON_MARK),
    "each_in_quotation_marks": (['"HA000"', '"HA001"'], 2, Suspect.COMMON_MARK),
    "the_asterisks_of_code_39": ([f"*HA{number}*" for number in range(3)], 3, Suspect.COMMON_MARK),
    "a_separator_behind_each": ([f"HA{number};" for number in range(3)], 3, Suspect.COMMON_MARK),
    "decimals_of_a_float": (["12345.0", "67890.0", "7.0"], 3, Suspect.COMMON_MARK),
    "decimals_with_a_comma": (["12345,00", "67890,00"], 2, Suspect.COMMON_MARK),
    "a_name_before_each": (["SN:12345", "SN:67890"], 2, Suspect.COMMON_MARK),
    "an_identifier_before_each": ([f"(21)HA{number}" for number in range(3)], 3, Suspect.COMMON_MARK),
    "a_list_among_others": (["ERP001", "ERP002", "ERP006;ERP007"], 1, Suspect.SEVERAL_SERIALS),
    "a_list_with_slashes_among_others": (["X7K2P9", "Q3M8R1", "X7K2Z9/Q3M8T1"], 1, Suspect.SEVERAL_SERIALS),
    "a_range_among_others": (["ERP001", "ERP002", "ERP010-ERP019"], 1, Suspect.SEVERAL_SERIALS),
    "a_range_with_dots": (["0001..0100"], 1, Suspect.SEVERAL_SERIALS),
    "nothing_but_lists": (["ERP006;ERP007", "ERP010-ERP019"], 2, Suspect.SEVERAL_SERIALS),
    "lists_with_commas": (["A1B2,C3D4,E5F6"], 1, Suspect.SEVERAL_SERIALS),
    "dates": (["2-Sep", "3-Sep", "AB12", "CD34"], 2, Suspect.DATES),
    "months": (["Sep-02", "Sep-03", "AB12"], 2, Suspect.DATES),
    "dates_in_digits": (["02.09.2027", "03.09.2027", "AB12"], 2, Suspect.DATES),
}


@pytest.mark.parametrize(("serials", "count", "code"), DAMAGED.values(), ids=DAMAGED.keys())
def test_what_the_column_shows_to_be_damaged_is_held_back(serials: list[str], count: int, code: Suspect) -> None:
    assert [finding.code for finding in looked_at(serials).held.values()] == [code] * count


@pytest.mark.parametrize(("serials", "count", "code"), DAMAGED.values(), ids=DAMAGED.keys())
def test_what_a_person_accepts_is_not_held_back(serials: list[str], count: int, code: Suspect) -> None:
    found = looked_at(serials, accept=(code,))
    assert (found.held, found.warnings) == ({}, {code: count})


@pytest.mark.parametrize(
    "serials",
    [
        pytest.param(["AB12", "1.23E+15", "CD34"], id="one_exponent"),
        pytest.param(["AB12", "2-Sep", "2027-01-01"], id="two_dates_of_two_kinds"),
        pytest.param(["1.2E+9"], id="one_row"),
        pytest.param(["'0012", "0013"], id="one_apostrophe"),
        pytest.param(["a;b", "a,b", "ab"], id="short_parts"),
        pytest.param([*numbers(20, 18), "123456789012345000"], id="one_with_zeros_behind"),
        pytest.param([*numbers(60, 12)], id="leading_zeros_kept"),
        pytest.param(["12345.0", "1234.5"], id="a_fraction"),
        pytest.param(["SN:12345", "AB:67890"], id="two_names"),
        pytest.param([f"L{n}:12345" for n in range(5)], id="a_line_before_each"),
        pytest.param(["NULL", "NA", "TRUE", "007"], id="words"),
    ],
)
def test_a_single_odd_value_is_not_held_back(serials: list[str]) -> None:
    assert held(serials) == {}


def test_a_shorter_number_among_some_that_kept_their_zeros_is_a_warning() -> None:
    found = looked_at([*numbers(60, 12), "4711471147"])
    assert (found.held, found.warnings) == ({}, {"serial_shorter": 1})


COUNTERS: dict[str, Callable[[], list[str]]] = {
    "from_1_to_1000": lambda: [str(n) for n in range(1, 1001)],
    "from_1_to_999": lambda: [str(n) for n in range(1, 1000)],
    "from_0_to_9": lambda: [str(n) for n in range(10)],
    "over_a_power_of_ten": lambda: [str(n) for n in range(99_900, 100_900)],
    "over_a_power_of_ten_with_few": lambda: [str(n) for n in range(99_999_990, 100_000_100)],
    "with_leading_zeros": lambda: [f"{n:08}" for n in range(1, 1001)],
    "of_twenty_digits": lambda: [f"{n:020}" for n in range(10**17, 10**17 + 2000)],
    "by_tens": lambda: [str(n) for n in range(0, 9000, 10)],
    "by_thousands": lambda: [str(n) for n in range(1000, 900_000, 1000)],
    "with_gaps": lambda: [str(n) for n in sorted(random.Random(3).sample(range(1, 20_000), 1000))],
    "behind_letters": lambda: [f"ABC{n}" for n in range(1, 1001)],
    "behind_a_dash": lambda: [f"L1-{n:06}" for n in range(1000)],
    "in_two_halves": lambda: [f"{n:04}-{n * 7 % 10_000:04}" for n in range(1000)],
    "in_two_blocks": lambda: [*map(str, range(900, 1000)), *map(str, range(5_000_000, 5_001_000))],
    "descending": lambda: [str(n) for n in range(12_000, 0, -1)],
}


@pytest.mark.parametrize("serials", COUNTERS.values(), ids=COUNTERS.keys())
def test_a_counter_is_not_suspect(serials: Callable[[], list[str]]) -> None:
    assert held(serials()) == {}


STRUCTURED: dict[str, Callable[[random.Random], str]] = {
    "dates_that_are_none": lambda chance: "-".join(f"{chance.randrange(100):02}" for _ in range(3)),
    "two_halves_with_a_slash": lambda chance: f"{chance.randrange(10**4):04}/{chance.randrange(10**4):04}",
    "three_groups_of_hex": lambda chance: "-".join(f"{chance.randrange(1 << 16):04X}" for _ in range(3)),
    "a_site_and_a_number": lambda chance: f"{chance.choice('ABC')}{chance.randrange(10**7):07}",
    "with_decimal_point": lambda chance: f"{chance.randrange(10**6)}.{chance.randrange(100)}",
    "padded_base32": lambda chance: "".join(chance.choices(ALPHABETS["base32"], k=7)) + "=",
}


@pytest.mark.parametrize("make", STRUCTURED.values(), ids=STRUCTURED.keys())
def test_serials_with_a_structure_are_not_suspect(make: Callable[[random.Random], str]) -> None:
    chance = random.Random(11)
    assert held([make(chance) for _ in range(3000)]) == {}


def pool(chance: random.Random, alphabet: str, count: int, shortest: int, longest: int) -> list[str]:
    made = {"".join(chance.choices(alphabet, k=chance.randint(shortest, longest))) for _ in range(count)}
    serials = sorted(made)
    chance.shuffle(serials)
    return serials


@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS.keys())
def test_a_pool_of_random_serials_is_never_suspect(alphabet: str) -> None:
    """Every length, of one width and of many, from 10 to 3,000 serials; 1,000 pools for each alphabet."""
    chance = random.Random(7)
    for _ in range(500):
        length, count = chance.randint(1, 20), int(10 ** chance.uniform(1, 2.5))
        for shortest, longest in ((length, length), (1, 20)):
            serials = pool(chance, alphabet, count, shortest, longest)
            if len(serials) >= 10:
                assert held(serials) == {}, serials[:20]


@pytest.mark.parametrize("length", [6, 9, 12, 16, 18, 20])
@pytest.mark.parametrize("alphabet", ["digits", "hex", "base36"])
def test_a_large_pool_of_random_serials_is_never_suspect(alphabet: str, length: int) -> None:
    letters = np.frombuffer(ALPHABETS[alphabet].encode(), np.uint8)
    chars = letters[np.random.default_rng(length).integers(0, len(letters), (200_000, length))]
    text = chars.tobytes().decode()
    assert held([text[at : at + length] for at in range(0, len(text), length)]) == {}


def test_products_are_looked_at_one_by_one() -> None:
    sound, lost = numbers(300, 10, 5), opened_in_a_spreadsheet(numbers(300, 12, 6))
    found = held([*sound, *lost], [0] * 300 + [1] * 300)
    assert set(found) == {serial for serial in lost if len(serial) < 12}


def test_products_with_a_row_each_are_looked_at_together() -> None:
    assert len(held(["'001", "'002", "'003"], [0, 1, 2])) == 3
    assert len(held(["1.2E+17", "1.3E+17"], [0, 1])) == 2


def test_facts_do_not_depend_on_how_rows_come() -> None:
    for serials, *_ in DAMAGED.values():
        facts = gathered(serials, at_once=1)
        whole = gathered(serials)
        assert [s.lengths.tolist() for s in facts.products()] == [s.lengths.tolist() for s in whole.products()]
        assert facts.together().begin == whole.together().begin


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ERP001\nERP002\nERP003", 3),
        ("ERP004, ERP005", 2),
        ("ERP010 - ERP019", 2),
        ("ERP010 bis ERP019", 2),
        ("ERP001;ERP002;ERP003;ERP004", 4),
        ("ERP001 | ERP002", 2),
        ("ERP001\tERP002", 2),
        ("X7K2P9 Q3M8R1", 0),
        ("ERP001 ERP002", 2),
        ("ERP9\nERP10", 2),
        ("ERP 001", 0),
        ("ABCDEFGHI1-KLMNOPQRS2", 0),
        ("ABCDEFGHI1/KLMNOPQRS2", 0),
        ("ABCDEFGHI1;KLMNOPQRS2", 2),
        ("1234 5678", 0),
        ("hello world", 0),
        ("A\nB", 0),
        ("urn:epc:id:sgtin:4006381.033393.S6", 0),
    ],
)
def test_a_cell_that_is_no_serial_may_hold_several(text: str, parts: int) -> None:
    found = several_in(text)
    assert (len(found.parts) if found else 0) == parts
