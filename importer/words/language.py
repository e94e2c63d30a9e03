"""Says a message in one language: picks the sentence by code, and fills its holes with values as people write them.

Numbers, dates and lists are Babel's. It is built for a million rejects: a sentence is taken apart once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache, cached_property
from string import Formatter
from typing import TYPE_CHECKING, Any, Literal

from importer.model import Fate, Message, is_sandbox
from importer.words import catalogue

if TYPE_CHECKING:
    from babel import Locale  # loaded with the first date, list or fraction

_LOCALES = {"en": "en_GB", "de": "de_DE"}
_GROUPS = {"en": ",", "de": "."}
"""Between thousands: the locale knows it, too, but is loaded in 18 ms."""
_MOMENTS = {"en": "d MMM y, HH:mm", "de": "dd.MM.y, HH:mm"}
_LONGEST_ZONE = 5
"""Characters of a zone's name that people use, such as CET; longer ones are said as hours from UTC."""
_MONTHS = {"en": "MMM y", "de": "MM.y"}
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_UNGROUPED = 1000
_TENTHS_BELOW = 10
_EXPIRY = 6
_NOTHING = "\u2013"
_Style = Literal["standard", "or"]
_Kind = Callable[[Any], str]
_Parts = tuple[tuple[str, str, _Kind], ...]
"""Literal text, then the name of the hole behind it (empty behind the last text) and what says its value."""


class Language:
    """One of `catalogue.LANGUAGES`; see the package's docstring for holes and contexts."""

    def __init__(self, tag: str, *, page: bool = False) -> None:
        self.tag = tag
        self._page = page
        self._catalogue = catalogue.read(tag)
        self._roles: dict[str, str] = {}
        self._kinds: dict[str, _Kind] = {
            "": self._plain,
            "role": self.role,
            "Role": lambda role: _capital(self.role(role)),
            "roles": lambda roles: self.joined([self.role(role) for role in roles]),
            "quoted": lambda values: self._some([f'"{value}"' for value in _items(values)], values),
            "listed": lambda values: self._some([self._plain(value) for value in _items(values)], values),
            "date": self.date,
            "dates": lambda days: self.joined([self.date(day) for day in days], "or"),
            "month": self.month,
            "character": self.character,
            "bytes": self.bytes,
            "span": self.span,
            "target": self.target,
            "moment": self.moment,
            "instant": self.instant,
            "either": lambda values: self._some(_items(values), values, "or"),
            "cause": lambda value: self._plain(value).removesuffix("."),
            "sentence": lambda value: self.sentence(Message.of(value)),
            "tip": lambda value: self.tip(Message.of(value)),
        }
        self._parts: dict[str, _Parts] = {}
        self._known: dict[tuple[str, str], _Parts | None] = {}

    def say(self, message: Message) -> str:
        """The whole message: its sentence and its tip."""
        return " ".join(filter(None, (self.sentence(message), self.tip(message))))

    def sentence(self, message: Message) -> str:
        """What was found, where, and what was expected. A code that has no sentence is said as it is."""
        if "returned" in message.values:  # a row that came back with what had been said of it
            return str(message.values["returned"])
        return self._say("", message.code, message.role, message.values) or self.remark(message)

    def tip(self, message: Message) -> str:
        """What the reader does about it: on the page perhaps something else than at a terminal."""
        if "returned" in message.values:
            return ""
        at_page = self._page and self._say("page tip", message.code, message.role, message.values)
        return at_page or self._say("tip", message.code, message.role, message.values)

    def title(self, code: str) -> str:
        """A problem's name."""
        return self.label("title", code) or code.replace("_", " ")

    def group(self, code: str, outcome: str) -> str:
        """What to do about all rows that have this code, else this outcome."""
        return self.label("group", code) or self.label("group", outcome)

    def fate(self, fate: Fate) -> str:
        """Why a row has its outcome; empty for what went well without more to say."""
        code = fate.code or fate.outcome.value
        words = self._say("", code, "", fate.values), self._say("tip", code, "", fate.values)
        return " ".join(filter(None, words)) or fate.code.replace("_", " ")

    def label(self, context: str, key: str, **values: Any) -> str:
        """Fixed words, such as a column's name; empty if there are none under this key."""
        return self._say(context, key, "", values)

    def named(self, context: str, key: str) -> str:
        """A word, such as an outcome's; the key itself where the language has the same or none."""
        return self.label(context, key) or key

    def counted(self, what: str, n: int) -> str:
        """1 row, 2,000 rows."""
        return self.label("count", what, n=n)

    def told(self, key: str, **values: Any) -> str:
        """What a command tells at a terminal, beside messages."""
        return self.label("terminal", key, **values)

    def warning(self, code: str) -> str:
        """What a repair or warning says of rows that are sent."""
        return f"{self.label('warning', code) or code.replace('_', ' ')}. {self.label('warning_tip', code)}".strip()

    def remark(self, message: Message) -> str:
        """What a planner should know of a list as it was read."""
        at_page = self._page and self._say("page remark", message.code, message.role, message.values)
        return at_page or self._say("remark", message.code, message.role, message.values) or message.code

    def part(self, value: Mapping[str, Any] | str) -> str:
        """A message that is a value: why a run stopped, where a row stands. Text stays as it is."""
        return self._plain(value)

    def role(self, role: str) -> str:
        if role not in self._roles:
            self._roles[role] = self.named("role", role)
        return self._roles[role]

    def number(self, value: float) -> str:
        """Grouped; a fraction has one digit."""
        if isinstance(value, int):
            return str(value) if -_UNGROUPED < value < _UNGROUPED else f"{value:,}".replace(",", _GROUPS[self.tag])
        from babel.numbers import format_decimal  # noqa: PLC0415  see `_locale`

        return format_decimal(value, "#,##0.#", self._locale)

    def joined(self, items: Sequence[str], style: _Style = "standard") -> str:
        """a, b and c."""
        from babel.lists import format_list  # noqa: PLC0415  see `_locale`

        return format_list(list(items), style, self._locale) if items else self.label("word", "none")

    def date(self, day: str | date) -> str:
        """A day (ISO 8601) with the name of its month."""
        from babel.dates import format_date  # noqa: PLC0415  see `_locale`

        day = date.fromisoformat(day) if isinstance(day, str) else day
        return format_date(day, "long", self._locale)

    def month(self, month: str) -> str:
        """A month (2027-11)."""
        from babel.dates import format_skeleton  # noqa: PLC0415  see `_locale`

        return format_skeleton("yMMMM", datetime.fromisoformat(f"{month}-01"), locale=self._locale)

    def expiry(self, text: str) -> str:
        """YYMMDD in short; a day 00 is left out. What is no such date stays as it is."""
        from babel.dates import format_date  # noqa: PLC0415  see `_locale`

        if len(text) != _EXPIRY or not (text.isascii() and text.isdigit()):
            return text
        year, month, day = 2000 + int(text[:2]), int(text[2:4]), int(text[4:])
        try:
            found = datetime(year, month, day or 1)  # noqa: DTZ001  a day, at no place
        except ValueError:
            return text
        return format_date(found, "medium" if day else _MONTHS[self.tag], self._locale)

    def moment(self, text: str | None) -> str:
        """A time of the ledger, in the time of this machine, with its zone; a dash for none."""
        return self._moment(datetime.fromisoformat(text).astimezone()) if text else _NOTHING

    def instant(self, text: str | None) -> str:
        """The same in UTC: what a report says is the same wherever it is written again."""
        return self._moment(datetime.fromisoformat(text).astimezone(UTC)) if text else _NOTHING

    def _moment(self, at: datetime) -> str:
        from babel.dates import format_datetime  # noqa: PLC0415  see `_locale`

        zone = at.tzname() or ""
        zone = zone if len(zone) <= _LONGEST_ZONE and zone.isascii() else f"UTC{at:%z}"
        return f"{format_datetime(at.replace(tzinfo=None), _MOMENTS[self.tag], locale=self._locale)} {zone}".rstrip()

    def span(self, seconds: float | None) -> str:
        """0.4 s, 12 s, 3 min 20 s, 5 h 10 min, 2 d 3 h; a dash for none."""
        if seconds is None:
            return _NOTHING
        if seconds < _TENTHS_BELOW:
            return f"{self.number(round(float(seconds), 1))} s"
        whole = round(seconds)
        if whole < _MINUTE:
            return f"{whole} s"
        if whole < _HOUR:
            return f"{whole // _MINUTE} min {whole % _MINUTE} s"
        if whole < _DAY:
            return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
        return f"{self.number(whole // _DAY)} {self.label('word', 'day')} {whole % _DAY // _HOUR} h"

    def target(self, target: str) -> str:
        """Where a run goes (config/target.py): the address, and whose serials are behind it."""
        if is_sandbox(target):
            return self.label("target", "sandbox")
        address, _, pool = target.partition(" ")
        kind, _, name = pool.partition(":")
        return self.label("target", kind, address=address, name=name) or address

    def bytes(self, value: int) -> str:
        size = float(value)
        for unit in ("B", "kB", "MB"):
            if size < 1000:  # noqa: PLR2004
                return f"{self.number(int(size) if unit == 'B' else round(size, 1))} {unit}"
            size /= 1000
        return f"{self.number(round(size, 1))} GB"

    def character(self, char: str) -> str:
        """A character's name, behind the character itself where it can be seen."""
        code = f"U+{ord(char):04X}"
        name = self.label("character", code) or unicodedata.name(char, "") or self.label("word", "control", code=code)
        return f'"{char}" ({name})' if char.isprintable() and char != " " else name

    @cached_property
    def _locale(self) -> Locale:
        from babel import Locale  # noqa: PLC0415  18 ms that whole numbers and plain sentences do without

        return Locale.parse(_LOCALES[self.tag])

    def _say(self, context: str, key: str, role: str, values: Mapping[str, Any]) -> str:
        """The words under a key, its holes filled; empty if there are none."""
        parts = self._find(context, f"{key}.{values['case']}", values) if "case" in values else None
        parts = parts or self._find(context, key, values)
        if not parts:
            return ""
        said = []
        for text, name, kind in parts:
            said.append(text)
            if name:
                value = role if name == "role" and role else values.get(name, "")
                said.append(kind(value))
        return "".join(said)

    def _plain(self, value: Any) -> str:
        """A value without a kind."""
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.number(value)
        if isinstance(value, Mapping):
            return self._nested(value)
        return ", ".join(map(self._plain, value)) if isinstance(value, Sequence) else str(value)

    def _nested(self, value: Mapping[str, Any]) -> str:
        return self._say("part", value["code"], value.get("role", ""), value) or self.say(Message.of(value))

    def _some(self, items: Sequence[str], values: Sequence[Any], style: _Style = "standard") -> str:
        """Items, of which some may have been left out: a whole number at the end of the values counts those."""
        left_out = values[-1] if values and isinstance(values[-1], int) else 0
        word = "others" if style == "or" else "more"
        return self.joined([*items, *([self.label("word", word, n=left_out)] if left_out else [])], style)

    def _find(self, context: str, key: str, values: Mapping[str, Any]) -> _Parts | None:
        known = self._known.get((context, key), ())
        if known != ():
            return known
        n = values.get("n", 1)
        plural = self._plural(context, key, n if isinstance(n, int) else 2)
        if plural != key:
            return self._taken_apart(plural)
        single = self._catalogue.pgettext(context, key) if context else self._catalogue.gettext(key)
        found = None if single == key else self._taken_apart(single)
        self._known[context, key] = found
        return found

    def _plural(self, context: str, key: str, n: int) -> str:
        if context:
            return self._catalogue.npgettext(context, key, key, n)
        return self._catalogue.ngettext(key, key, n)

    def _taken_apart(self, text: str) -> _Parts:
        if text not in self._parts:
            parsed = Formatter().parse(text)
            self._parts[text] = tuple(
                (literal, name or "", self._kind(kind or "")) for literal, name, kind, _ in parsed
            )
        return self._parts[text]

    def _kind(self, kind: str) -> _Kind:
        """What says a value of this kind: one that is none of ours is a context of the catalogue."""
        return self._kinds.get(kind) or (lambda value: self.named(kind, str(value)))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _items(values: Sequence[Any]) -> Sequence[Any]:
    """All but the number of those left out."""
    return values[:-1] if values and isinstance(values[-1], int) else values


_terminal = "en"


def speak(tag: str) -> None:
    """Let this be the language of the process's terminal; one that there is not changes nothing."""
    global _terminal  # noqa: PLW0603  a process has one terminal
    _terminal = tag if tag in catalogue.LANGUAGES else _terminal


def terminal() -> Language:
    """What the process's terminal speaks, English until `speak` says otherwise."""
    return language(_terminal)


@cache
def language(tag: str, *, page: bool = False) -> Language:
    """Read once a process. `page`: for who reads it on the page, where some things are done by other means."""
    return Language(tag, page=page)
