"""What a request must look like: JSON, the fields of API.md, GS1 rules. Written twice on purpose: shared with the
importer it would share the importer's mistakes.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from importer.sandbox.faults import On
from importer.sandbox.settings import Settings

_CODE = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}")
"""GS1 General Specifications, AI (10) and (21): 1 to 20 characters of CSET 82."""
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Order:
    """A request's body as far as it can be made out. `fields` is what was sent, right or wrong."""

    fields: dict[str, Any] | None
    gtin: str = ""
    batch: str = ""
    expiry: str = ""
    serials: tuple[str, ...] = ()


def read_order(body: bytes) -> Order:
    """Never fails: what is no text, or no list of texts, is left empty; `check_order` is the judge."""
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Order(None)
    if not isinstance(fields, dict):
        return Order(None)
    serials = fields.get("serials")
    return Order(
        fields,
        gtin=_text(fields.get("product_code")),
        batch=_text(fields.get("batch")),
        expiry=_text(fields.get("expiry_date")),
        serials=tuple(one for one in serials if isinstance(one, str)) if isinstance(serials, list) else (),
    )


def check_order(order: Order, on: On, settings: Settings) -> None:
    """Raises the ValidationError, 413 or ProductError that the request deserves."""
    if order.fields is None:
        raise invalid("The body is not a JSON object")
    _check_list(order, settings)
    _check_product(order, settings)
    for name, value in (("batch", order.batch), ("expiry_date", order.expiry)):
        if on is On.COMMISSION or name in order.fields:
            _check_field(name, value, settings)
    if bad := [one for one in order.serials if not _CODE.fullmatch(one)]:
        raise naming(settings, "is not 1 to 20 characters of the GS1 set", bad)


def check_body(size: int, content_type: str, settings: Settings) -> None:
    """Raises what the body as such deserves; a common server framework reads no JSON under another content type."""
    if content_type != "application/json":
        raise invalid("Content-Type must be application/json")
    if settings.max_bytes is not None and size > settings.max_bytes:
        raise _too_large(f"A body can hold at most {settings.max_bytes} bytes")


def _check_field(name: str, value: str, settings: Settings) -> None:
    if name == "batch" and not _CODE.fullmatch(value):
        raise invalid("batch must be 1 to 20 characters of the GS1 set")
    if name == "expiry_date" and not _is_date(value, day_00=settings.day_00):
        raise invalid("expiry_date must be a date as YYMMDD")


def _check_list(order: Order, settings: Settings) -> None:
    sent = (order.fields or {}).get("serials")
    if not isinstance(sent, list) or not sent:
        raise invalid("serials must be a list of at least one serial")
    if len(order.serials) != len(sent):
        raise invalid("serials must be strings")
    if settings.max_serials is not None and len(sent) > settings.max_serials:
        message = f"A request can hold at most {settings.max_serials} serials"
        raise invalid(message) if settings.max_serials_as == "validation" else _too_large(message)
    if len(set(order.serials)) != len(order.serials):
        seen: set[str] = set()
        twice = [one for one in order.serials if one in seen or seen.add(one)]  # type: ignore[func-returns-value]
        raise naming(settings, "stands more than once in the request", twice)


def _check_product(order: Order, settings: Settings) -> None:
    if (order.fields or {}).get("product_code_schema") != "GTIN":
        raise invalid('product_code_schema must be "GTIN"')
    if not is_gtin(order.gtin):
        raise invalid("product_code must be a GTIN of 14 digits with the right check digit")
    known = settings.registered is None or order.gtin in settings.registered
    if not known or order.gtin in settings.unregistered:
        raise Refusal("ProductError", f"Product {order.gtin} is not registered", 404)


def _too_large(message: str) -> Refusal:
    return Refusal("PayloadTooLargeError", message, 413)


def is_gtin(code: str) -> bool:
    """GS1 General Specifications, 7.9: weights 3 and 1 in turn; the weighted sum of all 14 is a multiple of ten."""
    if len(code) != 14 or not _DIGITS.fullmatch(code) or code == "0" * 14:  # noqa: PLR2004  a GTIN-14
        return False
    return sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(code)) % 10 == 0


def _is_date(text: str, *, day_00: bool) -> bool:
    if len(text) != 6 or not _DIGITS.fullmatch(text):  # noqa: PLR2004  YYMMDD
        return False
    year, month, day = int(text[:2]), int(text[2:4]), int(text[4:])
    if not 1 <= month <= 12:  # noqa: PLR2004  months
        return False
    return (day_00 or day > 0) and day <= calendar.monthrange(2000 + year, month)[1]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


# How the sandbox says no: the error's name, text and HTTP status, and the JSON shape that the settings choose.
_FIXED = (413, 429, 500, 503)
"""Statuses that `error_status` leaves alone: they are not the API's word on the data."""


class Refusal(Exception):  # noqa: N818  the API refuses; nothing here went wrong
    """A request that is refused as a whole; nothing of it is taken."""

    def __init__(self, name: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.status = status

    def shown(self, settings: Settings) -> tuple[int, dict[str, Any]]:
        """Status and body."""
        status = self.status
        if settings.error_status is not None and status not in _FIXED:
            status = settings.error_status
        if settings.error_shape == "nested":
            return status, {"success": False, "error": {"name": self.name, "message": self.message}}
        key = "error" if settings.error_shape == "flat" else settings.error_shape
        return status, {"success": False, key: self.name, "message": self.message}


def invalid(message: str) -> Refusal:
    return Refusal("ValidationError", message)


def naming(settings: Settings, text: str, serials: list[str]) -> Refusal:
    """A ValidationError on account of some serials, which its message names as the settings say."""
    named = {"all": serials, "first": serials[:1], "none": []}[settings.names]
    return invalid(f"Serial {', '.join(named)} {text}" if named else f"A serial {text}")
