"""manifest.json: size, rows and SHA-256 of each file of a report; written last, so that its presence means "whole"."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from importer.model import Message
from importer.reports.summary import FileEntry

MANIFEST = "manifest.json"


class _Document(msgspec.Struct):
    run: str
    files: list[FileEntry]


def manifest_json(run: str, files: Sequence[FileEntry]) -> bytes:
    """The document, indented, UTF-8."""
    return msgspec.json.format(msgspec.json.encode(_Document(run, list(files))), indent=2) + b"\n"


def check_manifest(directory: Path) -> Iterator[Message]:
    """Yield what differs between the files of the report in `directory` and its manifest. Reads every file once, in
    blocks.
    """
    path = directory / MANIFEST
    try:
        document = msgspec.json.decode(path.read_bytes(), type=_Document)
    except FileNotFoundError:
        yield Message("verify_manifest", "", {"case": "missing", "path": str(path)})
        return
    except (OSError, msgspec.MsgspecError) as error:
        yield Message("verify_manifest", "", {"path": str(path), "why": str(error)})
        return
    for entry in document.files:
        yield from _differences(directory, entry)


def holds_summary(directory: Path, summary: str) -> bool:
    """Whether the report in `directory` was finished after this file of it: its manifest knows the file as it is."""
    try:
        document = msgspec.json.decode((directory / MANIFEST).read_bytes(), type=_Document)
        digest = _measure(directory / summary)[1]
    except (OSError, msgspec.MsgspecError):
        return False
    return any(entry.name == summary and entry.sha256 == digest for entry in document.files)


def _differences(directory: Path, entry: FileEntry) -> Iterator[Message]:
    path = directory / Path(entry.name).name
    try:
        size, digest = _measure(path)
    except FileNotFoundError:
        yield Message("verify_file_missing", "", {"name": path.name})
        return
    except OSError as error:
        yield Message("verify_file_changed", "", {"case": "unreadable", "name": path.name, "why": str(error.strerror)})
        return
    if size != entry.size:
        values = {"case": "size", "name": path.name, "found": size, "n": entry.size}
        yield Message("verify_file_changed", "", values)
    elif digest != entry.sha256:
        yield Message("verify_file_changed", "", {"name": path.name, "found": digest, "expected": entry.sha256})


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.hexdigest()
