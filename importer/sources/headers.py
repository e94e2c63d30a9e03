"""Header names and the role that each plays: one table, to be extended with each new name.

A name counts without its case, accents, spaces and punctuation, so "N° de série" and "n de serie" are one. Beware of
false friends: Polish "Nr serii" and Russian "Серия" are the batch, not the serial; German "Charge" is the batch;
the Turkish "Sira no" only counts the rows, so it stands nowhere here.
"""

from __future__ import annotations

# ruff: noqa: RUF001  the names are in other languages
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from importer.rows.returned import BESIDE
from importer.sources.mojibake import is_lossy, mangled_patterns, pattern_of, unmangled

ALIASES: Mapping[str, Sequence[str]] = {
    "serial": (
        *("Serial", "Serials", "SerialNumber", "Serial numbers", "Serial no", "Serial nr", "Serial num", "Serial code"),
        *("Serial ID", "Unique serial number", "SN", "S/N", "S/No", "AI 21", "(21)", "AI21 serial"),  # English
        *("Seriennummer", "Seriennummern", "Serien-Nr.", "Serialnummer", "Serial-Nr."),  # German
        *("Numéro de série", "N° de série", "No de série", "N° série", "Num. série", "Numéro série"),  # French
        *("Numero di serie", "N. di serie", "Numero seriale", "Nr. seriale", "Seriale", "Codice seriale"),  # Italian
        *("Número de serie", "Nro. de serie", "Nº de serie", "Núm. de serie", "Nº serie", "Número serial"),  # Spanish
        *("Número de série", "Nº de série", "Núm. de série", "Nº série", "Número serial"),  # Portuguese
        *("Numer seryjny", "Nr seryjny", "Numery seryjne"),  # Polish
        *("Sériové číslo", "Sériová čísla", "Sér. číslo", "Sér. č.", "Výrobní číslo"),  # Czech
        *("Серийный номер", "Серийный №", "Серийные номера", "Индивидуальный серийный номер"),  # Russian
        *("Serienummer", "Serienummers", "Serie-nr.", "Serienr."),  # Dutch
        *("Seri numarası", "Seri no", "Seri nosu"),  # Turkish
    ),
    "gtin": (
        *("GTIN", "GTIN-14", "GTIN-13", "GTIN-12", "GTIN-8", "GTIN number", "GTIN no", "GTIN code", "GTIN/EAN"),
        *("EAN", "EAN-13", "EAN-8", "EAN code", "NTIN", "UPC", "Product code", "Product GTIN", "AI 01", "(01)"),
        *("GTIN-Nummer", "GTIN-Nr.", "EAN-Nummer", "EAN-Nr.", "Produktcode", "Produkt-Code"),  # German
        *("Code GTIN", "Code EAN", "Code produit", "CIP13", "Code CIP13"),  # French
        *("Codice GTIN", "Codice EAN", "Codice prodotto", "Codice del prodotto"),  # Italian
        *("Código GTIN", "Código EAN", "Código de producto", "Código del producto"),  # Spanish
        *("Código do produto", "Código de produto"),  # Portuguese
        *("Kod GTIN", "Kod EAN", "Kod produktu", "Numer GTIN", "Nr GTIN"),  # Polish
        *("Kód GTIN", "Kód EAN", "Kód produktu", "Kód výrobku", "Číslo GTIN"),  # Czech
        *("Код GTIN", "ГТИН", "Код товара", "Код продукта", "Номер GTIN"),  # Russian
        *("GTIN-nummer", "EAN-code", "Productcode"),  # Dutch
        *("GTIN numarası", "GTIN no", "Ürün kodu", "Barkod", "Barkod no", "Barkod numarası"),  # Turkish
    ),
    "batch": (
        *("Batch", "Batch number", "Batch no", "Batch nr", "Batch ID", "Batch code", "BN", "Lot", "Lot number"),
        *("Lot no", "Lot nr", "Lot ID", "Lot code", "Lot/Batch", "Batch/Lot", "AI 10", "(10)"),  # English
        *("Charge", "Chargennummer", "Chargen-Nr.", "Charge-Nr.", "Chargenbezeichnung", "Ch.-B.", "Ch.-Nr."),  # German
        *("Los", "Losnummer", "Los-Nr.", "Batchnummer"),  # German
        *("Numéro de lot", "N° de lot", "No de lot", "N° lot", "Num. lot", "Numéro lot", "Code lot"),  # French
        *(
            "Lotto",
            "Numero di lotto",
            "Numero lotto",
            "N. lotto",
            "N. di lotto",
            "Nr. lotto",
            "Codice lotto",
        ),  # Italian
        *("Lote", "Número de lote", "Nº de lote", "Nº lote", "Nro. de lote", "Núm. de lote", "Núm. lote"),  # Spanish
        *("Número do lote", "Nº do lote", "Código do lote"),  # Portuguese
        *("Nr serii", "Numer serii", "Seria", "Seria nr", "Nr partii", "Numer partii", "Partia"),  # Polish
        *("Šarže", "Číslo šarže", "Č. šarže", "Číslo dávky", "Číslo série"),  # Czech
        *("Серия", "Номер серии", "№ серии", "Серия №", "Партия", "Номер партии", "№ партии"),  # Russian
        *("Lotnummer", "Partij", "Partijnummer", "Chargenummer", "Charge-nr.", "Batch-nr.", "Lot-nr."),  # Dutch
        *("Parti", "Parti no", "Parti numarası", "Lot numarası", "Lot no"),  # Turkish
    ),
    "expiry": (
        *("Expiry", "Expiry date", "ExpirationDate", "Expiration", "Expires", "Exp", "Exp date", "Exp. dt.", "EXD"),
        *("XD", "Use by", "Use by date", "Use before", "Valid until", "Date of expiry", "AI 17", "(17)"),  # English
        *("Verfall", "Verfalldatum", "Verfallsdatum", "Verfalldat.", "Verw. bis", "Verwendbar bis", "Ablaufdatum"),
        *("Haltbar bis", "Gültig bis", "Verwendbar bis Datum"),  # German
        *("Date d'expiration", "Date de péremption", "Péremption", "Date péremption", "Date exp.", "Date expiration"),
        *("Date limite d'utilisation", "DLU"),  # French
        *("Scadenza", "Data di scadenza", "Data scadenza", "Data scad."),  # Italian
        *("Caducidad", "Fecha de caducidad", "Fecha caducidad", "Vencimiento", "Fecha de vencimiento"),  # Spanish
        *("Fecha vencimiento", "Fecha de expiración", "Fecha expiración"),  # Spanish
        *("Validade", "Data de validade", "Prazo de validade", "Data de vencimento", "Data de expiração"),  # Portuguese
        *("Data ważności", "Termin ważności", "Ważne do", "Data przydatności", "Termin przydatności"),  # Polish
        *(
            "Datum expirace",
            "Expirace",
            "Datum exspirace",
            "Exspirace",
            "Použitelné do",
            "Datum použitelnosti",
        ),  # Czech
        *("Срок годности", "Срок годности до", "Годен до", "Дата окончания срока годности"),  # Russian
        *("Vervaldatum", "Houdbaar tot", "Houdbaarheidsdatum", "Uiterste gebruiksdatum", "Exp. datum"),  # Dutch
        *("Son kullanma tarihi", "Son kullanma", "Son kul. tar.", "SKT", "Miad", "Miad tarihi"),  # Turkish
    ),
}
"""Role to the names that its column goes by."""

OURS = ("row", "outcome", "code", "message", "chunk", "attempts", "recorded_at", "sheet")
"""What the importer's own report adds to a list; ignored when the list comes back corrected."""

_KNOWN_UNUSED = ("ManufacturingDate", *BESIDE)
_UNACCENTED = str.maketrans({"ł": "l", "ı": "i", "ø": "o", "đ": "d"})
_LONGEST_NAME = 200
_BRACKETED = re.compile(r"[(\[].*?[)\]]")


def spoken(role: str) -> str:
    """A role as people call it."""
    return "GTIN" if role == "gtin" else role


@lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """A header's name without what may differ between two ways to write it; what follows its start is no name."""
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name[:_LONGEST_NAME]).casefold())
    return "".join(c for c in letters.translate(_UNACCENTED) if c.isalnum())


_ROLE_BY_NAME = {fold(name): role for role, names in ALIASES.items() for name in names}
_SILENT = {fold(name) for name in (*OURS, *_KNOWN_UNUSED)}
_OURS = {fold(name) for name in OURS}


@lru_cache(maxsize=4096)
def role_of(header: str) -> str | None:
    """The role that a header names, if any. A hint in brackets counts for nothing, `Expiry (YYMMDD)`, unless it alone
    tells: `Artikelnr. (GTIN)`. But for the serial: `SSCC (serial)` is none of a pack.

    A name that was saved in the wrong encoding counts as what it was.
    """
    header = header[:_LONGEST_NAME]
    return _plain_role(header) or _mangled_role(header)


def _plain_role(header: str) -> str | None:
    role = _ROLE_BY_NAME.get(fold(header)) or _ROLE_BY_NAME.get(fold(_BRACKETED.sub("", header)))
    hints = [_ROLE_BY_NAME.get(fold(hint[1:-1])) for hint in _BRACKETED.findall(header)]
    return role or (hints[0] if len(hints) == 1 and hints[0] != "serial" else None)


def _mangled_role(header: str) -> str | None:
    if is_lossy(header):
        may_be, coded = pattern_of(header), list(mangled_patterns(header))
        roles = {
            role
            for role, names in ALIASES.items()
            for name in names
            if may_be.fullmatch(name.casefold()) or any(p.fullmatch(name.encode()) for p in coded)
        }
        return roles.pop() if len(roles) == 1 else None
    return next((role for text in unmangled(header) if (role := _plain_role(text))), None)


def names_in(text: str) -> set[str]:
    """The roles that words of a text name, alone or two and three together."""
    words = [word for word in re.split(r"[^\w]+|(?<=[a-z])_(?=[a-z])", text[:_LONGEST_NAME]) if word]
    runs = (" ".join(words[at : at + n]) for n in (1, 2, 3) for at in range(len(words)))
    return {role for run in runs if (role := _plain_role(run))}


def is_mangled(header: str) -> bool:
    """Whether a header is known only as a name that was saved in the wrong encoding."""
    return _plain_role(header[:_LONGEST_NAME]) is None and role_of(header) is not None


def says_nothing(header: str) -> bool:
    """Whether a record may leave this column out and still hold all that the list has to say."""
    folded = fold(header)
    return not folded or folded in _OURS


def may_be_left_out(header: str) -> bool:
    """Whether all rows of a list may end before this column; where others have it, a row without it is in doubt."""
    folded = fold(header)
    return not folded or folded in _SILENT


@dataclass(frozen=True, slots=True)
class Match:
    """The positions of the headers that claim each role, and of those that are not known."""

    claims: Mapping[str, Sequence[int]]
    unknown: Sequence[int]


_PLACE = re.compile(r"#\s*([1-9][0-9]{0,3})")


def place_of(chosen: str) -> int | None:
    """The column that a choice names by its place, from 1 on: `#3`. None for one that names a header."""
    found = _PLACE.fullmatch(chosen.strip())
    return int(found[1]) if found else None


def match(headers: Sequence[str], chosen: Mapping[str, str]) -> Match:
    """Find each header's role. `chosen` (header, or place as `#3`, to role) wins: no other column claims that role, and
    a column whose role is "" has none.

    A header that looks like a place is taken for a header.
    """
    by_name = {fold(header): role for header, role in chosen.items() if place_of(header) is None or header in headers}
    by_place = {
        place - 1: role for header, role in chosen.items() if header not in headers and (place := place_of(header))
    }
    claims: dict[str, list[int]] = {}
    unknown = []
    folded = list(map(fold, headers))
    present = {by_name[f] for f in folded if f in by_name} | {r for p, r in by_place.items() if p < len(headers)}
    for position, header in enumerate(headers):
        role = by_place.get(position, by_name.get(folded[position]))
        if role is None:
            role = role_of(header)
            role = None if role in present else role
        if role:
            claims.setdefault(role, []).append(position)
        elif folded[position] and folded[position] not in _SILENT:
            unknown.append(position)
    return Match(claims, unknown)


def known_headers(headers: Sequence[str], chosen: Mapping[str, str]) -> int:
    """How many of the headers are known, unused ones too."""
    return len([h for h in headers if h.strip()]) - len(match(headers, chosen).unknown)
