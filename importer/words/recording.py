"""How a message is recorded: its code, and role and values as one JSON text, empty if there are none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from importer.model import Message, Said

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(dict[str, Any])


def recorded(message: Message) -> str:
    """The text that is kept beside the code."""
    return recorded_values({"role": message.role, **message.values} if message.role else message.values)


def recorded_values(values: Mapping[str, Any]) -> str:
    return recorded_said(values)


def restored(code: str, text: str) -> Message:
    """The message that was recorded as `code` and `text`."""
    values = restored_values(text)
    return Message(code, values.pop("role", ""), values)


def recorded_said(said: Said) -> str:
    """What another one said, or a part of a message, as JSON; empty if nothing was said."""
    try:
        return _ENCODER.encode(said).decode() if said else ""
    except UnicodeEncodeError:
        return _ENCODER.encode(_readable(said)).decode()


def restored_said(text: str) -> Said:
    said: Said = msgspec.json.decode(text) if text else ""
    return said


def _readable(value: Any) -> Any:
    """Without halves of characters, which a path or an answer may hold: they are spelled out."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {name: _readable(one) for name, one in value.items()}
    return [_readable(one) for one in value] if isinstance(value, list | tuple) else value


def restored_values(text: str) -> dict[str, Any]:
    return _DECODER.decode(text) if text else {}
