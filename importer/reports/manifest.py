"""manifest.json: size, rows and SHA-256 of each file of a report; written last, so that its presence means "whole"."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from importer.model import Message
from importer.reports.summary import FileEntry

MANIFEST = "manifest.json"


class Follows(msgspec.Struct, frozen=True):
    """The report that this one has replaced: the directory in which it is kept, and the SHA-256 of its manifest."""

    directory: str
    manifest_sha256: str


class Document(msgspec.Struct, omit_defaults=True):
    run: str
    files: list[FileEntry]
    follows: Follows | None = None
    """None: it is the first."""


def read_manifest(content: bytes) -> Document:
    """Raises msgspec.MsgspecError where it is none."""
    return msgspec.json.decode(content, type=Document)


def manifest_json(run: str, files: Sequence[FileEntry], follows: Follows | None = None) -> bytes:
    """The document, indented, UTF-8."""
    return msgspec.json.format(msgspec.json.encode(Document(run, list(files), follows)), indent=2) + b"\n"


def check_manifest(directory: Path) -> Iterator[Message]:
    """Yield what differs between the files of the report in `directory` and its manifest. Reads every file once, in
    blocks.
    """
    path = directory / MANIFEST
    try:
        document = read_manifest(path.read_bytes())
    except FileNotFoundError:
        yield Message("verify_manifest", "", {"case": "missing", "path": str(path)})
        return
    except (OSError, msgspec.MsgspecError) as error:
        yield Message("verify_manifest", "", {"path": str(path), "why": str(error)})
        return
    for entry in document.files:
        yield from _differences(directory, entry)
    if document.follows and (directory / document.follows.directory).is_dir():  # one may have made room
        name = f"{Path(document.follows.directory).name}/{MANIFEST}"
        yield from _changed(directory / name, name, document.follows.manifest_sha256)


def holds_summary(directory: Path, summary: str) -> bool:
    """Whether the report in `directory` was finished after this file of it: its manifest knows the file as it is."""
    try:
        document = read_manifest((directory / MANIFEST).read_bytes())
        digest = _sha256(directory / summary)
    except (OSError, msgspec.MsgspecError):
        return False
    return any(entry.name == summary and entry.sha256 == digest for entry in document.files)


def _differences(directory: Path, entry: FileEntry) -> Iterator[Message]:
    path = directory / Path(entry.name).name
    with suppress(OSError):
        if (found := path.stat().st_size) != entry.size:
            yield Message(
                "verify_file_changed", "", {"case": "size", "name": path.name, "found": found, "n": entry.size}
            )
            return
    yield from _changed(path, path.name, entry.sha256)


def _changed(path: Path, name: str, sha256: str) -> Iterator[Message]:
    try:
        found = _sha256(path)
    except FileNotFoundError:
        yield Message("verify_file_missing", "", {"name": name})
    except OSError as error:
        yield Message("verify_file_changed", "", {"case": "unreadable", "name": name, "why": str(error.strerror)})
    else:
        if found != sha256:
            yield Message("verify_file_changed", "", {"name": name, "found": found, "expected": sha256})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
