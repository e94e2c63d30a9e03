"""The names of months in the eleven languages of the headers, full, inflected and short, and what is written beside.

Pure. Extend the table by whatever a list brings; a test holds it against the names that Unicode's CLDR knows.
"""

# ruff: noqa: RUF001  the names are in other languages

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

MONTHS: Sequence[Sequence[str]] = (
    (
        *("January", "Jan", "Januar", "Jänner", "Jän", "janvier", "janv", "gennaio", "gen", "genn", "enero", "ene"),
        *("janeiro", "styczeń", "stycznia", "sty", "stycz", "leden", "ledna", "led", "январь", "января", "янв"),
        *("januari", "ocak", "oca", "I"),
    ),
    (
        *("February", "Feb", "Febr", "Februar", "Feber", "février", "févr", "fév", "febbraio", "febbr", "febrero"),
        *("fevereiro", "fev", "luty", "lutego", "lut", "únor", "února", "úno", "февраль", "февраля", "фев", "февр"),
        *("februari", "şubat", "şub", "II"),
    ),
    (
        *("March", "Mar", "März", "Maerz", "Mrz", "Mär", "mars", "marzo", "marz", "março", "marzec", "marca"),
        *("březen", "března", "bře", "март", "марта", "мар", "maart", "mrt", "maa", "mart", "III"),
    ),
    (
        *("April", "Apr", "avril", "avr", "aprile", "abril", "abr", "kwiecień", "kwietnia", "kwi", "kwiec"),
        *("duben", "dubna", "dub", "апрель", "апреля", "апр", "nisan", "nis", "IV"),
    ),
    (
        *("May", "Mai", "maggio", "mag", "magg", "mayo", "maio", "maj", "maja", "květen", "května", "kvě"),
        *("май", "мая", "mei", "mayıs", "V"),
    ),
    (
        *("June", "Jun", "Juni", "juin", "giugno", "giu", "junio", "junho", "czerwiec", "czerwca", "cze", "czerw"),
        *("červen", "června", "čvn", "июнь", "июня", "июн", "haziran", "haz", "VI"),
    ),
    (
        *("July", "Jul", "Juli", "juillet", "juil", "luglio", "lug", "julio", "julho", "lipiec", "lipca", "lip"),
        *("červenec", "července", "čvc", "июль", "июля", "июл", "temmuz", "tem", "VII"),
    ),
    (
        *("August", "Aug", "août", "agosto", "ago", "ag", "sierpień", "sierpnia", "sie", "sierp", "srpen", "srpna"),
        *("srp", "август", "августа", "авг", "augustus", "ağustos", "ağu", "VIII"),
    ),
    (
        *("September", "Sep", "Sept", "septembre", "settembre", "set", "sett", "septiembre", "setiembre", "setembro"),
        *("wrzesień", "września", "wrz", "wrzes", "září", "zář", "сентябрь", "сентября", "сен", "сент", "eylül"),
        *("eyl", "IX"),
    ),
    (
        *("October", "Oct", "Oktober", "Okt", "octobre", "ottobre", "ott", "octubre", "outubro", "out", "październik"),
        *("października", "paź", "pazdz", "říjen", "října", "říj", "октябрь", "октября", "окт", "ekim", "eki", "X"),
    ),
    (
        *("November", "Nov", "novembre", "noviembre", "novembro", "listopad", "listopada", "listopadu", "lis", "list"),
        *("ноябрь", "ноября", "ноя", "нояб", "kasım", "kas", "XI"),
    ),
    (
        *("December", "Dec", "Dezember", "Dez", "décembre", "déc", "dicembre", "dic", "diciembre", "dezembro"),
        *("grudzień", "grudnia", "gru", "grudz", "prosinec", "prosince", "pro", "декабрь", "декабря", "дек"),
        *("aralık", "ara", "XII"),
    ),
)
"""Twelve rows, January first. Roman numerals are how Poles and Russians write a month: 30 XI 2027."""

_BESIDE = (
    *("of", "the", "de", "del", "do", "di", "den", "der", "dem", "le", "el", "il", "dne"),  # articles, prepositions
    *("st", "nd", "rd", "th", "er", "re", "e", "o", "a", "º", "ª", "го"),  # behind a number: 1st, 1er, 1º
    *("г", "год", "года", "r", "rok", "roku"),  # the Russian and the Polish year
    *("Monday", "Mon", "Tuesday", "Tue", "Tues", "Wednesday", "Wed", "Thursday", "Thu", "Thur", "Thurs"),
    *("Friday", "Fri", "Saturday", "Sat", "Sunday", "Sun"),
    *("Montag", "Mo", "Dienstag", "Di", "Mittwoch", "Mi", "Donnerstag", "Do", "Freitag", "Fr", "Samstag", "Sa"),
    *("Sonnabend", "Sonntag", "So"),
    *("lundi", "lun", "mardi", "mercredi", "mer", "jeudi", "jeu", "vendredi", "ven", "samedi", "sam"),
    *("dimanche", "dim"),
    *("lunedì", "martedì", "mercoledì", "giovedì", "gio", "venerdì", "sabato", "sab", "domenica", "dom"),
    *("lunes", "martes", "miércoles", "mié", "jueves", "jue", "viernes", "vie", "sábado", "sáb", "domingo"),
    *("segunda", "seg", "terça", "ter", "quarta", "qua", "quinta", "qui", "sexta", "sex", "feira"),
    *("poniedziałek", "pon", "wtorek", "wt", "środa", "śr", "czwartek", "czw", "piątek", "pt", "pią", "sobota"),
    *("sob", "niedziela", "niedz", "nie"),
    *("pondělí", "po", "úterý", "út", "středa", "st", "čtvrtek", "čt", "pátek", "pá", "so", "neděle", "ne"),
    *("понедельник", "пн", "вторник", "вт", "среда", "ср", "четверг", "чт", "пятница", "пт", "суббота", "сб"),
    *("воскресенье", "вс"),
    *("maandag", "ma", "dinsdag", "woensdag", "wo", "donderdag", "vrijdag", "vr", "vrij", "zaterdag", "za"),
    *("zondag", "zo"),
    *("pazartesi", "pzt", "salı", "sal", "çarşamba", "çar", "perşembe", "per", "cuma", "cum", "cumartesi", "cmt"),
    *("pazar", "paz"),
)
"""Words that may stand in a date with its month in letters, and say nothing that the rest doesn't."""

_UNACCENTED = str.maketrans({"ł": "l", "ı": "i"})


@lru_cache(maxsize=4096)
def fold(word: str) -> str:
    """A word without its case and accents."""
    letters = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in letters.translate(_UNACCENTED) if not unicodedata.combining(char))


_NUMBERS: Mapping[str, int] = {fold(name): number for number, names in enumerate(MONTHS, 1) for name in names}
_SILENT = frozenset(map(fold, _BESIDE)) - _NUMBERS.keys()


def month_of(word: str) -> int | None:
    """The number of the month that a word names, in any of the languages."""
    return _NUMBERS.get(fold(word))


def says_nothing(word: str) -> bool:
    """Whether a word beside a month's name may be left out."""
    return fold(word) in _SILENT
