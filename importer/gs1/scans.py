"""A scanned code becomes what it says of a pack: GS1 element string, EPC URI or GS1 Digital Link. Pure.

A text that is a legal serial is never taken for a scan, whatever it begins with: of all notations only a raw element
string whose serial has one or two characters would fit into 20, and nothing tells that from a serial of 20 characters.
So the caller has found before that the text is none; columns without such a value cost nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from importer.gs1.characters import CSET_82, OUTER, show
from importer.gs1.codes import LONGEST, check_digit_of
from importer.gs1.keyboards import retyped
from importer.model import Reject

_EPC = re.compile(
    r"urn:epc:(?:id:sgtin:|tag:sgtin-(?:96|198):\d\.)(?P<prefix>[0-9]+)\.(?P<item>[0-9]+)\.(?P<serial>.+)",
    re.IGNORECASE,
)
_THIRTEEN = re.compile("[0-9]{13}")
_URI = re.compile(r"(?:urn:epc:|https?://)", re.IGNORECASE)
_ELEMENTS = re.compile(r"[(\]01-9\x1d<{\[~^&_\\|@#$%\u2039\u241d]|[^\x00-\x7f]|U\+")
_LEGAL = frozenset(CSET_82)
_LEAST = 18
"""Characters of a GTIN with its identifier and a serial's identifier."""
_LINK_NAMES = {"gtin": "01", "lot": "10", "ser": "21", "exp": "17"}
"""The names that Digital Link 1.0 had beside the numbers."""


@dataclass(frozen=True, slots=True)
class Scan:
    """As encoded; `batch` and `expiry` are empty where the code does not hold them."""

    gtin: str
    serial: str
    batch: str = ""
    expiry: str = ""


def is_scan(text: str) -> bool:
    """Whether a text that is no legal serial is meant as a scan of a pack."""
    text = text.strip(OUTER)
    if _URI.match(text):
        return True
    return (_ELEMENTS.match(text) is not None and is_element_string(text)) or bool(_readings(text))


def read_scan(text: str) -> Scan | Reject:
    """What a scanned code says. Values are not checked here, but for what tells them apart.

    What a scanner typed into a computer of another keyboard is read as it was meant, if that is beyond doubt.
    """
    text = text.strip(OUTER)
    found = _read(text)
    if text[:4].lower() in ("urn:", "http") or (isinstance(found, Scan) and _is_legal(found)):
        return found
    readings = _readings(text)
    if len(readings) > 1:
        return _reject("scan_ambiguous", text, {"code": "scan_keyboards"})
    return readings.pop() if readings else found


def _read(text: str) -> Scan | Reject:
    try:
        if text[:4].lower() == "urn:":
            return _read_epc(text)
        elements = _read_link(text) if _URI.match(text) else read_elements(text)
    except ScanError as error:
        return _reject(error.code, text, error.reason)
    except UnicodeDecodeError:
        return _reject("scan_unreadable", text, {"code": "scan_no_text"})
    except ValueError as error:
        return _reject("scan_unreadable", text, str(error).splitlines()[0][:120])
    return _scan(text, elements)


def _readings(text: str) -> set[Scan]:
    """What it says if scanner and computer were set to different keyboards; the GTIN's check digit proves it."""
    if len(text) < _LEAST:
        return set()
    found = {scan for each in retyped(text) if (scan := _meant(each))}
    if found:
        return found
    locked = {scan for each in retyped(text, shift_lock=True) if (scan := _meant(each))}
    return {scan for scan in locked if not re.search("[A-Za-z]", scan.serial + scan.batch)}


def _meant(text: str) -> Scan | None:
    scan = _read(text) if is_element_string(text) else None
    return scan if isinstance(scan, Scan) and _is_legal(scan) else None


def _is_legal(scan: Scan) -> bool:
    legal = _LEGAL.issuperset(scan.serial + scan.batch)
    return legal and scan.gtin.isdigit() and check_digit_of(scan.gtin[:-1]) == scan.gtin[-1]


def _reject(code: str, text: str, reason: str | Mapping[str, str]) -> Reject:
    return Reject(code, "serial", {"value": show(text), "reason": reason})


def _scan(text: str, elements: Mapping[str, str]) -> Scan | Reject:
    missing = "_".join(name for element, name in (("01", "no_gtin"), ("21", "no_serial")) if not elements.get(element))
    if missing:
        return _reject("scan_incomplete", text, {"code": f"scan_{missing}"})
    return Scan(elements["01"], elements["21"], elements.get("10", ""), elements.get("17", ""))


def _read_epc(text: str) -> Scan | Reject:
    """EPC Tag Data Standard 6.3.1: pure identity and tag URIs of an SGTIN; the serial is percent-encoded."""
    found = _EPC.fullmatch(text)
    if not found:
        return _reject("scan_unreadable", text, {"code": "scan_no_sgtin"})
    serial = unquote(found["serial"], errors="strict")
    gtin = gtin_of(found["prefix"], found["item"])
    return Scan(gtin, serial) if gtin else _reject("scan_unreadable", text, {"code": "scan_sgtin_digits"})


@lru_cache(1024)
def gtin_of(prefix: str, item: str) -> str:
    """The GTIN of a company prefix and item reference; "" where they are none.

    GS1 EPC Tag Data Standard 7.1: the first digit of the item reference is the GTIN's first, 13 digits together.
    """
    digits = item[:1] + prefix + item[1:]
    return digits + check_digit_of(digits) if prefix and item and _THIRTEEN.fullmatch(digits) else ""


def _read_link(text: str) -> dict[str, str]:
    """GS1 Digital Link URI syntax 4: identifiers and values in turn, on any host, below any path; more in the query.

    biip reads these too, but makes a plus sign a space and takes the last of two values in silence.
    """
    uri = urlsplit(text)
    parts = uri.path.split("/")
    start = next((i for i, p in enumerate(parts) if p in ("01", "gtin") and parts[i + 1 : i + 2] != []), None)
    if start is None:
        raise ScanError("scan_unreadable", "scan_no_link")
    steps = [p for p in parts[start:] if p]
    pairs = list(zip(steps[::2], steps[1::2], strict=False))
    pairs += [(name, value) for name, _, value in (p.partition("=") for p in re.split("[&;]", uri.query)) if value]
    found: dict[str, str] = {}
    for name, coded in pairs:
        value = unquote(coded, errors="strict")
        if found.setdefault(_LINK_NAMES.get(name, name), value) != value:
            raise ScanError("scan_ambiguous", "scan_name_twice", name=name)
    return found


# GS1 element strings as scanners give them: bracketed, or raw with FNC1 in one of its spellings. Pure.
# Which Application Identifiers there are and how long their values may be is biip's knowledge. Its parsers are not
# used: they cut a bracketed value at the next bracket and a raw one after 20 characters, without a word.
_FNC1 = "\x1d"
_NAMED = r"(?:GS|FNC ?1|F1|0x1D|x1D|U\+001D|029|29|GROUP SEPARATOR)"
_SPELLINGS = re.compile(
    rf"<{_NAMED}>|\{{{_NAMED}\}}|\[{_NAMED}\]|\({_NAMED}\)|\u2039{_NAMED}\u203a|_x001D_|&#0*29;|&#x0*1D;|&GS;"
    r"|\\x1D|\\u001D|\\u\{1D\}|\\035|\\F|\\GS|0x1D|U\+001D|%1D|~1|~d029|\^\]|[\^|\u241d\u2194]",
    re.IGNORECASE,
)
"""How programs write FNC1 where they can't write U+001D; none of it is likely in a value, most of it is not legal."""
_SINGLE = re.compile("[@#$\u00ac]")
"""Characters that some scanners send for FNC1; in a bracketed scan they stand for themselves."""
_CODEWORD = re.compile(r"([^\x00-\x7f]{1,2})01(\d{13})(\d)")
"""FNC1 is codeword 232 of a DataMatrix, which is è in Latin-1, č or и in other code pages, and ç one below: whatever
letter it has become, it stands in front of a GTIN that its check digit proves."""
_SYMBOLOGY = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_BRACKETED = re.compile(r"\((\d{2,4})\)")
_GTIN_FIRST = re.compile(r"01(\d{13})(\d)(?=\d\d)")
_DATE = re.compile(r"1[17]\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])")
_DATE_LENGTH, _GTIN_LENGTH = 8, 16

Elements = Mapping[str, str]
"""Values by Application Identifier."""


class ScanError(ValueError):
    """`code` says what kind of reject follows; `reason` is the part of its message that says why."""

    def __init__(self, code: str, reason: str, **values: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = {"code": reason, **values}


def plain(text: str) -> str:
    """The scan without symbology identifier, and with U+001D where FNC1 is spelled out."""
    text = text.strip(OUTER)
    codeword = _CODEWORD.match(text)
    if codeword and check_digit_of(codeword[2]) == codeword[3]:
        text = text.replace(codeword[1], _FNC1)
    text = _SPELLINGS.sub(_FNC1, text).lstrip(_FNC1)
    if not text.startswith("("):
        text = _SINGLE.sub(_FNC1, text).lstrip(_FNC1)
    return _SYMBOLOGY.sub("", text, count=1).lstrip(_FNC1) if text.startswith("]") else text


def is_element_string(text: str) -> bool:
    """Whether a text that is no legal serial is meant as a scan. A serial that is too long may begin like one."""
    scan = plain(text)
    if _BRACKETED.match(scan):
        return True
    first = _GTIN_FIRST.match(scan)
    return bool(first and check_digit_of(first[1]) == first[2]) or (
        (_FNC1 in scan or text.lstrip(OUTER).startswith("]")) and scan[:2].isdigit()
    )


def read_elements(text: str) -> Elements:
    """All elements of a scan. Raises ScanError where it can't be read, or in two ways."""
    scan = plain(text)
    return _bracketed(scan) if scan.startswith("(") else _raw(scan)


def _bracketed(scan: str) -> Elements:
    found: dict[str, str] = {}
    starts = [m for m in _BRACKETED.finditer(scan) if (known := _identifier(m[1])) and known[0] == m[1]]
    for start, end in zip(starts, [*(m.start() for m in starts[1:]), len(scan)], strict=True):
        _add(found, start[1], scan[start.end() : end].strip(OUTER + _FNC1))
    return found


def _raw(scan: str) -> Elements:
    found: dict[str, str] = {}
    rest = scan
    while rest:
        known = _identifier(rest[:4])
        if not known:
            raise ScanError("scan_unreadable", "scan_no_element", value=_shown(rest))
        name, pattern, fixed = known
        data = rest.split(_FNC1, 1)[0]
        match = pattern.match(data) if fixed else pattern.fullmatch(data)
        if not match:
            raise _broken(name, data)
        _add(found, name, match[0][len(name) :])
        rest = rest[match.end() :].lstrip(_FNC1)
        if not fixed and _FNC1 not in scan and _hides_another(found[name], frozenset(found)):
            raise ScanError("scan_ambiguous", "scan_hides_element", element=name, value=found[name])
    return found


def _add(found: dict[str, str], name: str, value: str) -> None:
    if found.setdefault(name, value) != value:
        raise ScanError("scan_ambiguous", "scan_element_twice", element=name, value=found[name], other=value)


def _broken(name: str, data: str) -> ScanError:
    if len(data) - len(name) > LONGEST:
        return ScanError("scan_ambiguous", "scan_endless_element", element=name, value=_shown(data))
    return ScanError("scan_unreadable", "scan_no_value", element=name, value=_shown(data))


def _hides_another(value: str, seen: frozenset[str]) -> bool:
    """Whether the end of a value can be read as elements that a pack has, and whose separator was lost."""
    return any(_could_be(value[at:], seen) for at in range(1, len(value) - 2))


def _could_be(text: str, seen: frozenset[str]) -> bool:
    name = text[:2]
    if name in seen:
        return False
    if name in ("10", "21"):
        return len(text) > len(name)
    if _DATE.match(text):
        rest = text[_DATE_LENGTH:]
    elif (gtin := re.match(r"01(\d{13})(\d)", text)) and check_digit_of(gtin[1]) == gtin[2]:
        rest = text[_GTIN_LENGTH:]
    else:
        return False
    return not rest or _could_be(rest, seen | {name})


def _shown(text: str) -> str:
    return text[:30].replace(_FNC1, "<GS>")


@lru_cache(4096)
def _identifier(start: str) -> tuple[str, re.Pattern[str], bool] | None:
    """The Application Identifier that a text starts with, the pattern of it and its value, and if that ends itself."""
    from biip import ParseError  # noqa: PLC0415  slow to load, and lists without scans do without it
    from biip.gs1_application_identifiers import GS1ApplicationIdentifier  # noqa: PLC0415

    try:
        found = GS1ApplicationIdentifier.extract(start)
    except ParseError:
        return None
    return found.ai, re.compile(found.pattern.removeprefix("^").removesuffix("$")), not found.separator_required
