"""The configuration, from its file and the environment, or one line that says what is wrong in it.

It reads the file and the files that hold secrets, and nothing else; the environment is an argument.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from importer.config.fields import NOTIFY_SECRETS, SECRETS, Expected
from importer.config.night import Profile
from importer.config.secret_paths import MUST_EXIST, OTHERS, may_be_secret
from importer.config.settings import Settings, without_password
from importer.errors import ConfigError

__all__ = ["Settings", "load"]

_PREFIX = "IMPORTER_"
_SECRETS = {"api": SECRETS, "notify": NOTIFY_SECRETS}
DEFAULT_PATH = Path("config.toml")
_PROFILE = re.compile(r"[a-z0-9][a-z0-9_-]*")
ROOMS_OF_INBOX = ("working", "done", "problems", "failed")
"""Directories of an inbox that can be no profile's."""

_Values = dict[str, Any]


def load(
    config_path: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, Mapping[str, Any]],
    profile: str | None = None,
) -> Settings:
    """Load the settings: `overrides` (by section and key, from the command line; None is no override) win over
    `environ`, which wins over the file. Without `config_path`, `config.toml` of the working directory is read if there
    is one. Paths in settings are relative to the working directory. Of `profile`, what is different wins over the file
    and `environ`. Raises ConfigError.
    """
    path = config_path or DEFAULT_PATH
    in_file = _read_file(path) if config_path or path.exists() else {}
    profiles = in_file.get("profiles", {})
    in_environ = _read_environ(environ, profiles)
    given = {section: {k: v for k, v in keys.items() if v is not None} for section, keys in overrides.items()}
    origins = _Origins(path, in_environ, given)
    values: _Values = {}
    for layer in (in_file, in_environ, given):
        for section, keys in layer.items():
            values[section] = {**values.get(section, {}), **keys}
    for name, keys in _profiles_of(environ, profiles).items():
        values["profiles"][name] = {**profiles[name], **keys}
    _must_be_paths(values, origins)
    for section, names in _SECRETS.items():
        values[section] = _with_secret_files(values.get(section, {}), origins, section, names)
    for name in profiles:
        values["profiles"][name] = _with_secret_files(values["profiles"][name], origins, f"profiles.{name}", SECRETS)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise _wrong(error, origins) from None  # its cause would hold what was found, secrets too
    for name in settings.profiles:
        try:
            settings.of_profile(name)
        except ValidationError as error:
            raise _wrong_profile(error, name, path) from None
    return _of_profile(settings, profile, path, given) if profile else settings


def _wrong_profile(error: ValidationError, name: str, path: Path) -> ConfigError:
    """What is wrong with the credentials of a profile, together with those that all share."""
    first = error.errors(include_url=False)[0]
    if first["loc"]:
        expected = _expected(first["type"], first.get("ctx", {}), first["msg"])
        where = f"{path}: profiles.{name}.{first['loc'][0]}"
        return ConfigError("setting_wrong", case="secret", where=where, expected=expected)
    told = _told(first.get("ctx", {}))
    own = {"api.": f"profiles.{name}.", "IMPORTER_API__": _profile_variable(name, "")}
    for general, of_profile in own.items():
        told = {key: value.replace(general, of_profile) for key, value in told.items()}
    return ConfigError(told["code"], **{key: value for key, value in told.items() if key != "code"})


def _of_profile(settings: Settings, profile: str, path: Path, given: _Values) -> Settings:
    if profile not in settings.profiles:
        raise ConfigError("profile_unknown", file=str(path), name=profile, known=list(settings.profiles))
    chosen = settings.of_profile(profile)
    reports = given.get("report", {})
    return chosen.model_copy(update={"report": settings.report}) if reports else chosen


class _Origins:
    """Where a setting was found, in the words of who set it."""

    def __init__(self, path: Path, in_environ: _Values, given: _Values) -> None:
        self._path, self._in_environ, self._given = path, in_environ, given

    def name(self, section: str, key: str) -> str:
        if section.startswith("profiles."):
            return f"{self._path}: {section}.{key}"
        if key in self._given.get(section, {}):
            return f"command line: {section}.{key}"
        if key in self._in_environ.get(section, {}):
            return _variable(section, key)
        return f"{self._path}: {section}.{key}"


def _sections() -> dict[str, list[str]]:
    fields = {name: field for name, field in Settings.model_fields.items() if name != "profiles"}
    return {section: list(getattr(field.annotation, "model_fields", {})) for section, field in fields.items()}


def _variable(section: str, key: str) -> str:
    return f"{_PREFIX}{section}__{key}".upper()


def _nearest(found: str, known: Iterable[str]) -> str:
    """Name what was probably meant: the same key elsewhere, else the most similar name."""
    names = list(known)
    elsewhere = [name for name in names if name.rpartition(".")[2] == found.rpartition(".")[2]]
    similar = elsewhere or difflib.get_close_matches(found, names, n=1, cutoff=0.0)
    return similar[0]


def _read_file(path: Path) -> _Values:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError("config_unreadable", file=str(path), reason=error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise ConfigError("config_not_utf8", file=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            "config_no_toml", file=str(path), reason=_one_line(str(error))
        ) from None  # the cause may quote a secret
    for section, keys in values.items():
        if section == "profiles" and isinstance(keys, dict):
            for name, of_profile in keys.items():
                _check_profile(path, name, of_profile)
        else:
            _check_section(path, section, keys)
    return values


def _check_profile(path: Path, name: str, keys: object) -> None:
    if not _PROFILE.fullmatch(name) or name in ROOMS_OF_INBOX:
        raise ConfigError("profile_name_wrong", file=str(path), name=name)
    if not isinstance(keys, dict):
        raise ConfigError("section_expected", file=str(path), name=f"profiles.{name}", found=_shown(keys))
    for key, value in keys.items():
        where = f"profiles.{name}.{key}"
        if key not in Profile.model_fields:
            meant = _nearest(where, [f"profiles.{name}.{known}" for known in Profile.model_fields])
            raise ConfigError("setting_unknown", file=str(path), name=where, meant=meant)
        if _is_secret("profiles.", key, value):
            own_file = {"case": "or_own_file", "setting": f"{where}_file"}
            variable = _profile_variable(name, key)
            raise ConfigError("secret_in_file", file=str(path), name=where, variable=variable, **own_file)


def _profile_variable(name: str, key: str) -> str:
    return _variable(f"profiles__{name.replace('-', '_')}", key)


def _profiles_of(environ: Mapping[str, str], profiles: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """What the environment says of each profile of the file."""
    return {
        name: {
            key: environ[variable]
            for key in Profile.model_fields
            if (variable := _profile_variable(name, key)) in environ
        }
        for name in profiles
    }


def _check_section(path: Path, section: str, keys: object) -> None:
    sections = _sections()
    settings = [f"{name}.{key}" for name, of_section in sections.items() for key in of_section]
    if section not in sections:
        known = sections if isinstance(keys, dict) else settings
        code = "section_unknown" if isinstance(keys, dict) else "setting_unknown"
        raise ConfigError(code, file=str(path), name=section, meant=_nearest(section, known))
    if not isinstance(keys, dict):
        raise ConfigError("section_expected", file=str(path), name=section, found=_shown(keys))
    for key, value in keys.items():
        if key not in sections[section]:
            nearest = _nearest(f"{section}.{key}", [f"{section}.{name}" for name in sections[section]])
            similar = difflib.get_close_matches(f"{section}.{key}", settings, n=1, cutoff=0.8)
            elsewhere = [name for name in settings if name.endswith(f".{key}")]
            meant = (elsewhere or similar or [nearest])[0]
            raise ConfigError("setting_unknown", file=str(path), name=f"{section}.{key}", meant=meant)
        if _is_secret(section, key, value):
            is_named = key in _SECRETS[section]
            own_file = {"case": "or_own_file", "setting": f"{section}.{key}_file"} if is_named else {}
            raise ConfigError(
                "secret_in_file", file=str(path), name=f"{section}.{key}", variable=_variable(section, key), **own_file
            )


def _is_secret(section: str, key: str, value: object) -> bool:
    names = SECRETS if section.startswith("profiles.") else _SECRETS.get(section, ())
    return (key in names and value != "") or (section == "api" and key == "proxy" and "@" in str(value))


def _read_environ(environ: Mapping[str, str], profiles: Iterable[str]) -> _Values:
    of_profiles = {_profile_variable(name, key) for name in profiles for key in Profile.model_fields}
    known = {_variable(section, key) for section, keys in _sections().items() for key in keys}
    ours = {name: value for name, value in environ.items() if name.startswith(_PREFIX) and name not in of_profiles}
    for name in ours:
        if name not in known:
            meant = difflib.get_close_matches(name, sorted(known | of_profiles), n=1, cutoff=0.0)[0]
            raise ConfigError("variable_unknown", name=name, meant=meant)
    source = EnvSettingsSource(Settings)
    source.env_vars = {name.lower(): value for name, value in ours.items()}
    return source()


def _must_be_paths(values: _Values, origins: _Origins) -> None:
    """Raise ConfigError where a secret seems to stand in the place of a path: no message and no report may show it."""
    secrets = {str(values.get("api", {}).get(name) or "") for name in SECRETS} - {""}
    for section, key in sorted(MUST_EXIST | OTHERS):
        value = str(values.get(section, {}).get(key) or "")
        if value and may_be_secret(value, secrets, must_exist=(section, key) in MUST_EXIST):
            raise ConfigError("path_may_be_secret", where=origins.name(section, key))
    for name, keys in values.get("profiles", {}).items():
        for key in (f"{secret}_file" for secret in SECRETS):
            value = str(keys.get(key) or "")
            if value and may_be_secret(value, secrets, must_exist=True):
                raise ConfigError("path_may_be_secret", where=origins.name(f"profiles.{name}", key))


def _with_secret_files(given: _Values, origins: _Origins, section: str, names: Iterable[str]) -> _Values:
    """Read the secrets that stand in files; one that is given itself is not looked for in its file."""
    values = dict(given)
    for name in names:
        file = values.get(f"{name}_file")
        if file and not values.get(name):
            values[name] = _read_secret(str(file), origins.name(section, f"{name}_file"))
    return values


def _read_secret(file: str, where: str) -> str:
    try:
        text = Path(file).read_text(encoding="ascii").strip()
    except OSError as error:
        raise ConfigError("secret_unreadable", where=where, file=file, reason=error.strerror or str(error)) from error
    except ValueError:
        raise ConfigError("secret_not_ascii", where=where, file=file) from None
    if not text:
        raise ConfigError("secret_file_empty", where=where, file=file)
    return text


def _wrong(error: ValidationError, origins: _Origins) -> ConfigError:
    first = error.errors(include_url=False)[0]
    section, *rest = (str(part) for part in first["loc"])
    if not rest:
        told = _told(first.get("ctx", {}))
        return ConfigError(told["code"], **{name: value for name, value in told.items() if name != "code"})
    if section == "profiles":
        section, rest = f"profiles.{rest[0]}", rest[1:]
    where = origins.name(section, rest[0])
    if len(rest) > 1:
        where = f"{where}, {rest[1]}"
    expected = _expected(first["type"], first.get("ctx", {}), first["msg"])
    if _is_secret(section, rest[0], first["input"]):
        return ConfigError("setting_wrong", case="secret", where=where, expected=expected)
    return ConfigError("setting_wrong", where=where, found=_shown(first["input"]), expected=expected)


def _told(context: Mapping[str, Any]) -> dict[str, Any]:
    """What a check of ours found wrong."""
    error = context.get("error")
    return error.part if isinstance(error, Expected) else {"code": "internal_fault"}


def _expected(kind: str, context: Mapping[str, Any], message: str) -> dict[str, Any] | str:
    match kind:
        case "greater_than" | "greater_than_equal" | "less_than_equal":
            return {"code": f"expected_{kind}", "limit": next(iter(context.values()))}
        case "literal_error" | "enum":
            return str(context["expected"])
        case "value_error":
            return _told(context)
        case "finite_number":
            return {"code": "expected_finite_number"}
    known = {"int", "float", "bool", "string", "path", "list", "tuple", "dict"}
    found = kind.partition("_")[0]
    return {"code": f"expected_{found}"} if found in known else _one_line(message)


def _shown(value: object) -> str:
    return json.dumps(without_password(value) if isinstance(value, str) else value, ensure_ascii=False, default=str)


def _one_line(text: str) -> str:
    return " ".join(text.split())
