"""Words and signs that are written where there is no value, in the eleven languages of the headers. Pure."""

# ruff: noqa: RUF001  the words are in other languages

from __future__ import annotations

import re

from importer.gs1.months import fold

_WORDS = (
    *("null", "nil", "none", "nan", "na", "n/a", "nothing", "blank", "empty", "void", "missing", "unknown", "pending"),
    *(
        "undefined",
        "unspecified",
        "unassigned",
        "not available",
        "not applicable",
        "not set",
        "not assigned",
        "no batch",
    ),
    *("no lot", "no data", "no value", "without batch", "tbd", "tba", "tbc", "tbn", "to be defined", "to be confirmed"),
    *("to be announced", "to be determined"),
    *("keine", "kein", "keine Charge", "ohne Charge", "unbekannt", "leer", "fehlt", "entfällt", "nicht vorhanden"),
    *("nicht angegeben", "nicht verfügbar", "nicht bekannt", "keine Angabe", "ausstehend", "nicht zutreffend"),
    *("néant", "aucun", "aucune", "sans lot", "inconnu", "vide", "non défini", "non disponible", "non applicable"),
    *("manquant", "non renseigné", "à définir", "sans objet"),
    *("nessuno", "nessuna", "senza lotto", "sconosciuto", "assente", "vuoto", "non disponibile", "non applicabile"),
    *("mancante", "non definito", "nullo", "da definire"),
    *("ninguno", "ninguna", "sin lote", "desconocido", "vacío", "no disponible", "no aplica", "pendiente", "nulo"),
    *("por definir", "sin dato", "sin datos"),
    *("nenhum", "nenhuma", "sem lote", "desconhecido", "vazio", "não disponível", "não aplicável", "pendente"),
    *("a definir", "ausente", "não se aplica"),
    *("brak", "brak serii", "brak danych", "nieznany", "nieznana", "nie dotyczy", "pusty", "puste", "nie podano"),
    *("žádný", "žádná", "žádné", "neznámý", "neznámá", "neuvedeno", "neuvedena", "prázdné", "nezadáno", "bez šarže"),
    *("chybí", "není", "není k dispozici"),
    *("нет", "нет данных", "нет серии", "неизвестно", "неизвестна", "отсутствует", "пусто", "не указано", "не указана"),
    *("без серии", "не применимо"),
    *("geen", "geen partij", "geen batch", "onbekend", "leeg", "niet beschikbaar", "niet van toepassing", "nvt"),
    *("ontbreekt", "niet bekend"),
    *("yok", "parti yok", "bilinmiyor", "boş", "belirsiz", "mevcut değil", "girilmedi", "belirtilmemiş"),
)
_SHORT = (
    "nd",
    "sd",
    "sl",
    "sn",
    "so",
    "nc",
    "nr",
    "np",
    "nb",
    "bd",
    "bs",
    "nv",
    "nn",
    "ka",
    "oa",
    "нд",
    "бн",
    "бс",
    "n",
)
"""These are words only with marks between or behind: n.d., s/d, k.A., н/д."""

_LONGEST = 40
_MARKS = re.compile(r"[\W_]+")
_KNOWN = frozenset(_MARKS.sub("", fold(word)) for word in _WORDS)
_KNOWN_WITH_MARKS = frozenset(map(fold, _SHORT))
_FILLED = re.compile(r"[xX]{3,10}")


def means_nothing(text: str) -> bool:
    """Whether a value, without what surrounds it, says that there is none: N/A, TBD, -, ?, keine, Xxx."""
    if not 0 < len(text) <= _LONGEST:
        return False
    bare = _MARKS.sub("", fold(text))
    if not bare:
        return True
    return bare in _KNOWN or bool(_FILLED.fullmatch(text)) or (bare in _KNOWN_WITH_MARKS and len(bare) < len(text))
