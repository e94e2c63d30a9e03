"""manifest.json: size, rows and SHA-256 of each file of a report; written last, so that its presence means "whole"."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from importer.reports.summary import FileEntry

MANIFEST = "manifest.json"


class _Document(msgspec.Struct):
    run: str
    files: list[FileEntry]


def manifest_json(run: str, files: Sequence[FileEntry]) -> bytes:
    """The document, indented, UTF-8."""
    return msgspec.json.format(msgspec.json.encode(_Document(run, list(files))), indent=2) + b"\n"


def check_manifest(directory: Path) -> list[str]:
    """What differs between the files of the report in `directory` and its manifest: one sentence each, none if all is
    well. Reads every file once, in blocks.
    """
    path = directory / MANIFEST
    try:
        document = msgspec.json.decode(path.read_bytes(), type=_Document)
    except FileNotFoundError:
        return [f"{path} is missing: the report was not finished. Write it again with `importer report`."]
    except (OSError, msgspec.MsgspecError) as error:
        return [f"{path} can't be read ({error}). Write the report again with `importer report`."]
    return [sentence for entry in document.files for sentence in _differences(directory, entry)]


def holds_summary(directory: Path, summary: str) -> bool:
    """Whether the report in `directory` was finished after this file of it: its manifest knows the file as it is."""
    try:
        document = msgspec.json.decode((directory / MANIFEST).read_bytes(), type=_Document)
        digest = _measure(directory / summary)[1]
    except (OSError, msgspec.MsgspecError):
        return False
    return any(entry.name == summary and entry.sha256 == digest for entry in document.files)


def _differences(directory: Path, entry: FileEntry) -> Iterator[str]:
    path = directory / Path(entry.name).name
    try:
        size, digest = _measure(path)
    except FileNotFoundError:
        yield f"{path.name} is missing: the manifest expects {entry.size} bytes."
        return
    except OSError as error:
        yield f"{path.name} can't be read: {error.strerror}."
        return
    if size != entry.size:
        yield f"{path.name} has {size} bytes: the manifest expects {entry.size}."
    elif digest != entry.sha256:
        yield f"{path.name} was changed: its SHA-256 is {digest}, the manifest expects {entry.sha256}."


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.hexdigest()
