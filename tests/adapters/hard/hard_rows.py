"""Hard rows, one line each: what stands in the row, and what must become of it, in whatever format it is read.

`sent` is the serial (or what else the case is about) as it must go out; `code` and `words` are those of the reject.
"""

from __future__ import annotations

from dataclasses import dataclass

GTIN = "04006381333931"
SCAN = f"(01){GTIN}(17)281130(10)SCANNED(21)S1"


@dataclass(frozen=True)
class Row:
    """A row of texts. What is None stands for something ordinary of its own, so that no row disturbs another."""

    id: str
    serial: str | None = None
    gtin: str | None = None
    batch: str | None = None
    expiry: str | None = None
    sent: str = ""
    code: str = ""
    words: str = ""


SERIALS = [
    Row("leading_zeros", serial="00012", sent="00012"),
    Row("exponent_without_point", serial="1E5", sent="1E5"),
    Row("na", serial="NA", sent="NA"),
    Row("null", serial="null", sent="null"),
    Row("true", serial="TRUE", sent="TRUE"),
    Row("formula_like", serial="=1+1", sent="=1+1"),
    Row("minus", serial="-1", sent="-1"),
    Row("plus", serial="+49", sent="+49"),
    Row("quote", serial='"q', sent='"q'),
    Row("apostrophe", serial="'0012", sent="'0012"),
    Row("comma", serial="a,b", sent="a,b"),
    Row("semicolon", serial="a;b", sent="a;b"),
    Row("percent", serial="a%2Fb", sent="a%2Fb"),
    Row("all_marks", serial="!\"%&'()*+,-./:;<=>?_", sent="!\"%&'()*+,-./:;<=>?_"),
    Row("twenty", serial="X" * 20, sent="X" * 20),
    Row("twenty_digits", serial="12345678901234567890", sent="12345678901234567890"),
    Row("one", serial="7", sent="7"),
    Row("small_letters", serial="abcDEF", sent="abcDEF"),
    Row("damaged_exponent", serial="1.23E+15", sent="1.23E+15"),
    Row("damaged_date", serial="2027-01-01", sent="2027-01-01"),
    Row("damaged_month", serial="2-Sep", sent="2-Sep"),
    Row("short_scan_is_legal", serial="(21)ABC", sent="(21)ABC"),
    Row("raw_scan_of_twenty", serial=f"01{GTIN}21AB", sent=f"01{GTIN}21AB"),
    Row("blank_before", serial=" OUT1", sent="OUT1"),
    Row("blank_behind", serial="OUT2  ", sent="OUT2"),
    Row("no_break_space", serial="\u00a0OUT3", sent="OUT3"),
    Row("zero_width", serial="OUT4\u200b", sent="OUT4"),
    Row("byte_order_mark", serial="\ufeffOUT5", sent="OUT5"),
    Row("direction_mark", serial="\u200eOUT6", sent="OUT6"),
    Row("tab_behind", serial="OUT7\t", sent="OUT7"),
    Row("missing", serial="", code="serial_missing", words="The serial is missing. Enter 1 to 20 characters."),
    Row("only_blanks", serial="   ", code="serial_missing", words="missing"),
    Row("twenty_one", serial="Y" * 21, code="serial_too_long", words="has 21 characters; GS1 allows at most 20"),
    Row("blank_inside", serial="A B", code="serial_character", words="character 2 is SPACE"),
    Row("no_break_inside", serial="A\u00a0B", code="serial_character", words="NO-BREAK SPACE"),
    Row("zero_width_inside", serial="A\u200bB", code="serial_character", words="ZERO WIDTH SPACE"),
    Row("hash", serial="A#B", code="serial_character", words='"#" (NUMBER SIGN)'),
    Row("at", serial="A@B", code="serial_character", words='"@" (COMMERCIAL AT)'),
    Row("umlaut", serial="Ä1", code="serial_character", words="LATIN CAPITAL LETTER A WITH DIAERESIS"),
    Row("cyrillic_a", serial="\u0410BC", code="serial_lookalike", words='probably meant as "A"'),
    Row("greek_omicron", serial="\u039f1", code="serial_lookalike", words='probably meant as "O"'),
    Row("full_width_digit", serial="\uff11A", code="serial_lookalike", words='probably meant as "1"'),
    Row("arabic_digit", serial="\u0663A", code="serial_lookalike", words='probably meant as "3"'),
    Row("smart_quote", serial="A\u2019B", code="serial_lookalike", words='probably meant as "\'"'),
    Row("dash", serial="A\u2013B", code="serial_lookalike", words='probably meant as "-"'),
    Row("soft_hyphen_inside", serial="A\u00adB", code="serial_character", words="SOFT HYPHEN"),
    Row("emoji", serial="A\U0001f600", code="serial_character", words="GRINNING FACE"),
    Row("line_break_inside", serial="A\nB", code="serial_character", words="LINE BREAK"),
    Row("error_text", serial="#N/A", code="error_cell", words="The serial is the error #N/A"),
]

SCANS = [
    Row("scan_bracketed", serial=SCAN, batch="SCANNED", sent="S1"),
    Row("scan_fills_batch", serial=SCAN.replace("S1", "S2"), batch="", sent="S2"),
    Row("scan_fills_all", serial=SCAN.replace("S1", "S3"), gtin="", batch="", expiry="", sent="S3"),
    Row("scan_raw", serial=f"01{GTIN}1728113010SCANNED<GS>21S4", batch="SCANNED", sent="S4"),
    Row("scan_symbology", serial=f"]d201{GTIN}1728113010SCANNED{{GS}}21S5", batch="SCANNED", sent="S5"),
    Row("scan_epc", serial="urn:epc:id:sgtin:4006381.033393.S%2F6", gtin=GTIN, sent="S/6"),
    Row("scan_epc_tag", serial="urn:epc:tag:sgtin-96:3.4006381.033393.77", gtin=GTIN, sent="77"),
    Row("scan_link", serial=f"https://id.gs1.org/01/{GTIN}/10/SCANNED/21/S7?17=281130", batch="SCANNED", sent="S7"),
    Row("scan_link_host", serial=f"http://x.de/a/01/{GTIN}/21/S8%2B?10=SCANNED", batch="SCANNED", sent="S8+"),
    Row("scan_other_gtin", serial=SCAN, gtin="04006381333900", code="scan_mismatch", words="the GTIN's column"),
    Row("scan_other_batch", serial=SCAN, batch="B2", code="scan_mismatch", words='the batch "SCANNED"'),
    Row("scan_other_expiry", serial=SCAN, batch="SCANNED", expiry="281231", code="scan_mismatch", words='"281130"'),
    Row("scan_no_separator", serial=f"01{GTIN}1728113010B121S1", code="scan_ambiguous", words="more than one way"),
    Row("scan_serial_holds_10", serial=f"01{GTIN}1728113021AB10C", code="scan_ambiguous", words="may hold another"),
    Row("scan_no_serial", serial=f"(01){GTIN}(17)281130(10)B1", code="scan_incomplete", words="no serial (21)"),
    Row("scan_logistic", serial="urn:epc:id:sscc:4006381.0123456789", code="scan_unreadable", words="no SGTIN"),
    Row("scan_web_page", serial="https://example.com/news/today", code="scan_unreadable", words="no GS1 Digital Link"),
]

GTINS = [
    Row("gtin_13", gtin="4006381333931", sent="GTIN 04006381333931"),
    Row("gtin_12", gtin="036000291452", sent="GTIN 00036000291452"),
    Row("gtin_8", gtin="96385074", sent="GTIN 00000096385074"),
    Row("gtin_zeros_lost", gtin="36000291452", sent="GTIN 00036000291452"),
    Row("gtin_decimals", gtin="4006381333931.0", sent="GTIN 04006381333931"),
    Row("gtin_trimmed", gtin=" 04006381333931\u00a0", sent="GTIN 04006381333931"),
    Row("gtin_missing", gtin="", code="gtin_missing", words="Enter the 14 digits"),
    Row("gtin_check_digit", gtin="04006381333932", code="gtin_check_digit", words="its check digit is 1"),
    Row("gtin_exponent", gtin="4.00638E+12", code="gtin_exponent", words="cut short by a spreadsheet"),
    Row("gtin_exponent_comma", gtin="4,00638E+12", code="gtin_exponent", words="last digits are lost"),
    Row("gtin_15_digits", gtin="004006381333931", code="gtin_length", words="has 15 digits; 14 are expected"),
    Row("gtin_zeros", gtin="00000000000000", code="gtin_zeros", words="all zeros"),
    Row("gtin_letter_o", gtin="O4006381333931", code="gtin_lookalike", words='probably meant as "0"'),
    Row("gtin_blanks_inside", gtin="0 400638 133393 1", sent="GTIN 04006381333931"),
    Row("gtin_full_width", gtin="\uff104006381333931", code="gtin_lookalike", words='"0"'),
    Row("gtin_unproven", gtin="1234567890", code="gtin_length", words="doesn't prove that only zeros are missing"),
]

BATCHES = [
    Row("batch_zeros", batch="000220", sent="batch 000220"),
    Row("batch_case", batch="b1A", sent="batch b1A"),
    Row("batch_exponent", batch="22E1", sent="batch 22E1"),
    Row("batch_trimmed", batch=" L5\u200b", sent="batch L5"),
    Row("batch_missing", batch="", code="batch_missing", words="The batch is missing"),
    Row("batch_long", batch="L" * 21, code="batch_too_long", words="has 21 characters"),
    Row("batch_blank", batch="L 1", code="batch_character", words="SPACE"),
    Row("batch_lookalike", batch="\u0421H1", code="batch_lookalike", words='probably meant as "C"'),
]

EXPIRIES = [
    Row("date_yymmdd", expiry="281130", sent="expiry 281130"),
    Row("date_iso", expiry="2028-11-30", sent="expiry 281130"),
    Row("date_iso_midnight", expiry="2028-11-30 00:00:00", sent="expiry 281130"),
    Row("date_dots", expiry="30.11.2028", sent="expiry 281130"),
    Row("date_dots_short", expiry="5.6.2028", sent="expiry 280605"),
    Row("date_slashes", expiry="30/11/2028", sent="expiry 281130"),
    Row("date_us", expiry="11/30/2028", sent="expiry 281130"),
    Row("date_eight_digits", expiry="20281130", sent="expiry 281130"),
    Row("date_month", expiry="11/2028", sent="expiry 281100"),
    Row("date_month_iso", expiry="2028-11", sent="expiry 281100"),
    Row("date_day_00", expiry="281100", sent="expiry 281100"),
    Row("date_past", expiry="221115", sent="expiry 221115"),
    Row("date_century", expiry="760101", sent="expiry 760101"),
    Row("date_missing", expiry="", code="expiry_missing", words="Enter it as YYMMDD"),
    Row("date_two_ways", expiry="05/06/2028", code="expiry_ambiguous", words="5 June 2028 or 6 May 2028"),
    Row("date_short_year", expiry="05/06/28", code="expiry_ambiguous", words="no year of four digits"),
    Row("date_yyyymm", expiry="202811", code="expiry_yyyymm", words="year and month (YYYYMM)"),
    Row("date_zero_lost", expiry="50131", code="expiry_zero_lost", words="a zero may have been lost"),
    Row("date_day_number", expiry="47087", code="expiry_day_number", words="enter it as 281130"),
    Row("date_no_month_13", expiry="281330", code="expiry_impossible", words="there is no month 13"),
    Row("date_no_31", expiry="281131", code="expiry_impossible", words="November 2028 has no day 31"),
    Row("date_leap", expiry="290229", code="expiry_impossible", words="February 2029 has no day 29"),
    Row("date_year_1928", expiry="30.11.1928", code="expiry_year", words="the year 1928 is not within"),
    Row("date_words", expiry="end of 2028", code="expiry_format", words="no date format"),
    Row("date_error", expiry="#REF!", code="error_cell", words="The expiry is the error #REF!"),
]

ROWS = [*SERIALS, *SCANS, *GTINS, *BATCHES, *EXPIRIES]
