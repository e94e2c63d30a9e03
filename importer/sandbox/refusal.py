"""How the sandbox says no: the error's name, text and HTTP status, and the JSON shape that the settings choose."""

from typing import Any

from importer.sandbox.settings import Settings

_FIXED = (413, 429, 500, 503)
"""Statuses that `error_status` leaves alone: they are not the API's word on the data."""


class Refusal(Exception):  # noqa: N818  the API refuses; nothing here went wrong
    """A request that is refused as a whole; nothing of it is taken."""

    def __init__(self, name: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.status = status

    def shown(self, settings: Settings) -> tuple[int, dict[str, Any]]:
        """Status and body."""
        status = self.status
        if settings.error_status is not None and status not in _FIXED:
            status = settings.error_status
        if settings.error_shape == "nested":
            return status, {"success": False, "error": {"name": self.name, "message": self.message}}
        key = "error" if settings.error_shape == "flat" else settings.error_shape
        return status, {"success": False, key: self.name, "message": self.message}


def invalid(message: str) -> Refusal:
    return Refusal("ValidationError", message)


def naming(settings: Settings, text: str, serials: list[str]) -> Refusal:
    """A ValidationError on account of some serials, which its message names as the settings say."""
    named = {"all": serials, "first": serials[:1], "none": []}[settings.names]
    return invalid(f"Serial {', '.join(named)} {text}" if named else f"A serial {text}")
