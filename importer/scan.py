"""A scanned code becomes what it says of a pack: GS1 element string, EPC URI or GS1 Digital Link. Pure.

A text that is a legal serial is never taken for a scan, whatever it begins with: of all notations only a raw element
string whose serial has one or two characters would fit into 20, and nothing tells that from a serial of 20 characters.
So whoever calls this has found before that the text is none; columns without such a value cost nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from importer.characters import OUTER, show
from importer.element_strings import ScanError, is_element_string, read_elements
from importer.model import Reject

_EPC = re.compile(
    r"urn:epc:(?:id:sgtin:|tag:sgtin-(?:96|198):\d\.)(?P<product>\d+\.\d+)\.(?P<serial>.+)", re.IGNORECASE
)
_URI = re.compile(r"(?:urn:epc:|https?://)", re.IGNORECASE)
_ELEMENTS = re.compile(r"[(\]01-9\x1d<{\[~^&_\\|\u241d]")
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
    if not _ELEMENTS.match(text):
        return False
    return is_element_string(text)


def read_scan(text: str) -> Scan | Reject:
    """What a scanned code says. Values are not checked here, but for what tells them apart."""
    text = text.strip(OUTER)
    try:
        if text[:4].lower() == "urn:":
            return _read_epc(text)
        elements = _read_link(text) if _URI.match(text) else read_elements(text)
    except ScanError as error:
        return _reject(error.code, text, str(error))
    except ValueError as error:
        return _reject("scan_unreadable", text, str(error).splitlines()[0][:120])
    return _scan(text, elements)


_WHAT = {
    "scan_ambiguous": "can be read in more than one way",
    "scan_unreadable": "can't be read",
    "scan_incomplete": "does not say which pack it is",
}
_TIP = {
    "scan_ambiguous": "Set the scanner to send FNC1 as <GS>, or give the serial in a column of its own.",
    "scan_unreadable": "Scan it again, or give the serial in a column of its own.",
    "scan_incomplete": "Scan the code of the pack itself, or give the serial in a column of its own.",
}


def _reject(code: str, text: str, reason: str) -> Reject:
    return Reject(code, f"The scanned code {show(text)} {_WHAT[code]}: {reason}. {_TIP[code]}")


def _scan(text: str, elements: Mapping[str, str]) -> Scan | Reject:
    missing = [name for ai, name in (("01", "a GTIN (01)"), ("21", "a serial (21)")) if not elements.get(ai)]
    if missing:
        return _reject("scan_incomplete", text, f"it holds no {' and no '.join(m[2:] for m in missing)}")
    return Scan(elements["01"], elements["21"], elements.get("10", ""), elements.get("17", ""))


def _read_epc(text: str) -> Scan | Reject:
    """EPC Tag Data Standard 6.3.1: pure identity and tag URIs of an SGTIN; the serial is percent-encoded."""
    found = _EPC.fullmatch(text)
    if not found:
        return _reject("scan_unreadable", text, "it is no SGTIN with a serial (urn:epc:id:sgtin:…)")
    serial = unquote(found["serial"], errors="strict")
    return Scan(_gtin_of(found["product"]), serial)


@lru_cache(1024)
def _gtin_of(product: str) -> str:
    """The GTIN of company prefix and item reference: there are few of them, and epcpy takes 20 µs."""
    from epcpy.epc_schemes.sgtin import SGTIN  # noqa: PLC0415  rarely needed
    from epcpy.utils.common import ConvertException  # noqa: PLC0415  likewise

    try:
        return str(SGTIN(f"urn:epc:id:sgtin:{product}.1").gtin())
    except ConvertException:
        raise ValueError("company prefix and item reference must have 13 digits together") from None


def _read_link(text: str) -> dict[str, str]:
    """GS1 Digital Link URI syntax 4: identifiers and values in turn, on any host, below any path; more in the query.

    biip reads these too, but makes a plus sign a space and takes the last of two values in silence.
    """
    uri = urlsplit(text)
    parts = uri.path.split("/")
    start = next((i for i, p in enumerate(parts) if p in ("01", "gtin") and parts[i + 1 : i + 2] != []), None)
    if start is None:
        raise ScanError("scan_unreadable", "the address holds no GTIN (/01/…), so it is no GS1 Digital Link")
    steps = [p for p in parts[start:] if p]
    pairs = list(zip(steps[::2], steps[1::2], strict=False))
    pairs += [(name, value) for name, _, value in (p.partition("=") for p in re.split("[&;]", uri.query)) if value]
    found: dict[str, str] = {}
    for name, coded in pairs:
        value = unquote(coded, errors="strict")
        if found.setdefault(_LINK_NAMES.get(name, name), value) != value:
            raise ScanError("scan_ambiguous", f"it has {name} twice")
    return found
