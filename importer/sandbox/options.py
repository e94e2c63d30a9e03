"""Settings from text, for command lines. Two kinds of option, in any number and order.

    NAME=VALUE              a knob of `Settings`: twice=error, rate=10, unregistered=01234567891231, refused_share=0.05
    CLASS:KIND=WHEN[,…]     a fault on a request class (auth, commission, decommission, any)

WHEN is a probability (0.1), or first:3, every:5, at:7, since:20 (counted per class, from 1); several go together
(`every:2,p=0.5`). `since_seconds=2,until_seconds=9` bounds it to an outage, counted from the start. After it come the
fault's own: seconds=2, jitter=0.5, status=502, retry_after=2 (or date:2), location=URL.
KINDs: latency, 429, 503, error_before, error_after, drop_before, drop_after, truncate, hang_before, hang_after,
html_before, html_after, garble, unsuccessful_before, unsuccessful_after, redirect, revoke; `faults.Kind` says what
each does.

    commission:drop_after=0.1    commission:429=first:3,retry_after=2    any:latency=1,seconds=0.05,jitter=0.02
    auth:html_before=at:1,status=200    commission:revoke=at:20    commission:503=since:100
    any:503=1,since_seconds=2,until_seconds=9
"""

import difflib
import typing
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from pathlib import Path
from types import UnionType
from typing import Any

from importer.sandbox.faults import Fault, Kind, On
from importer.sandbox.settings import Pick, Settings

_COUNTS = ("first", "every", "at", "since")
_FAULT_OPTIONS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(_COUNTS, int),
    "p": float,
    "since_seconds": float,
    "until_seconds": float,
    "seconds": float,
    "jitter": float,
    "status": int,
    "retry_after": str,
    "location": str,
}
_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_TYPES = typing.get_type_hints(Settings)
_PICKS = {name for name, hint in _TYPES.items() if hint is Pick}


def parse_settings(options: Iterable[str], base: Settings | None = None) -> Settings:
    """Raises ValueError, with a message for the option's author."""
    default = base or Settings()
    values: dict[str, Any] = {}
    faults = list(default.faults)
    for option in options:
        name, is_there, value = option.partition("=")
        if not is_there:
            raise ValueError(f"{option!r}: expected NAME=VALUE or CLASS:KIND=WHEN")
        if ":" in name:
            faults.append(parse_fault(option))
        else:
            _set(values, default, name, value)
    return replace(default, **values, faults=tuple(faults))


def parse_fault(text: str) -> Fault:
    """One fault from CLASS:KIND=WHEN[,NAME=VALUE…]. Raises ValueError."""
    left, _, right = text.partition("=")
    on, _, kind = left.partition(":")
    when, *others = right.split(",")
    values = dict([_when(text, when)] if when else [])
    for other in others:
        name, is_there, value = other.partition("=")
        key, number = (name, value) if is_there else _when(text, other)
        values[key] = number
    known = {name: _convert(text, _fault_option(text, name), value) for name, value in values.items()}
    fault = Fault(
        kind=Kind(_one_of(text, kind, list(Kind))),
        on=On(_one_of(text, on, list(On))),
        probability=known.pop("p", 1.0),
    )
    if known.get("every", 1) < 1:
        raise ValueError(f"{text!r}: every:N needs an N of at least 1")
    return replace(fault, **known)


def _when(text: str, when: str) -> tuple[str, str]:
    count, is_count, number = when.partition(":")
    return (_one_of(text, count, _COUNTS), number) if is_count else ("p", when)


def _fault_option(text: str, name: str) -> Callable[[str], Any]:
    return _FAULT_OPTIONS[_one_of(text, name, list(_FAULT_OPTIONS))]


def _set(values: dict[str, Any], default: Settings, name: str, value: str) -> None:
    option = f"{name}={value}"
    stem, _, part = name.rpartition("_")
    if stem in _PICKS and part in ("pattern", "share"):
        old = values.get(stem, getattr(default, stem))
        values[stem] = replace(old, **{part: value if part == "pattern" else _convert(option, float, value)})
    elif name in _PICKS:
        old = values.get(name, getattr(default, name))
        values[name] = replace(old, serials=old.serials | {value})
    else:
        known = [one.name for one in fields(Settings) if one.name != "faults"]
        hint = _TYPES[_one_of(option, name, known)]
        if frozenset[str] in (hint, *typing.get_args(hint)):
            values[name] = values.get(name, frozenset()) | ({value} if value else frozenset())
        else:
            values[name] = _scalar(option, hint, value)


def _scalar(option: str, hint: Any, value: str) -> Any:
    if isinstance(hint, UnionType) or typing.get_origin(hint) is typing.Union:
        hint = next(one for one in typing.get_args(hint) if one is not type(None))
    if typing.get_origin(hint) is typing.Literal:
        return _one_of(option, value, typing.get_args(hint))
    if hint is bool:
        return _YES_NO[_one_of(option, value.lower(), list(_YES_NO))]
    return _convert(option, Path if hint is Path else hint, value)


def _convert(option: str, kind: Callable[[str], Any], value: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"{option!r}: {value!r} is no number") from None


def _one_of(option: str, found: str, known: Iterable[str]) -> str:
    names = [str(one) for one in known]
    if found in names:
        return found
    near = difflib.get_close_matches(found, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(names)}"
    raise ValueError(f"{option!r}: {found!r} is not known here; {hint}")
