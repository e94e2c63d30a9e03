"""Settings that name files, where a person may put the secret itself; files of secrets that other users can read."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from importer.config.fields import NOTIFY_SECRETS, SECRETS
from importer.config.settings import Settings
from importer.redaction import SHORTEST, Redactor

MUST_EXIST = frozenset(
    {*(("api", f"{name}_file") for name in SECRETS), ("api", "ca_file"), ("web", "tls_cert"), ("web", "tls_key")}
    | {("notify", f"{name}_file") for name in NOTIFY_SECRETS}
)
"""Settings of files that only a person makes: what is no such file there may be what should stand in it."""
OTHERS = frozenset(
    {("web", "users_file"), ("web", "access_log"), ("ledger", "path"), ("report", "dir"), ("limits", "quota_dir")}
)
"""Settings of what the importer makes, under any name."""
_FILE_NAME = re.compile(r"[^\n]*[\w)]\.(?:txt|token|key|secret|pem|crt|cer|der|json|toml|env|conf|cfg|ini|p8|dat)")
_OTHERS_MAY = 0o066
"""Read or write, for the group and for others."""


def may_be_secret(value: str, secrets: Collection[str], *, must_exist: bool) -> bool:
    """Whether what is set as a path may be a secret, so that no message can show it: it is one of those that are set,
    a token, or a key in PEM; or where a file must be there: neither one that is, nor what looks like the path of one.
    """
    if value in secrets or "\n" in value or "-----BEGIN" in value or Redactor()(value) != value:
        return True
    return must_exist and not _looks_like_path(value)


def _looks_like_path(value: str) -> bool:
    if len(value) < SHORTEST or _FILE_NAME.fullmatch(value):
        return True
    with suppress(OSError, ValueError):  # too long, or no name of a file
        path = Path(value)
        directory = path.parent
        return path.exists() or (directory not in {Path(), Path("/")} and directory.is_dir())
    return False


def open_to_others(settings: Settings) -> Iterator[tuple[str, Path, str]]:
    """Setting, path and mode (octal) of each file of a secret that other users of the machine can read or change. On
    Windows a mode says nothing of that.
    """
    files: list[tuple[str, Path | None]] = [
        (f"api.{name}_file", getattr(settings.api, f"{name}_file")) for name in SECRETS
    ]
    files += [(f"notify.{name}_file", getattr(settings.notify, f"{name}_file")) for name in NOTIFY_SECRETS]
    files += [
        (f"profiles.{profile}.{name}_file", getattr(of_profile, f"{name}_file"))
        for profile, of_profile in settings.profiles.items()
        for name in SECRETS
    ]
    files += [("web.tls_key", settings.web.tls_key), ("web.users_file", settings.web.users_file)]
    for setting, path in files:
        if path is not None and os.name != "nt":
            with suppress(OSError):
                mode = path.stat().st_mode & 0o777
                if mode & _OTHERS_MAY:
                    yield setting, path, f"{mode:04o}"
