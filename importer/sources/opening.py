"""Opens a list of any known format, which its content tells, not its name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from importer.errors import SourceError
from importer.rows.tables import Source
from importer.sources.files import TABLES, WORKBOOKS, Kind, kind_inside, kind_of
from importer.sources.options import SourceOptions

if TYPE_CHECKING:
    from importer.sources.csv_list import DelimitedList
    from importer.sources.epcis import EpcisList
    from importer.sources.workbook_list import WorkbookList

__all__ = ["SourceOptions", "open_list", "open_source"]


def open_source(path: Path, options: SourceOptions) -> Source:
    """Find out what the file is and where its list stands. Reads its head only; a workbook is read whole.

    Raises SourceError where it can't be read, or only by guessing.
    """
    source = open_list(path, options)
    if options.edits:
        from importer.sources.corrections import Edited  # noqa: PLC0415  heavy

        return Edited(source, options.edits)
    return source


def open_list(path: Path, options: SourceOptions) -> WorkbookList | DelimitedList | EpcisList:
    """The list without corrections."""
    kind = kind_of(path)
    inside = kind_inside(path, kind)
    if options.sheet not in (None, "all") and inside not in WORKBOOKS | TABLES:
        raise SourceError("sheet_in_text", name=path.name, sheet=options.sheet)
    if options.columns and inside in {Kind.EPCIS_XML, Kind.EPCIS_JSON}:
        header, role = next(iter(options.columns.items()))
        raise SourceError("column_in_epcis", role, name=path.name, header=header)
    if inside is Kind.EPCIS_XML:
        from importer.sources import epcis, epcis_xml  # noqa: PLC0415  heavy

        notation = epcis.Notation("xml", epcis_xml.events, epcis_xml.vocabulary)
        return epcis.EpcisList(path, kind, notation, options)
    if inside is Kind.EPCIS_JSON:
        from importer.sources import epcis, epcis_json  # noqa: PLC0415  heavy

        notation = epcis.Notation("json", epcis_json.events, epcis_json.vocabulary)
        return epcis.EpcisList(path, kind, notation, options)
    if inside is Kind.TEXT:
        from importer.sources.csv_list import open_delimited  # noqa: PLC0415  heavy

        return open_delimited(path, kind, options)
    from importer.sources.workbook_list import open_workbook  # noqa: PLC0415  heavy

    return open_workbook(path, kind, inside, options)
