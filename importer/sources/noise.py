"""Rows of a list that are no packs and known by name: its header once more, rulers, page heads, totals, ends.

Only a row that could not be sent anyway is taken for one: none of these holds a GTIN or an expiry where the list does.
A header in another order, or a value said above the list that changes, counts for the rows below it. Pure.
"""

# ruff: noqa: RUF001  the words are in other languages

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from importer.model import Message
from importer.rows.tables import OriginalSheet
from importer.sources.headers import fold, match, role_of

_TOTALS = (
    *("Total", "Totals", "Sum", "Count", "Subtotal", "Sub-total", "Grand total", "End", "End of list", "EOF"),
    *("End of report", "End of file", "Summe", "Gesamt", "Gesamtsumme", "Anzahl", "Zwischensumme", "Ende", "Ergebnis"),
    *("Gesamtergebnis", "Teilergebnis", "Listenende", "Totale", "Totale complessivo", "Subtotale", "Somme", "Totaal"),
    *("Sous-total", "Total général", "Fin", "Totais", "Total geral", "Suma", "Total general", "Recuento", "Razem"),
    *("Łącznie", "Ogółem", "Suma końcowa", "Podsuma", "Celkem", "Součet", "Mezisoučet", "Celkový součet", "Eindtotaal"),
    *("Subtotaal", "Einde", "Итого", "Всего", "Итог", "Общий итог", "Промежуточный итог", "Количество", "Конец"),
    *("Toplam", "Genel toplam", "Ara toplam", "Son", "Koniec", "Konec", "Fine", "Conteggio", "Nombre", "Aantal"),
)
TOTALS = frozenset(map(fold, _TOTALS))
"""Words that stand below a list, or between its parts."""
_WITH_NUMBER = re.compile(
    r"(?:(?P<word>[^\d:=]{2,40}?)\W*[:=]?\s*)?\(?(?P<number>\d[\d.,'\s]*)\)?\s*(?P<unit>[^\d]{0,40})"
)
_COUNTED = re.compile(
    r"\(?\d[\d.,' ]*\s*(?:rows?|records?|lines?|zeilen?|datens(?:a|ä)tze?|lignes?|righe|filas|linhas|wierszy|"
    r"ř(?:a|á)dk(?:u|ů)|строк[аи]?|rijen|satır)(?:\s+(?:affected|selected|returned|in set|fetched)\b.*)?\.?\)?",
    re.IGNORECASE,
)
_RULER = re.compile(r"[-=_*+~|.:#─━═│┼╬ ]*")
_RULED = re.compile(r"[-=_*+~─━═]{3}")
_PAGE = re.compile(
    r"(?:page|seite|blatt|pagina|página|pág|strona|str|strana|страница|стр|лист|sayfa|blad|feuille|folha|hoja|foglio)"
    r"\.?\s*:?\s*\d+(?:\s*(?:/|of|von|de|di|z|iz|из|van|sur)\s*\d+)?",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")
_LONGEST = 2000
_NAMED = 10
_MARKS = "\0\x1a"
"""The end of a file of DOS, and padding."""
_TITLE_ROWS = 3


class Noise(StrEnum):
    """What a row is that is no pack."""

    HEADER = "header"
    RULER = "ruler"
    PAGE = "page"
    TITLE = "title"
    TOTAL = "total"
    SAID = "said"


@dataclass(frozen=True, slots=True)
class Found:
    """A row that is no pack. For rows below it: the roles' `positions`, or what is `said` of them, where it changes."""

    noise: Noise
    positions: Mapping[str, int] | None = None
    said: Mapping[str, str] | None = None
    #: How many columns a header names.
    width: int = 0


def head_line(cells: Sequence[str]) -> str:
    """A row above the header, as it comes again on the next page: the number of the page may differ."""
    text = " ".join(" ".join(cells).split())
    return text if says_roles(cells) else _DIGITS.sub("0", text).casefold()


def says_roles(cells: Sequence[str]) -> dict[str, str]:
    """`GTIN: 0400…` in one cell, or `GTIN` in one cell and its value in the next one."""
    said: dict[str, str] = {}
    filled = [c.strip() for c in cells if c.strip()]
    for cell, follows in zip(filled, [*filled, ""][1:], strict=True):
        label, _, rest = cell.partition(":")
        role, value = role_of(label), rest.strip() or follows
        if role in (None, "serial") or not value or role_of(value):
            continue
        said.setdefault(str(role), value)
    return said


class NoiseFinder:
    """Knows the rows of one list that are no packs.

    `headers` and `positions` are the list's own, `given` what one value says for all rows, `above` the lines over the
    header (`head_line`).
    """

    def __init__(
        self,
        headers: Sequence[str],
        positions: Mapping[str, int],
        chosen: Mapping[str, str],
        given: Mapping[str, str],
        above: Sequence[str],
        *,
        totals: bool,
    ) -> None:
        """`totals`: whether a row without a value in one of the columns can't be a pack, so that a word in it may be a
        total. Where the value comes from elsewhere, the word may be a serial.
        """
        self._positions = dict(positions)
        self._serial = fold(headers[positions["serial"]])
        self._chosen = chosen
        self._given = dict(given)
        self._above = {line for line in above if line}
        self._totals = totals

    def find(self, rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[tuple[int, Found]]:
        """Those of some rows, by number, that are no packs. A title right above a header is none either."""
        titles: list[int] = []
        for row, cells in rows:
            found = self.look(cells)
            if found is None:
                is_title = self._totals and sum(1 for c in cells if c.strip()) == 1
                titles = [*(t for t in titles if row - t <= _TITLE_ROWS), row] if is_title else []
                continue
            if found.noise is Noise.HEADER:
                yield from ((title, Found(Noise.TITLE)) for title in titles if row - title <= _TITLE_ROWS)
            titles = []
            yield row, found

    def look(self, cells: Sequence[str]) -> Found | None:
        """What a row is; None where it may be a pack, or is not known."""
        filled = [c.strip() for c in cells if c.strip()]
        if filled and not any(c.strip(_MARKS) for c in filled):
            return Found(Noise.TOTAL)
        if not filled or sum(map(len, filled)) > _LONGEST:
            return None
        if header := self._header(cells):
            return header
        if all(_RULER.fullmatch(c) for c in filled) and any(_RULED.search(c) for c in filled):
            return Found(Noise.RULER)
        line = head_line(cells)
        if line in self._above or _PAGE.fullmatch(line) or (len(filled) == 1 and _PAGE.fullmatch(filled[0])):
            return Found(Noise.PAGE)
        if said := self._said(cells):
            return Found(Noise.SAID, said=said)
        return Found(Noise.TOTAL) if self._totals and is_total(filled) else None

    def _header(self, cells: Sequence[str]) -> Found | None:
        """All columns of the list by name: it says where the rows below have them."""
        claims = match([c.strip() for c in cells], self._chosen).claims
        wanted = self._positions.keys()
        if not wanted <= claims.keys():
            return None
        if len(wanted) == 1 and fold(cells[claims["serial"][0]]) != self._serial:
            return None
        width = max(at + 1 for at, cell in enumerate(cells) if cell.strip())
        if all(place in claims[role] for role, place in self._positions.items()):
            return Found(Noise.HEADER, width=width)
        if any(len(claims[role]) > 1 for role in wanted):
            return None
        self._positions = {role: claims[role][0] for role in wanted}
        return Found(Noise.HEADER, positions=dict(self._positions), width=width)

    def _said(self, cells: Sequence[str]) -> dict[str, str]:
        """A value that was said above the list and is said again: it counts from here on."""
        said = says_roles(cells)
        if not said or not said.keys() <= self._given.keys():
            return {}
        self._given.update(said)
        return said


def is_total(cells: Sequence[str]) -> bool:
    """A word for it, alone or with numbers."""
    first, *others = [c.strip() for c in cells if c.strip()] or [""]
    if not all(_is_number(c) or fold(c) in TOTALS for c in others):
        return False
    plain = first.strip("*-= .:()[]<>#")
    if fold(plain) in TOTALS or _COUNTED.fullmatch(first):
        return True
    parts = _WITH_NUMBER.fullmatch(plain)
    return bool(parts and parts["word"] and fold(parts["word"]) in TOTALS)


def _is_number(text: str) -> bool:
    return len(text) <= 12 and text.replace(".", "").replace(",", "").replace(" ", "").isdigit()  # noqa: PLR2004


def followed(sheet: OriginalSheet, chosen: Mapping[str, str]) -> OriginalSheet:
    """A list that is given back, whose rows tell where a header further down moves the columns (`moved`)."""
    if not sheet.header_row or "serial" not in sheet.positions:
        return sheet
    moved: list[tuple[int, Mapping[str, int]]] = []

    def rows() -> Iterator[tuple[int, Sequence[Any]]]:
        headers = [""] * (max(sheet.positions.values()) + 1)
        finder = NoiseFinder(headers, sheet.positions, chosen, {}, (), totals=False)
        moved.clear()
        for row, cells in sheet.rows():
            if row > sheet.header_row and _may_be_header(cells):
                found = finder.look(["" if c is None else str(c) for c in cells])
                if found and found.positions:
                    moved.append((row, found.positions))
            yield row, cells

    return replace(sheet, rows=rows, moved=moved)


def _may_be_header(cells: Sequence[Any]) -> bool:
    """Names have no digits: this keeps nearly all rows from a closer look."""
    start = next((c for c in cells if c not in (None, "")), None)
    return isinstance(start, str) and not any(map(str.isdigit, start))


class NoiseCount:
    """How many rows of a list were left out as no packs, and the first of them."""

    def __init__(self) -> None:
        self._rows: dict[Noise, list[str]] = {}
        self._counts: dict[Noise, int] = {}

    def add(self, noise: Noise, row: str) -> None:
        self._counts[noise] = self._counts.get(noise, 0) + 1
        if self._counts[noise] <= _NAMED:
            self._rows.setdefault(noise, []).append(row)

    def remarks(self, name: str) -> list[Message]:
        return [_remark(name, noise, count, self._rows[noise]) for noise, count in sorted(self._counts.items())]


def _remark(name: str, noise: Noise, count: int, rows: Sequence[str]) -> Message:
    more = [count - _NAMED] if count > _NAMED else []
    return Message("rows_left_out", "", {"name": name, "noise": noise.value, "n": count, "rows": [*rows, *more]})
