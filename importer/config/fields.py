"""What sections of the configuration are made of: their base, and values as environment variables give them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict

Role = Literal["serial", "gtin", "batch", "expiry"]

SECRETS = ("channel_key", "token", "key", "secret")
"""Of section `api`. Each may stand in a file of its own, which `<name>_file` names."""
NOTIFY_SECRETS = ("urls", "webhook_url", "webhook_secret", "ping_url")
"""Of section `notify`, likewise."""


def optional_path(value: object) -> object:
    return None if value == "" else value


def parts(value: object) -> object:
    """Take `csv,html` for a list, as an environment variable gives it."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def table(value: object) -> object:
    """Take JSON for a table, as an environment variable gives it."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise Expected("expected_json") from None


def url_of(value: str) -> Any:
    try:
        url = urlsplit(value)
        fits = url.scheme in ("http", "https") and url.hostname and (url.port is None or url.port > 0)
    except ValueError:
        return None
    return url if fits and value.isascii() and value.isprintable() and " " not in value else None


OptionalPath = Annotated[Path | None, BeforeValidator(optional_path)]


class Expected(ValueError):  # noqa: N818  it says what was expected
    """What a setting must be, as a part of a message; or a whole message, if two settings don't go together."""

    def __init__(self, code: str, **values: str) -> None:
        super().__init__(code)
        self.part = {"code": code, **values}


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)
