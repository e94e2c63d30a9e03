"""How a list is read, for a person to choose: its sheets, the row of its header, what each column holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from importer.errors import ImporterError
from importer.model import Message
from importer.rows.tables import ROLES, HeadSheet
from importer.sources.headers import fold, match, place_of
from importer.sources.layout import score
from importer.web.documents import Preview
from importer.web.previews import Previews
from importer.web.suppliers import Supplier, Suppliers
from importer.web.uploads import Upload

BELOW = 10
"""Rows that are shown below the header."""
_MOST_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its header, and what it is taken for ("": not used)."""

    header: str
    role: str


@dataclass(frozen=True, slots=True)
class MappingPage:
    sheets: Sequence[HeadSheet]
    sheet: str
    header: int
    """Row of the header; 0 where the sheet is empty."""
    columns: Sequence[Column]
    rows: Sequence[tuple[int, Sequence[str]]]
    """The first rows with their numbers, each as wide as the widest."""
    offered: Sequence[Supplier]
    suppliers: Sequence[Supplier]
    fault: Message | None = None


def mapping_page(
    previews: Previews, suppliers: Suppliers, upload: Upload, found: Preview | None, sheet: str, header: int
) -> MappingPage:
    """`sheet` and `header` as a person asks for them; "" and 0: as the list was read. In a thread."""
    try:
        sheets = previews.head(upload)
    except ImporterError as error:
        return MappingPage((), "", 0, (), (), (), suppliers.all, error.message)
    shown = _shown(sheets, sheet or upload.options.get("sheet", ""), found)
    if shown is None:
        return MappingPage((), "", 0, (), (), (), suppliers.all)
    chosen: Mapping[str, str] = upload.options.get("columns", {})
    at = header or _header_of(shown, upload, found, chosen)
    at = min(at, len(shown.rows))
    last = min(max(at + BELOW, BELOW), _MOST_SHOWN, len(shown.rows))
    first = max(0, last - _MOST_SHOWN)
    width = max((len(row) for row in shown.rows[first:last]), default=0)
    rows = [(first + n, [*row, *[""] * (width - len(row))]) for n, row in enumerate(shown.rows[first:last], 1)]
    headers = [*shown.rows[at - 1], *[""] * (width - len(shown.rows[at - 1]))] if at else [""] * width
    return MappingPage(
        sheets=sheets,
        sheet=shown.name,
        header=at,
        columns=[Column(text, role) for text, role in zip(headers, _roles(headers, chosen), strict=True)],
        rows=rows,
        offered=suppliers.fitting([row for one in sheets for row in one.rows]),
        suppliers=suppliers.all,
    )


def _shown(sheets: Sequence[HeadSheet], name: str, found: Preview | None) -> HeadSheet | None:
    if found and not name:
        name = found.reading.sheets[0].name if found.reading.sheets else ""
    named = next((one for one in sheets if one.name == name), None)
    filled = (one for one in sheets if not one.hidden and any(any(row) for row in one.rows))
    return named or next(filled, None)


def _header_of(sheet: HeadSheet, upload: Upload, found: Preview | None, chosen: Mapping[str, str]) -> int:
    """Where the header was found or said to be; else the row that looks most like one."""
    if upload.options.get("header_row"):
        return int(upload.options["header_row"])
    read = next((one for one in found.reading.sheets if one.name == sheet.name), None) if found else None
    if read and read.header_row:
        return read.header_row
    filled = [sum(1 for cell in row if cell.strip()) for row in sheet.rows]
    likely = [(score(row, chosen), filled[at], -at) for at, row in enumerate(sheet.rows)]
    return 1 - max(likely)[2] if likely else 0


def _roles(headers: Sequence[str], chosen: Mapping[str, str]) -> list[str]:
    claims = match(headers, chosen).claims
    return [next((role for role in ROLES if place in claims.get(role, ())), "") for place in range(len(headers))]


def wanted_options(page: MappingPage, roles: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """The options (inputs.ReadingOptions) by which each column is what a person says; none if it is so anyway."""
    headers = [column.header.strip() for column in page.columns]
    roles = [*roles, *[""] * (len(headers) - len(roles))][: len(headers)]
    as_known = _roles(headers, {})
    folded = [fold(header) for header in headers]
    columns: dict[str, str] = {}
    if roles != as_known:
        for place, role in enumerate(roles):
            if not role and not as_known[place]:
                continue
            alone = folded[place] and folded.count(folded[place]) == 1 and place_of(headers[place]) is None
            columns[headers[place] if alone else f"#{place + 1}"] = role
    return {**given, **({"columns": columns} if columns else {})}
