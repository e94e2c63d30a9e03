"""What can be set, section by section, with its default and its limits. `config.toml` explains each setting.

It knows nothing of where a setting comes from: that is `config`.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_core.core_schema import ValidationInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from importer.config.fields import NOTIFY_SECRETS, SECRETS, Expected, OptionalPath, Role, Section, parts, table, url_of
from importer.config.night import Hours, Notify, Profile, Watch
from importer.config.target import normal_base, normal_path, target_of
from importer.gs1.codes import CheckDigit, DateOrder, Day00, OnExpired
from importer.gs1.suspect import Suspect
from importer.redaction import SHORTEST

PageRole = Literal["viewer", "planner", "releaser"]
Format = Literal["csv", "xlsx", "html"]

_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]+){3}|::1")


def is_loopback(url: str) -> bool:
    return bool(_LOOPBACK.fullmatch(urlsplit(url).hostname or ""))


class Api(Section):
    """Address and paths stand here in their one normal form (target.py), and go out so."""

    allow_http: bool = False
    base_url: str = "https://api.movilitas.cloud"
    commission_path: str = "/v1/manufacturer/v2/api/serials/commission"
    decommission_path: str = "/v1/manufacturer/v2/api/serials/decommission"
    decommissioned_status: Annotated[str, Field(min_length=1)] = "Decommissioned"
    tenant: str = ""
    auth_path: str = "/v1/api_auth"
    timeout_seconds: Annotated[float, Field(gt=0)] = 30.0
    ca_file: OptionalPath = None
    proxy: SecretStr = SecretStr("")
    """A secret since it may hold a password."""
    channel_key: SecretStr = SecretStr("")
    channel_key_file: OptionalPath = None
    token: SecretStr = SecretStr("")
    token_file: OptionalPath = None
    key: SecretStr = SecretStr("")
    key_file: OptionalPath = None
    secret: SecretStr = SecretStr("")
    secret_file: OptionalPath = None

    @field_validator("base_url")
    @classmethod
    def _is_safe_address(cls, value: str, info: ValidationInfo) -> str:
        url = url_of(value)
        if url is None or url.query or url.fragment or url.username is not None:
            raise Expected("expected_address")
        value = normal_base(value)
        if value.startswith("http:") and not info.data.get("allow_http") and not is_loopback(value):
            raise Expected("expected_https")
        return value

    @field_validator("tenant")
    @classmethod
    def _is_name(cls, value: str) -> str:
        name = " ".join(value.split())
        if not name.isprintable():
            raise Expected("expected_name")
        return name

    @field_validator("commission_path", "decommission_path", "auth_path")
    @classmethod
    def _is_path(cls, value: str) -> str:
        if not value.startswith("/") or not value.isascii() or not value.isprintable() or " " in value:
            raise Expected("expected_path_of_address")
        return normal_path(value)

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and url_of(value.get_secret_value()) is None:
            raise Expected("expected_proxy")
        return value

    @field_validator(*SECRETS)
    @classmethod
    def _is_one_line(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        if not (text.isascii() and text.isprintable()):
            raise Expected("expected_ascii")
        return SecretStr(text)

    @model_validator(mode="after")
    def _has_both_halves(self) -> Api:
        if bool(self.key.get_secret_value()) != bool(self.secret.get_secret_value()):
            there, missing = ("key", "secret") if self.key.get_secret_value() else ("secret", "key")
            variable = f"IMPORTER_API__{missing.upper()}"
            raise Expected(
                "secret_missing",
                name=f"api.{there}",
                other=f"api.{missing}",
                variable=variable,
                file=f"api.{missing}_file",
            )
        return self

    @model_validator(mode="after")
    def _has_secrets_that_can_be_hidden(self) -> Api:
        """One that is short enough to be a word can't be told from the words of a log. A stand-in of the API on this
        machine has none that matters, and a channel's key is the name of a channel rather.
        """
        for name in ("token", "key", "secret"):
            if 0 < len(getattr(self, name).get_secret_value()) < SHORTEST and not is_loopback(self.base_url):
                raise Expected("secret_too_short", name=f"api.{name}", limit=str(SHORTEST))
        return self

    @property
    def origin(self) -> str:
        """Scheme, host and port: what a channel's quota counts for, whatever the paths."""
        url = urlsplit(self.base_url)
        return f"{url.scheme}://{url.netloc}"

    @property
    def channel(self) -> str:
        """What a quota counts for, as the workers know it: address, and a fingerprint of the channel key."""
        return target_of(self.origin, "", self.channel_key.get_secret_value())

    @property
    def address(self) -> str:
        """Where serials are commissioned."""
        return self.base_url + self.commission_path

    @property
    def decommission_address(self) -> str:
        """Where they are taken back."""
        return self.base_url + self.decommission_path

    @property
    def target(self) -> str:
        """The address and the pool of serials behind it, as the ledger keeps them with a run."""
        return target_of(self.address, self.tenant, self.channel_key.get_secret_value())

    @property
    def known_target(self) -> str:
        """The same; empty while nothing says which pool of serials it is: then no earlier run is known."""
        return self.target if self.tenant or self.channel_key.get_secret_value() else ""


class Limits(Section):
    requests_per_second: Annotated[float, Field(ge=0)] = 10.0
    max_in_flight: Annotated[int, Field(ge=1, le=1000)] = 8
    chunk_size: Annotated[int, Field(ge=1, le=100_000)] = 1000
    max_attempts: Annotated[int, Field(ge=1)] = 5
    backoff_seconds: Annotated[float, Field(gt=0)] = 0.5
    patience_minutes: Annotated[float, Field(ge=0, le=10_080)] = 15.0
    quota_dir: OptionalPath = None
    max_failure_percent: Annotated[float, Field(ge=0, le=100)] = 20.0


class Input(Section):
    gtin_check_digit: CheckDigit = "error"
    expired: OnExpired = "warn"
    date_order: DateOrder = ""
    day_00: Day00 = "keep"
    accept: Annotated[tuple[Suspect, ...], NoDecode, BeforeValidator(parts)] = ()
    columns: Annotated[dict[str, Role], NoDecode, BeforeValidator(table)] = Field(default_factory=dict)


class Readers(Section):
    """What one reader may use (readers/limits.py, where each is explained)."""

    memory_megabytes: Annotated[int, Field(ge=200)] = 300
    memory_per_megabyte: Annotated[int, Field(ge=0)] = 60
    most_memory_megabytes: Annotated[int, Field(ge=200)] = 2048
    cpu_seconds: Annotated[float, Field(ge=1)] = 20.0
    cpu_seconds_per_megabyte: Annotated[float, Field(ge=0)] = 10.0
    progress_seconds: Annotated[float, Field(ge=1)] = 30.0


class Unknown(Section):
    policy: Literal["replay", "hold"] = "replay"
    exists_means: Literal["unknown", "assigned"] = "unknown"


class Ledger(Section):
    path: Path = Path("importer.db")
    url: str = ""
    """Of a database of PostgreSQL: it holds the ledger instead of the file."""
    keep_runs_days: Annotated[float, Field(ge=0, le=36_500)] = 0.0

    @field_validator("url")
    @classmethod
    def _is_of_postgresql(cls, value: str) -> str:
        if value and not value.startswith(("postgresql://", "postgres://")):
            raise Expected("expected_postgresql", value=without_password(value))
        if re.search(r"://[^/@]*:[^/@]*@|[?&]password=", value):
            raise Expected("expected_no_password")
        return value

    @property
    def directory(self) -> Path:
        """Where what belongs to the ledger, but is not kept in it, stands: uploads, users, spilled rows."""
        return self.path.absolute().parent


class Worker(Section):
    """Of a process that sends what several hosts have staged (flow/serving.py)."""

    turn_seconds: Annotated[float, Field(gt=0)] = 5.0
    retry_seconds: Annotated[float, Field(gt=0)] = 60.0
    lease_seconds: Annotated[float, Field(ge=2, le=300)] = 10.0


class Report(Section):
    dir: Path = Path("reports")
    keep_days: Annotated[float, Field(ge=0, le=36_500)] = 0.0
    formats: Annotated[tuple[Format, ...], NoDecode, BeforeValidator(parts)] = get_args(Format)
    language: Literal["en", "de"] = "en"


class Log(Section):
    """Where the log is kept, beside stderr."""

    file: OptionalPath = None
    megabytes: Annotated[float, Field(gt=0)] = 10.0
    files: Annotated[int, Field(ge=1, le=1000)] = 10


class Metrics(Section):
    """Where imports can be watched by machines (telemetry/)."""

    textfile: OptionalPath = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    traces: bool = False


class Web(Section):
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8700
    hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(parts)] = ()
    users_file: OptionalPath = None
    trusted_header: str = ""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode, BeforeValidator(parts)] = ("127.0.0.1", "::1")
    groups_header: str = ""
    group_roles: Annotated[dict[str, PageRole], NoDecode, BeforeValidator(table)] = Field(default_factory=dict)
    four_eyes: bool = False
    proxy_ends_tls: bool = False
    tls_cert: OptionalPath = None
    tls_key: OptionalPath = None
    session_hours: Annotated[float, Field(gt=0)] = 8.0
    session_idle_minutes: Annotated[float, Field(ge=0)] = 60.0
    type_number_from: Annotated[int, Field(ge=0)] = 10_000
    discard_hours: Annotated[float, Field(ge=0, le=8760)] = 24.0
    max_connections: Annotated[int, Field(ge=8)] = 400
    max_connections_per_address: Annotated[int, Field(ge=8)] = 150
    max_listeners_per_person: Annotated[int, Field(ge=1)] = 20
    max_upload_megabytes: Annotated[int, Field(ge=1)] = 2048
    max_uploads: Annotated[int, Field(ge=1)] = 50
    max_uploads_per_person: Annotated[int, Field(ge=1)] = 25
    max_megabytes_per_person: Annotated[int, Field(ge=1)] = 8192
    keep_uploads_days: Annotated[float, Field(ge=0, le=36_500)] = 30.0
    access_log: OptionalPath = None
    access_log_megabytes: Annotated[float, Field(gt=0)] = 10.0
    access_log_files: Annotated[int, Field(ge=2, le=1000)] = 10

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            try:
                ip_network(one)
            except ValueError:
                raise Expected("expected_networks", value=one) from None
        return value

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the page by https."""
        return self.tls_cert is not None or self.proxy_ends_tls

    @property
    def behind_proxy(self) -> bool:
        """Whether what a trusted proxy says of a request is believed."""
        return bool(self.trusted_header) or self.proxy_ends_tls


class Settings(BaseSettings):
    """All settings, checked and unchangeable. Made by `config.load` and by tests, never from the environment alone."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, env_prefix="IMPORTER_", env_nested_delimiter="__"
    )

    api: Api = Api()
    limits: Limits = Limits()
    input: Input = Input()
    readers: Readers = Readers()
    unknown: Unknown = Unknown()
    ledger: Ledger = Ledger()
    worker: Worker = Worker()
    report: Report = Report()
    watch: Watch = Watch()
    profiles: dict[str, Profile] = Field(default_factory=dict)
    schedule: Hours = Hours()
    notify: Notify = Notify()
    web: Web = Web()
    metrics: Metrics = Metrics()
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave the process's environment alone: `config` is given one."""
        return (init_settings,)

    def public(self) -> dict[str, Any]:
        """Give every setting that is no secret, as JSON has it; of a proxy, the address without its password."""
        values: dict[str, dict[str, Any]] = self.model_dump(
            mode="json", exclude={"api": set(SECRETS), "notify": set(NOTIFY_SECRETS), "profiles": True}
        )
        values["api"]["proxy"] = without_password(self.api.proxy.get_secret_value())
        return values

    def secrets(self) -> tuple[str, ...]:
        """Give the values that no log may show."""
        holders = (self.api, *self.profiles.values())
        values = [getattr(holder, name).get_secret_value() for holder in holders for name in SECRETS]
        values += [urlsplit(self.api.proxy.get_secret_value()).password or "", *self.notify.secrets()]
        return tuple(value for value in values if value)

    def of_profile(self, name: str, *, with_api: bool = True) -> Self:
        """The settings for the lists of one profile; without `with_api`, into the same API as all others. Raises
        KeyError where there is no such profile, ValidationError for credentials that don't go together.
        """
        profile = self.profiles[name]
        rate, reports = profile.requests_per_second, profile.report_dir
        changed: dict[str, Section] = {}
        if with_api:
            changed["api"] = Api(**{**self.api.model_dump(), **profile.different()})
        if rate is not None:
            changed["limits"] = self.limits.model_copy(update={"requests_per_second": rate})
        if reports is not None:
            changed["report"] = self.report.model_copy(update={"dir": reports})
        read = {"accept": profile.accept, "columns": profile.columns}
        read = {key: value for key, value in read.items() if value is not None}
        changed["input"] = self.input.model_copy(update=read)
        return self.model_copy(update=changed)


def without_password(address: str) -> str:
    """Hide what stands before the @ of an address, or of a text that may be meant as one."""
    return re.sub(r"(^|//)[^/]*@", r"\1***@", address)
