"""Opens a list of any known format, which its content tells, not its name."""

from __future__ import annotations

from pathlib import Path

from importer.errors import SourceError
from importer.rows.tables import Source
from importer.sources.files import Kind, kind_inside, kind_of
from importer.sources.options import SourceOptions

_WORKBOOKS = frozenset({Kind.XLSX, Kind.XLSM, Kind.XLSB, Kind.XLS, Kind.ODS})

__all__ = ["SourceOptions", "open_source"]


def open_source(path: Path, options: SourceOptions) -> Source:
    """Find out what the file is and where its list stands. Reads its head only; a workbook is read whole.

    Raises SourceError where it can't be read, or only by guessing.
    """
    source = _opened(path, options)
    if options.edits:
        from importer.sources.corrections import Edited  # noqa: PLC0415  heavy

        return Edited(source, options.edits)
    return source


def _opened(path: Path, options: SourceOptions) -> Source:
    kind = kind_of(path)
    if options.sheet not in (None, "all") and kind not in _WORKBOOKS:
        raise SourceError(f'{path.name} is no workbook and has no sheet "{options.sheet}": leave --sheet out.')
    inside = kind_inside(path, kind)
    if inside is Kind.EPCIS_XML:
        from importer.sources import epcis, epcis_xml  # noqa: PLC0415  heavy

        return epcis.EpcisList(path, kind, "xml", epcis_xml.events, options)
    if inside is Kind.EPCIS_JSON:
        from importer.sources import epcis, epcis_json  # noqa: PLC0415  heavy

        return epcis.EpcisList(path, kind, "json", epcis_json.events, options)
    if kind in (Kind.TEXT, Kind.GZIP, Kind.ZIP):
        from importer.sources.csv_list import open_delimited  # noqa: PLC0415  heavy

        return open_delimited(path, kind, options)
    from importer.sources.workbook_list import open_workbook  # noqa: PLC0415  heavy

    return open_workbook(path, kind, options)
