"""What the API takes, as types: the OpenAPI document is made from them, too."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field


class ReadingOptions(Struct, frozen=True):
    """How a list is to be read; what is empty is left to the importer."""

    column_serial: str = ""
    column_gtin: str = ""
    column_batch: str = ""
    column_expiry: str = ""
    gtin: str = ""
    batch: str = ""
    expiry: str = ""
    sheet: str = ""
    encoding: str = ""
    date_order: Literal["", "dmy", "mdy"] = ""
    fill_down: bool = False


class Edit(Struct, frozen=True):
    """A correction of a row. One that says nothing takes an older one back."""

    serial: str | None = None
    gtin: str | None = None
    batch: str | None = None
    expiry: str | None = None
    left_out: bool = False
    confirmed: bool = False


class Accepted(Struct, frozen=True):
    """All codes of suspect values that are right in a list: what is not among them is not accepted any more."""

    codes: list[str] = field(default_factory=list)


class Confirmation(Struct, frozen=True):
    seen: Annotated[str, Meta(description="That of the preview that was looked at.")] = ""
    comment: str = ""


class Sends(Struct, frozen=True):
    """What is confirmed of a run that rests and is to send again."""

    serials: Annotated[str, Meta(description="How many were shown; if there are others now, it is refused.")] = ""


class Patience(Struct, frozen=True):
    wait: Annotated[str | None, Meta(description="Wait up to 10 seconds for the preview.")] = None


class OfProduct(Struct, frozen=True):
    gtin: Annotated[str, Meta(description="Only of this product.")] = ""


class Wanted(Struct, frozen=True):
    """What runs are looked for: parts of names, whole codes, dates as YYYY-MM-DD."""

    file: str = ""
    batch: str = ""
    gtin: str = ""
    person: str = ""
    since: str = field(default="", name="from")
    until: str = field(default="", name="to")
    state: str = ""
