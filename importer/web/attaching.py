"""Files for people: always to be saved and never shown, since they hold what others wrote."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from aiohttp import web

_TYPES = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
}


def as_attachment(path: Path, name: str) -> web.FileResponse:
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "Content-Type": _TYPES.get(path.suffix, "application/octet-stream"),
    }
    return web.FileResponse(path, headers=headers)
