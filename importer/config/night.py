"""What can be set of an unattended importer: its inbox, whose lists lie in it, when it sends, and who is told."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from importer.config.fields import NOTIFY_SECRETS, SECRETS, Expected, OptionalPath, Role, Section, parts, table, url_of
from importer.config.windows import Schedule, window_of
from importer.gs1.suspect import Suspect

Complete = Literal["quiet", "marker", "rename"]
When = Literal["now", "digest", "off"]
_TIME_OF_DAY = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|")


class Watch(Section):
    complete: Complete = "quiet"
    quiet_seconds: Annotated[float, Field(ge=0, le=86_400)] = 10.0
    notice: Literal["events", "polling"] = "events"
    look_seconds: Annotated[float, Field(gt=0, le=3600)] = 5.0


class Profile(Section):
    """What is different for the lists of one directory of an inbox. None: as everywhere."""

    tenant: str | None = None
    channel_key: SecretStr = SecretStr("")
    channel_key_file: OptionalPath = None
    token: SecretStr = SecretStr("")
    token_file: OptionalPath = None
    key: SecretStr = SecretStr("")
    key_file: OptionalPath = None
    secret: SecretStr = SecretStr("")
    secret_file: OptionalPath = None
    requests_per_second: Annotated[float | None, Field(ge=0)] = None
    report_dir: OptionalPath = None
    accept: Annotated[tuple[Suspect, ...] | None, NoDecode, BeforeValidator(parts)] = None
    columns: Annotated[dict[str, Role] | None, NoDecode, BeforeValidator(table)] = None

    def different(self) -> dict[str, Any]:
        """What is different in section `api`. A token, or a key and secret, replace both kinds of credentials."""
        given = {name: getattr(self, name) for name in SECRETS if getattr(self, name).get_secret_value()}
        if given.keys() - {"channel_key"}:
            given = {"token": SecretStr(""), "key": SecretStr(""), "secret": SecretStr(""), **given}
        tenant = {} if self.tenant is None else {"tenant": self.tenant}
        return {**given, **tenant}


def _windows(value: object) -> object:
    """Take `mon,tue 22:00-05:00; holiday 08:00-12:00`, as an environment variable gives it."""
    return [part.strip() for part in value.split(";") if part.strip()] if isinstance(value, str) else value


class Hours(Section):
    """The times in which it may send (windows.py)."""

    windows: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_windows)] = ()
    time_zone: str = ""
    holidays: Annotated[tuple[date, ...], NoDecode, BeforeValidator(parts)] = ()

    @field_validator("windows")
    @classmethod
    def _are_windows(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            try:
                window_of(one)
            except ValueError:
                raise Expected("expected_window", value=one) from None
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value or "UTC")
        except (ValueError, OSError, LookupError):
            raise Expected("expected_time_zone") from None
        return value

    @property
    def schedule(self) -> Schedule:
        zone = ZoneInfo(self.time_zone) if self.time_zone else None
        return Schedule(tuple(map(window_of, self.windows)), zone, frozenset(self.holidays))


class Notify(Section):
    """Who is told what became of lists (notify/)."""

    on_failure: When = "now"
    on_rejects: When = "now"
    on_success: When = "digest"
    digest_at: str = ""
    urls: SecretStr = SecretStr("")
    urls_file: OptionalPath = None
    webhook_url: SecretStr = SecretStr("")
    webhook_url_file: OptionalPath = None
    webhook_secret: SecretStr = SecretStr("")
    webhook_secret_file: OptionalPath = None
    ping_url: SecretStr = SecretStr("")
    ping_url_file: OptionalPath = None
    outbox: OptionalPath = None

    @field_validator("digest_at")
    @classmethod
    def _is_time(cls, value: str) -> str:
        if not _TIME_OF_DAY.fullmatch(value):
            raise Expected("expected_time_of_day")
        return value

    @field_validator("webhook_url", "ping_url")
    @classmethod
    def _is_address(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and url_of(value.get_secret_value()) is None:
            raise Expected("expected_address")
        return value

    @property
    def addresses(self) -> tuple[str, ...]:
        """Those of Apprise: one a line, or apart by blanks."""
        return tuple(self.urls.get_secret_value().split())

    def secrets(self) -> tuple[str, ...]:
        """What no log may show: whole addresses, and the passwords and keys in them."""
        values = [getattr(self, name).get_secret_value() for name in NOTIFY_SECRETS if name != "urls"]
        return (*values, *self.addresses, *(urlsplit(url).password or "" for url in self.addresses))
