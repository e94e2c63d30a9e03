"""How a message is recorded: its code, and role and values as one JSON text, empty if there are none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from importer.model import Message

_ENCODER = msgspec.json.Encoder(enc_hook=str)
_DECODER = msgspec.json.Decoder(dict[str, Any])


def recorded(message: Message) -> str:
    """The text that is kept beside the code."""
    if not message.role:
        return recorded_values(message.values)
    return _ENCODER.encode({"role": message.role, **message.values}).decode()


def recorded_values(values: Mapping[str, Any]) -> str:
    return _ENCODER.encode(values).decode() if values else ""


def restored(code: str, text: str) -> Message:
    """The message that was recorded as `code` and `text`."""
    values = restored_values(text)
    return Message(code, values.pop("role", ""), values)


def restored_values(text: str) -> dict[str, Any]:
    return _DECODER.decode(text) if text else {}
