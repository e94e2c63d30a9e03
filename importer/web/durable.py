"""Small JSON files that survive a crash: written beside, flushed, renamed. Knows nothing of what they hold."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any


def write_json(path: Path, value: Any) -> None:
    """Replace the file, or leave it as it was."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    flush_directory(path.parent)


def make_private(directory: Path) -> None:
    """Make a directory and all that lack above it, for this user alone; one that is there is closed to others."""
    for missing in reversed([one for one in (directory, *directory.parents) if not one.exists()]):
        with suppress(FileExistsError):
            missing.mkdir(mode=0o700)
    if directory.stat().st_mode & 0o077:
        directory.chmod(0o700)


def private(path: str, flags: int) -> int:
    """Open a file for this user alone: an `opener`."""
    return os.open(path, flags, 0o600)


def write_once(path: Path, value: Any) -> bool:
    """Make the file; False where there is one already: of two who try, one succeeds."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_json(draft, value)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    flush_directory(path.parent)
    return True


def flush_directory(path: Path) -> None:
    """Make a rename survive a power cut."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def read_json(path: Path) -> Any:
    """What the file holds; None where there is none, or no whole one."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def secret(path: Path) -> bytes:
    """Random bytes that are the same after a restart."""
    write_once(path, secrets.token_hex(32))
    return bytes.fromhex(read_json(path))
